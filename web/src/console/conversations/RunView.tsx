/** A run taken apart: its steps on the left, everything the chosen step did on the right. */
import { Button, Modal } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { Link, useLocation, useNavigate, useParams } from 'react-router-dom';
import * as icons from '../../icons';
import { useRun, useRunAct } from '../api/queries';
import { readStream } from '../api/stream';
import type { LlmCall, Passage, Run, Step, ToolCall } from '../api/types';
import { Icon } from '../parts/Icon';
import { Json } from '../parts/Json';
import { Bones, Fields, ProblemNote, Tag, useTitle } from '../parts/parts';
import {
  costOf,
  durationOf,
  exactTimeOf,
  fullTimeOf,
  numberOf,
  plain,
  plural,
} from '../parts/words';
import { complain } from './ConversationView';
import { useSession } from '../shell/session';
import { runTones, Timeline, useQuestions } from './RunList';
import css from './runs.module.css';

const underWay = new Set(['running', 'waiting', 'queued', 'interrupted']);

export default function RunView() {
  const { id = '', runId = '' } = useParams();
  const { hash, search } = useLocation();
  const run = useRun(runId);
  const navigate = useNavigate();
  useTitle('Run');
  useRunStream(runId, run.data ? underWay.has(run.data.status) : false);
  const steps = run.data?.steps ?? [];
  const wanted = Number(/^#step-(\d+)$/.exec(hash)?.[1] ?? NaN);
  const chosen = steps.find((step) => step.seq === wanted) ?? firstTelling(steps);
  const go = (by: number) => {
    const at = steps.findIndex((step) => step.seq === chosen?.seq);
    const next = steps[at + by];
    if (next) navigate({ search, hash: `step-${next.seq}` }, { replace: true });
  };
  useHotkeys([
    ['n', () => go(1)],
    ['p', () => go(-1)],
  ]);

  return (
    <div className={css.run}>
      <header className={css.head}>
        {id ? (
          <Link
            to={{ pathname: `/conversations/${id}`, search }}
            className={css.back}
            aria-label="Back to the conversation"
          >
            <Icon path={icons.back} size={20} />
          </Link>
        ) : (
          <Link
            to=".."
            onClick={(event) => (event.preventDefault(), navigate(-1))}
            className={css.back}
            aria-label="Back"
          >
            <Icon path={icons.back} size={20} />
          </Link>
        )}
        {run.data && <RunTitle run={run.data} conversationId={id} step={chosen ?? null} />}
      </header>
      {run.isPending && <Bones lines={10} />}
      {run.isError && !run.data && (
        <ProblemNote error={run.error} retry={() => void run.refetch()} />
      )}
      {run.data && (
        <div className={css.runBody}>
          <nav className={css.runNav} aria-label="Steps">
            <RunFacts run={run.data} />
            <Timeline
              steps={steps}
              chosen={chosen?.seq ?? null}
              to={(step) => ({ pathname: '', search, hash: `step-${step.seq}` })}
            />
          </nav>
          <section className={css.runDetail} aria-live="polite" aria-label="Step">
            {chosen ? (
              <StepDetail key={chosen.seq} step={chosen} />
            ) : (
              <p className={css.nothing}>This run has no steps yet.</p>
            )}
          </section>
        </div>
      )}
    </div>
  );
}

/** A run of a conversation lives below it, one of a copilot on its own. */
function pathOf(conversationId: string, runId: string): string {
  return conversationId ? `/conversations/${conversationId}/runs/${runId}` : `/runs/${runId}`;
}

/** The step a reader most likely came for: the first that called a tool, or else a model. */
function firstTelling(steps: Step[]): Step | undefined {
  return (
    steps.find((s) => s.tool_calls?.length) ?? steps.find((s) => s.llm_calls?.length) ?? steps[0]
  );
}

/** While a run is under way its own event stream says when there is more to read. */
function useRunStream(runId: string, active: boolean): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (!active) return undefined;
    const abort = new AbortController();
    let timer = 0;
    readStream({ path: `/runs/${runId}/events` }, abort.signal, () => {
      if (timer) return;
      timer = window.setTimeout(() => {
        timer = 0;
        void queries.invalidateQueries({ queryKey: ['run', runId] });
      }, 200);
    })
      .catch(() => undefined)
      .finally(() => {
        if (!abort.signal.aborted) void queries.invalidateQueries({ queryKey: ['run', runId] });
      });
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [runId, active, queries]);
}

