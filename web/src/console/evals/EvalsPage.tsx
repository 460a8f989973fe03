/** The copilot put to the test: accounts times tasks, and for each answer what held and what not. */
import { Button, Checkbox, MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import * as icons from '../../icons';
import { usePortfolio } from '../api/accounts';
import {
  useEvalRun,
  useEvalSession,
  useEvalSessions,
  type EvalResult,
  type EvalSummary,
} from '../api/evals';
import { Problem } from '../api/http';
import { quickTasks, taskName } from '../accounts/tasks';
import { complain } from '../conversations/ConversationView';
import { useAddress } from '../parts/address';
import { Icon } from '../parts/Icon';
import { keepFile } from '../parts/keep';
import { Ago, Bones, Empty, PageFrame, ProblemNote, Tag } from '../parts/parts';
import { durationOf, numberOf, plain, plural } from '../parts/words';
import css from './evals.module.css';
import { Results } from './Results';

const mostAccounts = 200;
const searchMs = 200;

const describe = (progress: {
  type?: string;
  account?: { name: string };
  task?: string;
  result?: EvalResult;
}): string => {
  const { result } = progress;
  const about = (result ?? progress).account?.name ?? '';
  const task = taskName((result ?? progress).task ?? '');
  if (progress.type === 'test_start') return `${about}: ${task} …`;
  if (!result) return progress.type === 'error' ? `${about}: ${task} did not run` : '';
  const missed = result.checks.filter((check) => !check.passed).map((check) => plain(check.name));
  const end = missed.length ? `failed: ${missed.join(', ')}` : result.status;
  return `${about}: ${task} ${end} in ${durationOf(result.duration_ms)}`;
};

export default function EvalsPage() {
  const address = useAddress();
  const { run, start, stop } = useEvalRun(describe);
  const sessions = useEvalSessions();
  const chosen = address.read('session');
  const kept = useEvalSession(run.state === 'running' ? null : chosen);
  const absent = sessions.error instanceof Problem && sessions.error.status === 404;
  const { write } = address;
  const finished = run.session?.id;
  useEffect(() => {
    if (finished) write({ session: finished });
  }, [finished, write]);

  const live = run.state !== 'idle' && (!chosen || chosen === finished || run.state === 'running');
  const results = live ? run.results : kept.data?.results;
  const summary = live ? (run.session?.summary ?? summaryOf(run.results)) : kept.data?.summary;
  return (
    <PageFrame
      title="Evals"
      note="Asks the copilot about many accounts and checks each answer against the data."
    >
      {absent ? (
        <Empty icon={icons.checklist} title="This server has no evals">
          It does not offer to run them. A newer version may.
        </Empty>
      ) : (
        <div className={css.columns}>
          <div className={css.main}>
            <Picker
              running={run.state === 'running'}
              done={run.results.length}
              onStart={(accounts, tasks) => {
                write({ session: null });
                start(accounts, tasks);
              }}
              onStop={stop}
            />
            {run.problem ? <ProblemNote error={run.problem} /> : null}
            {run.state === 'stopped' && <p className={css.note}>Stopped before its end.</p>}
            {live && <Log lines={run.log} />}
            {!live && chosen && kept.isPending && <Bones lines={6} />}
            {!live && kept.isError && (
              <ProblemNote error={kept.error} retry={() => void kept.refetch()} />
            )}
            {summary && summary.total > 0 && (
              <Outcome summary={summary} session={live ? (finished ?? null) : chosen} />
            )}
            {!!results?.length && <Results results={results} />}
          </div>
          <History
            sessions={sessions}
            chosen={chosen}
            onChoose={(id) => address.write({ session: id }, true)}
          />
        </div>
      )}
    </PageFrame>
  );
}

function summaryOf(results: EvalResult[]): EvalSummary {
  const passed = results.filter((result) => result.status === 'passed').length;
  const spent = results.reduce((sum, result) => sum + result.duration_ms, 0);
  return {
    total: results.length,
    passed,
    failed: results.length - passed,
    avg_duration_ms: results.length ? spent / results.length : null,
  };
}

function Picker(props: {
  running: boolean;
  done: number;
  onStart: (accounts: string[], tasks: string[]) => void;
  onStop: () => void;
}) {
  const [accounts, setAccounts] = useState<string[]>([]);
  const [tasks, setTasks] = useState(quickTasks.map((quick) => quick.task));
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), searchMs);
  const found = usePortfolio({ q: q || undefined, sort: 'name' }, mostAccounts, null);
  const names = useRef(new Map<string, string>());
  for (const row of found.data?.items ?? []) names.current.set(row.slug, row.name);
  const shown = new Set([...(found.data?.items ?? []).map((row) => row.slug), ...accounts]);
  const count = accounts.length * tasks.length;
  return (
    <section className={css.card} aria-label="New run">
      <MultiSelect
        label="Accounts"
        placeholder={accounts.length ? '' : 'Choose accounts'}
        data={[...shown].map((slug) => ({ value: slug, label: names.current.get(slug) ?? slug }))}
        value={accounts}
        onChange={setAccounts}
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
        disabled={!found.data?.items.length}
        onClick={() => setAccounts(found.data?.items.map((row) => row.slug) ?? [])}
      >
        {found.data && found.data.total > mostAccounts
          ? `The first ${mostAccounts}`
          : 'All accounts'}
      </Button>
      <Checkbox.Group label="Tasks" size="sm" value={tasks} onChange={setTasks}>
        <div className={css.tasks}>
          {quickTasks.map((quick) => (
            <Checkbox
              key={quick.task}
              size="xs"
              radius="xs"
              value={quick.task}
              label={quick.label}
            />
          ))}
        </div>
      </Checkbox.Group>
      <div className={css.start}>
        <p>
          {plural(accounts.length, 'account')} × {plural(tasks.length, 'task')} ={' '}
          <b>{plural(count, 'run')}</b>
          {props.running && `, ${numberOf(props.done)} done`}
        </p>
        {props.running ? (
          <Button
            size="sm"
            variant="default"
            leftSection={<Icon path={icons.stop} size={15} />}
            onClick={props.onStop}
          >
            Stop
          </Button>
        ) : (
          <Button size="sm" disabled={count === 0} onClick={() => props.onStart(accounts, tasks)}>
            Run
          </Button>
        )}
      </div>
    </section>
  );
}

