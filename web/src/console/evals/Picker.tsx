/** What to run: accounts and tasks, how many asks that makes, and a fact to bend. */
import { Button, Checkbox, MultiSelect, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef, useState } from 'react';
import * as icons from '../../icons';
import { usePortfolio } from '../api/accounts';
import type { EvalSession, EvalTask } from '../api/evals';
import { Icon } from '../parts/Icon';
import { Bones } from '../parts/parts';
import { numberOf, plural } from '../parts/words';
import css from './evals.module.css';

const mostAccounts = 200;
const searchMs = 200;
const bendable = [
  { value: 'health.score', label: 'Health score' },
  { value: 'usage.trend', label: 'Usage trend' },
  { value: 'usage.avg_daily_users', label: 'Daily users' },
  { value: 'tickets.open_tickets', label: 'Open tickets' },
  { value: 'contract.arr_cents', label: 'Revenue a year' },
];

interface Props {
  tasks: EvalTask[] | undefined;
  running: EvalSession | null | undefined;
  busy: boolean;
  onStart: (order: { accounts: string[]; tasks: string[]; falsify?: string }) => void;
  onStop: () => void;
}

export function Picker({ tasks, running, busy, onStart, onStop }: Props) {
  const [accounts, setAccounts] = useState<string[]>([]);
  const [picked, setPicked] = useState<string[] | null>(null);
  const [falsify, setFalsify] = useState<string | null>(null);
  const chosen = picked ?? tasks?.map((task) => task.name) ?? [];
  const once = tasks?.filter((task) => task.table && chosen.includes(task.name)).length ?? 0;
  const count = accounts.length * (chosen.length - once) + (accounts.length ? once : 0);
  return (
    <section className={css.card} aria-label="New run">
      <AccountChoice accounts={accounts} onAccounts={setAccounts} />
      {tasks ? (
        <Checkbox.Group label="Tasks" size="sm" value={chosen} onChange={setPicked}>
          <div className={css.tasks}>
            {tasks.map((task) => (
              <Checkbox
                key={task.name}
                size="xs"
                radius="xs"
                value={task.name}
                label={task.title}
                title={task.prompt.replace('%s', '…')}
              />
            ))}
          </div>
        </Checkbox.Group>
      ) : (
        <Bones lines={2} height={12} />
      )}
      <div className={css.start}>
        <p>
          {plural(accounts.length, 'account')}, {plural(chosen.length, 'task')}:{' '}
          <b>{plural(count, 'ask')}</b>
          {running && `, ${numberOf(running.done)} of ${numberOf(running.total)} done`}
        </p>
        <div className={css.startActs}>
          <Select
            size="xs"
            w={190}
            aria-label="Bend a fact, to see the checks fail"
            placeholder="Bend no fact"
            data={bendable}
            value={falsify}
            onChange={setFalsify}
            clearable
            allowDeselect
            clearButtonProps={{ 'aria-label': 'Bend no fact' }}
          />
          {running ? (
            <Button
              size="xs"
              variant="default"
              leftSection={<Icon path={icons.stop} size={15} />}
              onClick={onStop}
            >
              Stop
            </Button>
          ) : (
            <Button
              size="xs"
              disabled={count === 0}
              loading={busy}
              onClick={() => onStart({ accounts, tasks: chosen, ...(falsify ? { falsify } : {}) })}
            >
              Run
            </Button>
          )}
        </div>
      </div>
    </section>
  );
}

function AccountChoice(props: { accounts: string[]; onAccounts: (slugs: string[]) => void }) {
  const { accounts, onAccounts } = props;
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), searchMs);
  const found = usePortfolio({ q: q || undefined, sort: 'name' }, mostAccounts, null);
  const rows = found.data?.items ?? [];
  const names = useRef(new Map<string, string>());
  for (const row of rows) names.current.set(row.slug, row.name);
  const shown = new Set([...rows.map((row) => row.slug), ...accounts]);
  return (
    <>
      <MultiSelect
        label="Accounts"
        placeholder={accounts.length ? '' : 'Choose accounts'}
        data={[...shown].map((slug) => ({ value: slug, label: names.current.get(slug) ?? slug }))}
        value={accounts}
        onChange={onAccounts}
        searchable
        clearable
        hidePickedOptions
        maxValues={mostAccounts}
        searchValue={text}
        onSearchChange={setText}
        clearButtonProps={{ 'aria-label': 'No accounts' }}
        nothingFoundMessage="No account is called that"
        size="sm"
      />
      <Button
        size="compact-xs"
        variant="subtle"
        className={css.all ?? ''}
        disabled={rows.length === 0}
        onClick={() => onAccounts(rows.map((row) => row.slug))}
      >
        {found.data && found.data.total > mostAccounts
          ? `The first ${mostAccounts}`
          : 'All accounts'}
      </Button>
    </>
  );
}