function RunTitle({
  run,
  conversationId,
  step,
}: {
  run: Run;
  conversationId: string;
  step: Step | null;
}) {
  const act = useRunAct(run.id, conversationId);
  const [forking, setForking] = useState(false);
  const question = useQuestions(conversationId)(run);
  const { may } = useSession();
  const navigate = useNavigate();
  const { search } = useLocation();
  function fork() {
    if (!step) return;
    act.mutate(
      { act: 'fork', body: { step: step.seq } },
      {
        onSuccess: (made) => {
          setForking(false);
          navigate({ pathname: pathOf(conversationId, made.id), search });
        },
        onError: (error) => complain('The run was not forked', error),
      },
    );
  }
  return (
    <>
      <div className={css.title}>
        <h2>{plain(run.graph)}</h2>
        <Tag tone={runTones[run.status] ?? 'plain'}>{plain(run.status)}</Tag>
        {question && <q>{question}</q>}
        {run.parent_id && (
          <Link
            to={{
              pathname: pathOf(conversationId, run.parent_id),
              search,
            }}
          >
            forked from step {run.parent_step}
          </Link>
        )}
      </div>
      {underWay.has(run.status) && (may('build') || may('serve')) && (
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon path={icons.stop} size={14} />}
          loading={act.isPending}
          onClick={() =>
            act.mutate(
              { act: 'cancel' },
              { onError: (error) => complain('The run was not cancelled', error) },
            )
          }
        >
          Cancel run
        </Button>
      )}
      {step && may('build') && (
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon path={icons.branch} size={15} />}
          onClick={() => setForking(true)}
        >
          Fork<span className={css.wide}>&nbsp;from step {step.seq}</span>
        </Button>
      )}
      <Modal
        opened={forking}
        onClose={() => setForking(false)}
        title={`Fork from step ${step?.seq ?? ''}?`}
        size="sm"
      >
        <p className={css.dialogText}>
          A new run begins with the state after step {step?.seq} ({step?.node}). Tool calls that are
          already done keep their results and are not repeated; the run that you look at stays as it
          is.
        </p>
        <div className={css.dialogActs}>
          <Button variant="default" onClick={() => setForking(false)}>
            Cancel
          </Button>
          <Button onClick={fork} loading={act.isPending}>
            Fork
          </Button>
        </div>
      </Modal>
    </>
  );
}

function RunFacts({ run }: { run: Run }) {
  const error = typeof run.error === 'string' ? run.error : run.error?.detail;
  return (
    <div className={css.facts}>
      <Fields
        rows={[
          ['Started', fullTimeOf(run.started_at)],
          ['Took', tookOf(run)],
          ['Tokens', `${numberOf(run.tokens_in)} in, ${numberOf(run.tokens_out)} out`],
          ['Cost', costOf(run.cost_microcents)],
          ['Error', error && <span className={css.bad}>{error}</span>],
        ]}
      />
    </div>
  );
}

/** The time between steps belongs to the store: every checkpoint is on disk before the next step. */
function tookOf(run: Run): string {
  const inSteps = durationOf(run.duration_ms);
  if (run.finished_at === null) return `${inSteps} in steps`;
  return `${durationOf(run.finished_at - run.started_at)}, of which ${inSteps} in steps`;
}

function StepDetail({ step }: { step: Step }) {
  // What is shown above in its own way is not listed a second time.
  const events = (step.events ?? []).filter(
    (event) => !['llm_call', 'passages'].includes(String((event as { kind?: unknown })?.kind)),
  );
  const empty = (value: unknown) =>
    value === null ||
    value === undefined ||
    (typeof value === 'object' && Object.keys(value).length === 0);
  return (
    <>
      <div className={css.stepHead}>
        <h3>
          {step.seq}. {step.node}
        </h3>
        <Tag tone={runTones[step.status] ?? 'plain'}>{plain(step.status)}</Tag>
        <span>
          {exactTimeOf(step.started_at)} · {durationOf(step.duration_ms)}
        </span>
      </div>
      {step.tool_calls?.map((call) => (
        <ToolCallCard key={`${call.id}-${call.attempt}`} call={call} />
      ))}
      {step.llm_calls?.map((call, i) => (
        <LlmCallCard key={i} call={call} />
      ))}
      {!!step.passages?.length && (
        <Part title={plural(step.passages.length, 'passage')} icon={icons.book}>
          {step.passages.map((passage, i) => (
            <PassageCard key={i} passage={passage} />
          ))}
        </Part>
      )}
      <Part title="Checkpoint: what this step changed" icon={icons.diff}>
        {empty(step.delta) ? (
          <p className={css.nothing}>Nothing in the state changed.</p>
        ) : (
          <Json value={step.delta} label="checkpoint delta" />
        )}
      </Part>
      {!empty(step.input) && (
        <Part title="Input" icon={icons.down} closed>
          <Json value={step.input} label="input" />
        </Part>
      )}
      {!empty(step.output) && (
        <Part title="Output" icon={icons.send} closed>
          <Json value={step.output} label="output" />
        </Part>
      )}
      {events.length > 0 && (
        <Part title={plural(events.length, 'more record')} icon={icons.pulse} closed>
          <Json value={events} label="records" />
        </Part>
      )}
    </>
  );
}

