/** Makes an account, or changes one: only what was changed is sent, in one request. */
import { Button, Select, TextInput } from '@mantine/core';
import { useRef, useState } from 'react';
import { useAccountSave, isOvertaken, type AccountChange } from '../api/accountChanges';
import { useOverview, type AccountHead, type Overview, type Trend } from '../api/accounts';
import { Problem } from '../api/http';
import { Sparkline, TrendTag } from '../parts/charts';
import { Dialog } from '../parts/Dialog';
import { Bones, ProblemNote } from '../parts/parts';
import { trendLook } from '../parts/risk';
import { languageOf, numberOf, plain, writtenLanguages } from '../parts/words';
import css from './form.module.css';
import { longestLine, meanOf, readLine, trendOf } from './usageLine';

const stages = ['trial', 'active', 'at_risk', 'renewal_approaching', 'churned'];
const trends: Trend[] = ['up', 'flat', 'down'];

/** What stands in the fields, as text. */
const names = [
  'name',
  'short_name',
  'slug',
  'stage',
  'plan',
  'owner',
  'industry',
  'country',
  'language',
  'currency',
  'arr',
  'renewal_date',
  'sparkline',
  'trend',
  'open_tickets',
] as const;
type FieldName = (typeof names)[number];
type Values = Record<FieldName, string>;
type Faults = Partial<Record<FieldName, string>>;
const empty = Object.fromEntries(names.map((name) => [name, ''])) as Values;

interface Props {
  /** The slug of the account to change; null makes one. */
  account: string | null;
  onClose: () => void;
  onSaved: (account: AccountHead) => void;
}

export function AccountDialog({ account, onClose, onSaved }: Props) {
  // Read anew when it opens: a change begins with what is true now.
  const overview = useOverview(account);
  const [base, setBase] = useState<Overview | null>(null);
  if (account && !base && overview.data && !overview.isFetching) setBase(overview.data);
  return (
    <Dialog
      onClose={onClose}
      size="lg"
      title={account ? `Change ${overview.data?.account.name ?? 'the account'}` : 'Add an account'}
    >
      {account && !base ? (
        overview.isError ? (
          <ProblemNote error={overview.error} retry={() => void overview.refetch()} />
        ) : (
          <Bones lines={8} />
        )
      ) : (
        <AccountForm
          base={base}
          reload={async () => (await overview.refetch()).data ?? null}
          onClose={onClose}
          onSaved={onSaved}
        />
      )}
    </Dialog>
  );
}

interface FormProps extends Omit<Props, 'account'> {
  base: Overview | null;
  reload: () => Promise<Overview | null>;
}