function Log({ lines }: { lines: string[] }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (end.current) end.current.scrollTop = end.current.scrollHeight;
  }, [lines.length]);
  return (
    <div className={css.log} ref={end} role="log" aria-label="Log" tabIndex={0}>
      {lines.length === 0 && <p>Starting …</p>}
      {lines.map((line, i) => (
        <p key={i}>{line}</p>
      ))}
    </div>
  );
}

function Outcome({ summary, session }: { summary: EvalSummary; session: string | null }) {
  const part = summary.total ? Math.round((100 * summary.passed) / summary.total) : 0;
  const failed = summary.total - summary.passed;
  return (
    <div className={css.outcome}>
      <p>
        <b>{part}%</b> passed
      </p>
      <Tag tone="good" icon={icons.check}>
        {numberOf(summary.passed)} passed
      </Tag>
      {failed > 0 && (
        <Tag tone="bad" icon={icons.close}>
          {numberOf(failed)} failed
        </Tag>
      )}
      {summary.avg_duration_ms !== null && <span>{durationOf(summary.avg_duration_ms)} each</span>}
      {session && (
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon path={icons.download} size={14} />}
          onClick={() =>
            keepFile(`/eval-sessions/${session}/export`, {}, `evals-${session}.json`).catch(
              (error: unknown) => complain('The export did not work', error),
            )
          }
        >
          Export JSON
        </Button>
      )}
    </div>
  );
}

function History(props: {
  sessions: ReturnType<typeof useEvalSessions>;
  chosen: string | null;
  onChoose: (id: string) => void;
}) {
  const { sessions } = props;
  return (
    <section className={css.card} aria-label="Earlier runs">
      <h2>Earlier runs</h2>
      {sessions.isPending && <Bones lines={4} height={12} />}
      {sessions.isError && (
        <ProblemNote error={sessions.error} retry={() => void sessions.refetch()} />
      )}
      {sessions.data?.length === 0 && <p className={css.note}>None yet.</p>}
      <ul className={css.history}>
        {sessions.data?.map((session) => (
          <li key={session.id}>
            <button
              type="button"
              aria-current={props.chosen === session.id || undefined}
              onClick={() => props.onChoose(session.id)}
            >
              <span>
                {numberOf(session.summary.passed)} of {numberOf(session.summary.total)} passed
              </span>
              <Ago ms={session.created_at} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
