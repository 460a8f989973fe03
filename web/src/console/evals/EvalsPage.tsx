/** The copilot put to the test: accounts times tasks, and for each answer what held and what not. */
import { Button } from '@mantine/core';
import { useEffect, useRef } from 'react';
import * as icons from '../../icons';
import {
  useEvalAct,
  useEvalSession,
  useEvalSessions,
  useEvalTasks,
  type EvalResult,
  type EvalSession,
  type EvalTask,
} from '../api/evals';
import { complain } from '../conversations/ConversationView';
import { useAddress } from '../parts/address';
import { Icon } from '../parts/Icon';
import { keepFile } from '../parts/keep';
import { Ago, Bones, Empty, PageFrame, ProblemNote, Tag } from '../parts/parts';
import { durationOf, numberOf, plain } from '../parts/words';
import { useSession } from '../shell/session';
import css from './evals.module.css';
import { Picker } from './Picker';
import { Results } from './Results';
import { titleOf } from './titles';

export default function EvalsPage() {
  const { may } = useSession();
  return (
    <PageFrame
      title="Evals"
      note="Asks the copilot about many accounts and checks each answer against the data."
    >
      {may('evals') ? (
        <Evals />
      ) : (
        <Empty icon={icons.lock} title="Evals are for others">
          Your role does not open them.
        </Empty>
      )}
    </PageFrame>
  );
}

function Evals() {
  const address = useAddress();
  const chosen = address.read('session');
  const tasks = useEvalTasks();
  const sessions = useEvalSessions();
  const session = useEvalSession(chosen);
  const act = useEvalAct();
  const data = session.data;
  const running = data?.status === 'running';
  if (tasks.isError) return <ProblemNote error={tasks.error} retry={() => void tasks.refetch()} />;
  return (
    <div className={css.columns}>
      <div className={css.main}>
        <Picker
          tasks={tasks.data}
          running={running ? data : null}
          busy={act.isPending}
          onStart={(start) =>
            act.mutate(
              { start },
              { onSuccess: (made) => made && address.write({ session: made.id }, true) },
            )
          }
          onStop={() => chosen && act.mutate({ stop: chosen })}
        />
        {act.isError && <ProblemNote error={act.error} />}
        {chosen && session.isPending && <Bones lines={6} />}
        {session.isError && (
          <ProblemNote error={session.error} retry={() => void session.refetch()} />
        )}
        {data && (
          <>
            <Log results={data.results} running={running} tasks={tasks.data ?? []} />
            <Outcome
              session={data}
              onRemove={() =>
                act.mutate(
                  { remove: data.id },
                  { onSuccess: () => address.write({ session: null }) },
                )
              }
            />
            {data.results.length > 0 && (
              <Results key={data.id} results={data.results} tasks={tasks.data ?? []} />
            )}
          </>
        )}
      </div>
      <History
        sessions={sessions}
        chosen={chosen}
        onChoose={(id) => address.write({ session: id }, true)}
      />
    </div>
  );
}

function lineOf(result: EvalResult, tasks: EvalTask[]): string {
  const missed = result.checks.filter((check) => !check.ok).map((check) => plain(check.check));
  const end = missed.length ? `failed: ${missed.join(', ')}` : result.status;
  const about = result.account?.name ?? 'All accounts';
  return `${about}, ${titleOf(tasks, result.task)}: ${end} (${durationOf(result.took_ms)})`;
}

function Log(props: { results: EvalResult[]; running: boolean; tasks: EvalTask[] }) {
  const box = useRef<HTMLDivElement>(null);
  const { results } = props;
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [results.length]);
  return (
    <div className={css.log} ref={box} role="log" aria-label="Log" tabIndex={0}>
      {results.map((result) => (
        <p key={result.n}>{lineOf(result, props.tasks)}</p>
      ))}
      {props.running && <p>…</p>}
    </div>
  );
}

function Outcome({ session, onRemove }: { session: EvalSession; onRemove: () => void }) {
  const part = session.done ? Math.round((100 * session.passed) / session.done) : 0;
  const save = () =>
    keepFile(`/eval-sessions/${session.id}/export`, {}, `evaluation-${session.id}.json`).catch(
      (error: unknown) => complain('The export did not work', error),
    );
  return (
    <div className={css.outcome}>
      <p>
        <b>{part}%</b> passed
      </p>
      <Tag tone="good" icon={icons.check}>
        {numberOf(session.passed)} passed
      </Tag>
      {session.failed > 0 && (
        <Tag tone="bad" icon={icons.close}>
          {numberOf(session.failed)} failed
        </Tag>
      )}
      {session.status !== 'done' && <Tag tone="info">{plain(session.status)}</Tag>}
      {session.falsify && <Tag tone="human">{session.falsify} is bent</Tag>}
      <span>
        {numberOf(session.done)} of {numberOf(session.total)}, {durationOf(session.avg_took_ms)}{' '}
        each
      </span>
      <div>
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon path={icons.download} size={14} />}
          onClick={() => void save()}
        >
          Export JSON
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={session.status === 'running'}
          onClick={onRemove}
        >
          Remove
        </Button>
      </div>
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
                {numberOf(session.passed)} of {numberOf(session.total)} passed
              </span>
              <Ago ms={session.created_at} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
