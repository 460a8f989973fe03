/** Beside the questions: which account they are about, what is known of it, what was asked before. */
import { Button, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef, useState } from 'react';
import { Link } from 'react-router-dom';
import * as icons from '../../icons';
import { usePortfolio, type Overview } from '../api/accounts';
import { useBriefs, type BriefRow } from '../api/briefs';
import { quickTasks } from '../accounts/tasks';
import { ScoreBadge, Sparkline, TrendTag } from '../parts/charts';
import { Icon } from '../parts/Icon';
import { Ago, Bones, ProblemNote } from '../parts/parts';
import { daysOf, riskLook, roundMoneyOf } from '../parts/risk';
import css from './success.module.css';

const searchMs = 200;
const choices = 20;
const soonDays = 30;

interface Props {
  account: string | null;
  overview: Overview | undefined;
  onAccount: (slug: string | null) => void;
  onPrompt: (text: string) => void;
  onBrief: (id: string) => void;
}

export function AskSide(props: Props) {
  const { account, overview } = props;
  return (
    <>
      <AccountPicker {...props} />
      {account && !overview && <Bones lines={4} />}
      {account && overview && <ContextCard overview={overview} />}
      <section className={css.quick} aria-label="Quick questions">
        <h2>Quick questions</h2>
        <div>
          {quickTasks.map((quick) => (
            <Button
              key={quick.task}
              size="xs"
              variant="default"
              leftSection={<Icon path={quick.icon} size={15} />}
              disabled={!overview}
              onClick={() => overview && props.onPrompt(quick.ask(overview.account.name))}
            >
              {quick.label}
            </Button>
          ))}
        </div>
        {!account && <p>Choose an account to use them.</p>}
      </section>
      <Before account={account} onBrief={props.onBrief} />
    </>
  );
}

function AccountPicker({ account, overview, onAccount }: Props) {
  const [text, setText] = useState('');
  // What is being typed stays, although an answer chooses an account meanwhile or its name arrives.
  const typed = useRef<string | null>(null);
  const [q] = useDebouncedValue(text.trim(), searchMs);
  const name = overview?.account.name;
  const found = usePortfolio({ q: q && q !== name ? q : undefined, sort: 'name' }, choices, null);
  const data = (found.data?.items ?? []).map((row) => ({ value: row.slug, label: row.name }));
  const slug = overview?.account.slug ?? account;
  if (slug && !data.some((choice) => choice.value === slug))
    data.unshift({ value: slug, label: name ?? slug });
  return (
    <Select
      label="Account"
      placeholder="All accounts"
      nothingFoundMessage="No account is called that"
      searchable
      clearable
      allowDeselect
      data={data}
      value={slug}
      onChange={(chosen) => {
        typed.current = null;
        onAccount(chosen);
      }}
      searchValue={text}
      onSearchChange={(next) => {
        if (typed.current === null || next === typed.current) setText(next);
      }}
      onInput={(event) => {
        typed.current = event.currentTarget.value;
      }}
      onBlur={() => {
        typed.current = null;
        setText(name ?? slug ?? '');
      }}
      filter={({ options }) => options}
      leftSection={<Icon path={icons.briefcase} size={15} />}
      clearButtonProps={{ 'aria-label': 'All accounts' }}
      comboboxProps={{ withinPortal: true }}
    />
  );
}

function ContextCard({ overview }: { overview: Overview }) {
  const { account, contract, usage, tickets, health } = overview;
  const renewal = health.factors.find((factor) => factor.name === 'renewal')?.value;
  const days = typeof renewal === 'number' ? renewal : null;
  return (
    <section className={css.context} aria-label="Account">
      <div>
        <Link to={`/accounts/${account.slug}`}>{account.name}</Link>
        <span className={css.contextScore}>
          <ScoreBadge score={health.score} risk={health.risk_level} />
          {riskLook(health.risk_level).word}
        </span>
      </div>
      <dl>
        <div>
          <dt>Revenue a year</dt>
          <dd>
            {contract.arr_cents === null
              ? '–'
              : roundMoneyOf(contract.arr_cents, contract.currency)}
          </dd>
        </div>
        <div>
          <dt>Renewal</dt>
          <dd data-soon={(days !== null && days <= soonDays) || undefined}>
            {days === null ? 'not known' : days === 0 ? 'due' : `in ${daysOf(days)}`}
          </dd>
        </div>
        <div>
          <dt>Usage</dt>
          <dd>
            {usage.sparkline.length > 1 ? (
              <span className={css.usage}>
                <Sparkline values={usage.sparkline} trend={usage.trend} width={64} height={20} />
                <TrendTag trend={usage.trend} />
              </span>
            ) : (
              <TrendTag trend={usage.trend} />
            )}
          </dd>
        </div>
        <div>
          <dt>Open tickets</dt>
          <dd>{tickets.open_tickets ?? 'not known'}</dd>
        </div>
      </dl>
    </section>
  );
}

function Before({ account, onBrief }: { account: string | null; onBrief: (id: string) => void }) {
  const briefs = useBriefs(account);
  if (briefs.isError)
    return <ProblemNote error={briefs.error} retry={() => void briefs.refetch()} />;
  return (
    <section className={css.before} aria-label="Asked before">
      <h2>Asked before</h2>
      {briefs.isPending && <Bones lines={3} height={12} />}
      {briefs.items?.length === 0 && <p>Nothing yet.</p>}
      <ul>
        {briefs.items?.map((brief) => (
          <BriefLine key={brief.id} brief={brief} onBrief={onBrief} />
        ))}
      </ul>
      {briefs.hasNextPage && (
        <Button
          size="compact-xs"
          variant="subtle"
          loading={briefs.isFetchingNextPage}
          onClick={() => void briefs.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </section>
  );
}

function BriefLine({ brief, onBrief }: { brief: BriefRow; onBrief: (id: string) => void }) {
  return (
    <li>
      <button type="button" onClick={() => onBrief(brief.id)}>
        <span>{brief.question}</span>
        <em>
          {brief.account && `${brief.account.name} · `}
          <Ago ms={brief.created_at} />
        </em>
      </button>
    </li>
  );
}