function Part({
  title,
  icon,
  aside,
  closed = false,
  children,
}: {
  title: ReactNode;
  icon: string;
  aside?: ReactNode;
  closed?: boolean;
  children: ReactNode;
}) {
  return (
    <details className={css.part} open={!closed}>
      <summary>
        <Icon path={icon} size={15} />
        <span>{title}</span>
        {aside}
      </summary>
      <div>{children}</div>
    </details>
  );
}

const callTones: Record<string, 'good' | 'bad' | 'human'> = {
  ok: 'good',
  done: 'good',
  success: 'good',
  succeeded: 'good',
  completed: 'good',
  failed: 'bad',
  error: 'bad',
  refused: 'human',
};

function ToolCallCard({ call }: { call: ToolCall }) {
  return (
    <Part
      title={<code>{call.name}</code>}
      icon={icons.wrench}
      aside={
        <>
          <Tag tone={callTones[call.status] ?? 'plain'}>{plain(call.status)}</Tag>
          <span className={css.aside}>{durationOf(call.latency_ms)}</span>
        </>
      }
    >
      {call.error && <p className={css.bad}>{call.error}</p>}
      <h4>Arguments</h4>
      <Json value={call.arguments} label="arguments" />
      <h4>Result</h4>
      <Json value={call.result} label="result" />
      <Fields
        rows={[
          ['Attempt', call.attempt],
          [
            'Idempotency key',
            call.idempotency_key && <code className={css.mono}>{call.idempotency_key}</code>,
          ],
          ['Call', call.id && <code className={css.mono}>{call.id}</code>],
        ]}
      />
    </Part>
  );
}

function LlmCallCard({ call }: { call: LlmCall }) {
  const cache = call.cache === true ? 'hit' : call.cache === false ? 'miss' : call.cache;
  return (
    <Part
      title={
        <>
          {call.provider} <code>{call.model}</code>
        </>
      }
      icon={icons.spark}
      aside={<span className={css.aside}>{durationOf(call.latency_ms)}</span>}
    >
      <Fields
        rows={[
          ['Tokens', `${numberOf(call.tokens_in)} in, ${numberOf(call.tokens_out)} out`],
          ['Cost', costOf(call.cost_microcents)],
          ['Cache', cache],
        ]}
      />
      {call.prompt !== undefined && call.prompt !== null && (
        <Words title="Prompt" value={call.prompt} />
      )}
      {call.response !== undefined && call.response !== null && (
        <Words title="Response" value={call.response} />
      )}
      {call.prompt === undefined && call.response === undefined && (
        <p className={css.nothing}>This workspace does not keep prompts and responses.</p>
      )}
    </Part>
  );
}

function Words({ title, value }: { title: string; value: unknown }) {
  return (
    <>
      <h4>{title}</h4>
      {typeof value === 'string' ? (
        <pre className={css.words} tabIndex={0}>
          {value}
        </pre>
      ) : (
        <Json value={value} label={title.toLowerCase()} />
      )}
    </>
  );
}

function PassageCard({ passage }: { passage: Passage }) {
  return (
    <figure className={css.passage}>
      <figcaption>
        <strong>{passage.title}</strong>
        <span>
          {passage.score.toFixed(3)} · characters {numberOf(passage.start)}–{numberOf(passage.end)}
        </span>
      </figcaption>
      <blockquote>{passage.text}</blockquote>
    </figure>
  );
}
