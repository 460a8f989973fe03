/** The runs of a conversation, newest first, each under the words that it answers; it opens into its steps. */
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router-dom';
import * as icons from '../../icons';
import { useMessages, useRun, useRuns } from '../api/queries';
import type { RunSummary, Step } from '../api/types';
import { Icon } from '../parts/Icon';
import { Ago, Bones, Empty, ProblemNote, Tag, type Tone } from '../parts/parts';
import { costOf, durationOf, plain, plural } from '../parts/words';
import css from './runs.module.css';

/** What the contact had said last when a run began. */
export function useQuestions(conversationId: string): (run: RunSummary) => string | null {
  const messages = useMessages(conversationId).messages ?? [];
  return (run) => {
    const said = messages.filter((m) => m.role === 'contact' && m.created_at <= run.started_at);
    return said[said.length - 1]?.text ?? null;
  };
}

export function RunList({ conversationId }: { conversationId: string }) {
  const runs = useRuns(conversationId);
  const questionOf = useQuestions(conversationId);
  const [open, setOpen] = useState<string | null>(null);
  if (runs.isPending) return <Bones lines={6} />;
  if (runs.isError) return <ProblemNote error={runs.error} retry={() => void runs.refetch()} />;
  if (runs.data.length === 0)
    return (
      <Empty icon={icons.branch} title="No runs yet">
        Each turn of the agent is a run, and each of its steps is kept here.
      </Empty>
    );
  const shown = open ?? runs.data[0]?.id;
  return (
    <ol className={css.list} aria-label="Runs">
      {runs.data.map((run) => (
        <li key={run.id} data-run={run.id}>
          <RunHead
            run={run}
            question={questionOf(run)}
            open={run.id === shown}
            toggle={() => setOpen(run.id === shown ? '' : run.id)}
          />
          {run.id === shown && <RunSteps run={run} conversationId={conversationId} />}
        </li>
      ))}
    </ol>
  );
}

export const runTones: Record<string, Tone> = {
  completed: 'good',
  done: 'good',
  running: 'info',
  waiting: 'human',
  failed: 'bad',
  cancelled: 'plain',
  interrupted: 'human',
};

/** What ended as it should is not worth a mark. */
export const isDone = (status: string) => status === 'completed' || status === 'done';

interface RunHeadProps {
  run: RunSummary;
  question: string | null;
  open: boolean;
  toggle: () => void;
}

function RunHead({ run, question, open, toggle }: RunHeadProps) {
  const tokens = run.tokens_in + run.tokens_out;
  return (
    <button type="button" className={css.runHead} aria-expanded={open} onClick={toggle}>
      <Icon path={open ? icons.chevronDown : icons.chevronRight} size={14} />
      <span className={css.runName}>{question ? `“${question}”` : plain(run.graph)}</span>
      {isDone(run.status) ? (
        <span />
      ) : (
        <Tag tone={runTones[run.status] ?? 'plain'}>{plain(run.status)}</Tag>
      )}
      <span className={css.runWhen}>
        <Ago ms={run.started_at} short />
      </span>
      <span className={css.runFacts}>
        {plural(run.step_count, 'step')} · {durationOf(run.duration_ms)}
        {tokens > 0 && ` · ${plural(tokens, 'token')} · ${costOf(run.cost_microcents)}`}
      </span>
    </button>
  );
}

function RunSteps({ run, conversationId }: { run: RunSummary; conversationId: string }) {
  const full = useRun(run.id);
  const [params] = useSearchParams();
  const link = {
    pathname: `/conversations/${conversationId}/runs/${run.id}`,
    search: params.toString(),
  };
  if (full.isPending) return <Bones lines={4} height={12} />;
  if (full.isError) return <ProblemNote error={full.error} retry={() => void full.refetch()} />;
  return (
    <div className={css.runSteps}>
      <Timeline
        steps={full.data.steps}
        chosen={null}
        to={(step) => ({ ...link, hash: `step-${step.seq}` })}
        compact
      />
      <Link className={css.inspect} to={link}>
        Inspect this run <Icon path={icons.chevronRight} size={14} />
      </Link>
    </div>
  );
}

interface TimelineProps {
  steps: Step[];
  chosen: number | null;
  to: (step: Step) => { pathname: string; search: string; hash: string };
  compact?: boolean;
}

/** Each step as a bar on the time of the whole run. */
export function Timeline({ steps, chosen, to, compact = false }: TimelineProps) {
  const from = Math.min(...steps.map((step) => step.started_at));
  const until = Math.max(
    ...steps.map((step) => step.started_at + (step.duration_ms ?? 0)),
    from + 1,
  );
  return (
    <ol className={css.timeline} data-compact={compact || undefined}>
      {steps.map((step) => {
        const left = ((step.started_at - from) / (until - from)) * 100;
        const width = ((step.duration_ms ?? 0) / (until - from)) * 100;
        return (
          <li key={step.seq}>
            <Link
              to={to(step)}
              replace
              aria-current={step.seq === chosen ? 'step' : undefined}
              className={css.step}
            >
              <span className={css.stepSeq}>{step.seq}</span>
              <span className={css.stepName}>
                {step.node}
                {!isDone(step.status) && (
                  <Tag tone={runTones[step.status] ?? 'plain'}>{plain(step.status)}</Tag>
                )}
              </span>
              <span className={css.stepTime}>{durationOf(step.duration_ms)}</span>
              <span className={css.bar} aria-hidden="true">
                <i
                  style={{ left: `${left}%`, width: `max(3px, ${width}%)` }}
                  data-kind={kindOf(step)}
                />
              </span>
              <StepSigns step={step} />
            </Link>
          </li>
        );
      })}
    </ol>
  );
}

function kindOf(step: Step): string {
  if (step.status === 'failed') return 'bad';
  if (step.tool_calls?.length) return 'tool';
  if (step.llm_calls?.length) return 'llm';
  return step.passages?.length ? 'find' : 'plain';
}

function StepSigns({ step }: { step: Step }) {
  const signs: [string, string][] = [
    ...(step.tool_calls ?? []).map((call): [string, string] => [icons.wrench, call.name]),
    ...(step.llm_calls ?? []).map((call): [string, string] => [icons.spark, call.model]),
  ];
  if (step.passages?.length) signs.push([icons.book, plural(step.passages.length, 'passage')]);
  if (signs.length === 0) return null;
  return (
    <span className={css.signs}>
      {signs.map(([icon, text], i) => (
        <span key={i}>
          <Icon path={icon} size={12} />
          {text}
        </span>
      ))}
    </span>
  );
}