function AccountForm({ base: atFirst, reload, onClose, onSaved }: FormProps) {
  const [base, setBase] = useState(atFirst);
  const [before, setBefore] = useState(() => (atFirst ? valuesOf(atFirst) : empty));
  const [values, setValues] = useState(before);
  const [theirs, setTheirs] = useState<Overview | null>(null);
  const [tried, setTried] = useState(false);
  const save = useAccountSave(base?.account.id ?? null);
  const changed = names.filter((name) => values[name].trim() !== before[name].trim());
  const own = faultsOf(values);
  const told = save.isError && !isOvertaken(save.error) ? faultOf(save.error) : {};
  const faults: Faults = { ...told, ...(tried ? own : {}), ...(own.sparkline ? own : {}) };
  const set = (name: FieldName, value: string) => {
    setValues((now) => ({ ...now, [name]: value }));
    if (told[name]) save.reset();
  };
  // After a try the first field that is wrong is where one goes on.
  const form = useRef<HTMLFormElement>(null);
  const lookAt = () =>
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus(),
    );
  const submit = (version = base?.account.version) => {
    setTried(true);
    if (save.isPending) return;
    if (Object.keys(own).length > 0) {
      lookAt();
      return;
    }
    save.mutate(
      { change: changeOf(values, changed), ...(version === undefined ? {} : { version }) },
      {
        onSuccess: onSaved,
        onError: (error) => {
          if (isOvertaken(error)) void reload().then(setTheirs);
          else lookAt();
        },
      },
    );
  };
  const text = (
    name: FieldName,
    label: string,
    more: Partial<React.ComponentProps<'input'>> = {},
  ) => (
    <TextInput
      label={label}
      value={values[name]}
      error={faults[name]}
      onChange={(event) => set(name, event.currentTarget.value)}
      {...(more as object)}
    />
  );
  const counted = base?.tickets.source === 'tickets';
  return (
    <form
      ref={form}
      className={css.form}
      noValidate
      aria-label="Account"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className={css.grid}>
        {text('name', 'Name', { maxLength: 200, ...({ 'data-autofocus': true } as object) })}
        {text('short_name', 'Short name', { maxLength: 200, placeholder: 'What members call it' })}
        {!base &&
          text('slug', 'Slug', { maxLength: 100, placeholder: 'Made from the name when empty' })}
        <Select
          label="Stage"
          data={stages.map((value) => ({ value, label: plain(value) }))}
          value={values.stage || null}
          placeholder="Not known"
          error={faults.stage}
          clearable
          clearButtonProps={{ 'aria-label': 'No stage' }}
          onChange={(value) => set('stage', value ?? '')}
        />
        {text('plan', 'Plan', { maxLength: 60 })}
        {text('owner', 'Owner', { maxLength: 254, placeholder: 'E-mail of a member' })}
        {text('industry', 'Industry', { maxLength: 200 })}
        {text('country', 'Country', { maxLength: 2, placeholder: 'Two letters, such as DE' })}
        <Select
          label="Language"
          data={writtenLanguages.map((value) => ({ value, label: languageOf(value) }))}
          value={values.language || null}
          placeholder="In which it is written to"
          error={faults.language}
          clearable
          clearButtonProps={{ 'aria-label': 'No language' }}
          onChange={(value) => set('language', value ?? '')}
        />
        {text('currency', 'Currency', { maxLength: 3, placeholder: 'Three letters, such as EUR' })}
      </div>
      <fieldset className={css.part}>
        <legend>Contract</legend>
        <div className={css.grid}>
          {text('arr', 'Revenue a year', { inputMode: 'decimal', placeholder: '12000.00' })}
          {text('renewal_date', 'Renewal date', { type: 'date' })}
        </div>
      </fieldset>
      <fieldset className={css.part}>
        <legend>Usage</legend>
        <div className={css.grid}>
          <div className={css.line}>
            {text('sparkline', 'Daily users, oldest first', {
              placeholder: '77 81 85 89',
              inputMode: 'decimal',
            })}
          </div>
          <Select
            label="Trend"
            data={[
              { value: '', label: 'As the numbers say' },
              ...trends.map((value) => ({ value, label: trendLook(value).word })),
            ]}
            value={values.trend}
            error={faults.trend}
            allowDeselect={false}
            onChange={(value) => set('trend', value ?? '')}
          />
          <Preview values={values} />
        </div>
      </fieldset>
      <fieldset className={css.part}>
        <legend>Tickets</legend>
        <div className={css.grid}>
          {text('open_tickets', 'Open tickets', {
            inputMode: 'numeric',
            disabled: counted,
            ...(counted ? ({ description: 'Counted from the tickets kept here' } as object) : {}),
          })}
        </div>
      </fieldset>
      {save.isError && !isOvertaken(save.error) && Object.keys(told).length === 0 && (
        <ProblemNote error={save.error} />
      )}
      {save.isError && isOvertaken(save.error) && (
        <Overtaken
          theirs={theirs}
          values={values}
          before={before}
          onTakeTheirs={(now) => {
            setBase(now);
            setBefore(valuesOf(now));
            setValues(valuesOf(now));
            setTheirs(null);
            save.reset();
          }}
          onKeepMine={(now) => submit(now.account.version)}
        />
      )}
      <div className={css.acts}>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          type="submit"
          loading={save.isPending}
          disabled={changed.length === 0 || (save.isError && isOvertaken(save.error))}
        >
          {base ? 'Save' : 'Add account'}
        </Button>
      </div>
    </form>
  );
}

/** What the score will see of the line that stands in the field. */
function Preview({ values: { sparkline, trend } }: { values: Values }) {
  const { values, wrong } = readLine(sparkline);
  const line = trendOf(values);
  const mean = meanOf(values);
  const shown = (trend as Trend) || line;
  return (
    <div className={css.preview} role="status" aria-label="What follows from it">
      <Sparkline values={values} trend={shown} width={120} height={32} />
      <TrendTag trend={wrong ? null : shown} />
      <span>
        {mean === null ? 'No mean' : `${numberOf(mean)} daily users on average`}
        {trend && line && trend !== line && `; the numbers alone are ${wordOf(line)}`}
      </span>
    </div>
  );
}
const wordOf = (trend: Trend) => trendLook(trend).word.toLowerCase();

