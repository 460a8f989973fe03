/** The renewals of a month: a calendar where there is room, a list of its days where not. */
import { ActionIcon, Button } from '@mantine/core';
import { Link } from 'react-router-dom';
import * as icons from '../../icons';
import { useRenewals, type PortfolioRow, type RenewalDay } from '../api/accounts';
import type { AddressState } from '../parts/address';
import { RiskMark } from '../parts/charts';
import { Icon } from '../parts/Icon';
import { Bones, Empty, ProblemNote } from '../parts/parts';
import { riskLook, roundMoneyOf, shortMoneyOf } from '../parts/risk';
import { plural } from '../parts/words';
import css from './accounts.module.css';

const monthName = new Intl.DateTimeFormat(undefined, {
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});
const dayName = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  day: 'numeric',
  timeZone: 'UTC',
});
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const shownOfADay = 4;
const monthsAhead = 12;

const isoOf = (date: Date) => date.toISOString().slice(0, 10);
const monthOf = (text: string | null): Date => {
  const match = /^(\d{4})-(\d{2})$/.exec(text ?? '');
  const now = new Date();
  return match
    ? new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, 1))
    : new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
};
const shifted = (month: Date, by: number) =>
  new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + by, 1));

export function Renewals({ address }: { address: AddressState }) {
  const month = monthOf(address.read('month'));
  const last = new Date(shifted(month, 1).getTime() - 86_400_000);
  const days = useRenewals(isoOf(month), isoOf(last));
  const go = (by: number) => address.write({ month: isoOf(shifted(month, by)).slice(0, 7) });
  const accounts = days.data?.flatMap((day) => day.accounts) ?? [];
  return (
    <>
      <div className={css.monthHead}>
        <ActionIcon aria-label="Month before" variant="default" onClick={() => go(-1)}>
          <Icon path={icons.back} size={16} />
        </ActionIcon>
        <h2 aria-live="polite">{monthName.format(month)}</h2>
        <ActionIcon aria-label="Month after" variant="default" onClick={() => go(1)}>
          <span style={{ display: 'inline-flex', transform: 'scaleX(-1)' }}>
            <Icon path={icons.back} size={16} />
          </span>
        </ActionIcon>
        {days.data && <p>{totalsOf(accounts)}</p>}
        {days.data?.length === 0 && <NextRenewals after={last} go={address.write} />}
      </div>
      {days.isError && <ProblemNote error={days.error} retry={() => void days.refetch()} />}
      {days.isPending && <Bones lines={8} />}
      {days.data && <Calendar month={month} last={last} days={days.data} />}
      {days.data?.length === 0 && (
        <div className={css.narrowOnly}>
          <Empty icon={icons.calendar} title="No renewals" />
        </div>
      )}
    </>
  );
}

/** Where an empty month leads: the next one with renewals, within a year. */
function NextRenewals({ after, go }: { after: Date; go: AddressState['write'] }) {
  const from = shifted(after, 1);
  const next = useRenewals(isoOf(from), isoOf(shifted(from, monthsAhead)));
  const date = next.data?.[0]?.date;
  if (!date) return null;
  const month = date.slice(0, 7);
  return (
    <Button size="compact-xs" variant="default" onClick={() => go({ month })}>
      Next: {monthName.format(new Date(`${month}-01T00:00:00Z`))}
    </Button>
  );
}

function totalsOf(accounts: PortfolioRow[]): string {
  if (accounts.length === 0) return 'Nothing renews in this month';
  const sums = new Map<string, number>();
  for (const row of accounts)
    if (row.arr_cents && row.currency)
      sums.set(row.currency, (sums.get(row.currency) ?? 0) + row.arr_cents);
  const worth = [...sums].map(([currency, cents]) => shortMoneyOf(cents, currency)).join(' + ');
  return `${plural(accounts.length, 'renewal')}${worth ? `, ${worth} a year` : ''}`;
}

function Calendar({ month, last, days }: { month: Date; last: Date; days: RenewalDay[] }) {
  const byDate = new Map(days.map((day) => [day.date, day.accounts]));
  const lead = (month.getUTCDay() + 6) % 7;
  const today = isoOf(new Date());
  return (
    <div className={css.calendar}>
      <div className={css.weekdays} aria-hidden="true">
        {weekdays.map((day) => (
          <span key={day}>{day}</span>
        ))}
      </div>
      <ol className={css.days}>
        {Array.from({ length: last.getUTCDate() }, (_, i) => {
          const date = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth(), i + 1));
          const iso = isoOf(date);
          const accounts = byDate.get(iso) ?? [];
          return (
            <li
              key={iso}
              data-empty={accounts.length === 0 || undefined}
              data-today={iso === today || undefined}
              style={i === 0 ? { gridColumnStart: lead + 1 } : undefined}
            >
              <time dateTime={iso}>
                <span className={css.wideDay}>{i + 1}</span>
                <span className={css.narrowDay}>{dayName.format(date)}</span>
              </time>
              <Day accounts={accounts} />
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function Day({ accounts }: { accounts: PortfolioRow[] }) {
  if (accounts.length === 0) return null;
  const chip = (row: PortfolioRow) => (
    <Link
      key={row.id}
      to={`/accounts/${row.slug}`}
      className={css.chip}
      title={`${row.name}: ${riskLook(row.risk_level).word}${
        row.arr_cents === null ? '' : `, ${roundMoneyOf(row.arr_cents, row.currency)} a year`
      }`}
    >
      <RiskMark risk={row.risk_level} size={9} />
      <span>{row.name}</span>
    </Link>
  );
  return (
    <div className={css.chips}>
      {accounts.slice(0, shownOfADay).map(chip)}
      {accounts.length > shownOfADay && (
        <details>
          <summary>{accounts.length - shownOfADay} more</summary>
          {accounts.slice(shownOfADay).map(chip)}
        </details>
      )}
    </div>
  );
}