/** Somebody saved something in between: tells what, and lets the member decide. */
function Overtaken(props: {
  theirs: Overview | null;
  values: Values;
  before: Values;
  onTakeTheirs: (theirs: Overview) => void;
  onKeepMine: (theirs: Overview) => void;
}) {
  const { theirs } = props;
  const now = theirs && valuesOf(theirs);
  const other = now ? names.filter((name) => now[name] !== props.before[name]) : [];
  return (
    <div className={css.overtaken} role="alert">
      <h3>Somebody changed this account in the meantime</h3>
      {!now && <Bones lines={2} />}
      {now && other.length === 0 && <p>None of these fields is different now.</p>}
      {now && other.length > 0 && (
        <ul>
          {other.map((name) => (
            <li key={name}>
              <b>{labels[name]}</b>: {now[name] || 'not known'}
              {props.values[name] !== props.before[name] && `, yours: ${props.values[name] || '–'}`}
            </li>
          ))}
        </ul>
      )}
      <div className={css.acts}>
        <Button
          size="xs"
          variant="default"
          disabled={!theirs}
          onClick={() => theirs && props.onTakeTheirs(theirs)}
        >
          Take theirs, drop mine
        </Button>
        <Button size="xs" disabled={!theirs} onClick={() => theirs && props.onKeepMine(theirs)}>
          Save mine on top
        </Button>
      </div>
    </div>
  );
}
const labels: Record<FieldName, string> = {
  ...(Object.fromEntries(names.map((name) => [name, plain(name)])) as Record<FieldName, string>),
  arr: 'Revenue a year',
  sparkline: 'Daily users',
};

function valuesOf({ account, contract, usage, tickets }: Overview): Values {
  const line = usage.sparkline;
  const stated = usage.trend && usage.trend !== trendOf(line) ? usage.trend : '';
  return {
    name: account.name,
    short_name: account.short_name ?? '',
    slug: account.slug,
    stage: account.stage ?? '',
    plan: account.plan ?? '',
    owner: account.owner ?? '',
    industry: account.industry ?? '',
    country: account.country ?? '',
    language: account.language ?? '',
    currency: account.currency ?? '',
    arr: contract.arr_cents === null ? '' : amountOf(contract.arr_cents),
    renewal_date:
      contract.renewal_date_ms === null
        ? ''
        : new Date(contract.renewal_date_ms).toISOString().slice(0, 10),
    sparkline: line.join(' '),
    trend: stated,
    open_tickets: tickets.open_tickets === null ? '' : String(tickets.open_tickets),
  };
}
const amountOf = (cents: number) =>
  cents % 100 ? (cents / 100).toFixed(2) : String(Math.round(cents / 100));

/** What can be told wrong before it is sent; the rest is the server's word. */
function faultsOf(values: Values): Faults {
  const faults: Faults = {};
  const line = readLine(values.sparkline);
  if (!values.name.trim()) faults.name = 'An account needs a name.';
  if (values.arr.trim() && centsOf(values.arr) === null)
    faults.arr = 'An amount such as 12000 or 1200.50.';
  if (values.open_tickets.trim() && !/^\d{1,9}$/.test(values.open_tickets.trim()))
    faults.open_tickets = 'A whole number, such as 3.';
  if (line.wrong) faults.sparkline = `“${line.wrong}” is not a number from 0.`;
  else if (line.values.length > longestLine)
    faults.sparkline = `At most ${longestLine} numbers; these are ${line.values.length}.`;
  return faults;
}

function centsOf(text: string): number | null {
  const match = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(text.trim());
  return match ? Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0')) : null;
}

function changeOf(values: Values, changed: FieldName[]): AccountChange {
  const change: AccountChange = {};
  for (const name of changed) {
    const value = values[name].trim();
    if (name === 'arr') change.arr_cents = value ? centsOf(value) : null;
    else if (name === 'open_tickets') change.open_tickets = value ? Number(value) : null;
    else if (name === 'sparkline' || name === 'trend')
      change.usage = {
        sparkline: readLine(values.sparkline).values,
        ...(values.trend ? { trend: values.trend as Trend } : {}),
      };
    else if (name === 'country' || name === 'currency') change[name] = value.toUpperCase() || null;
    else if (name === 'name' || name === 'slug') change[name] = value;
    else change[name] = value || null;
  }
  return change;
}

/** The field that the server names, if the form has it. */
function faultOf(error: unknown): Faults {
  if (!(error instanceof Problem) || typeof error.body.field !== 'string') return {};
  const field = error.body.field.replace(/^usage\./, '').replace(/\[.*$/, '');
  const name = field === 'arr_cents' ? 'arr' : field === 'usage' ? 'sparkline' : field;
  return (names as readonly string[]).includes(name) ? { [name]: error.detail } : {};
}
