/** The plan, and each tool of it live: why it runs, how long it took, and what went wrong. */
import { Loader } from '@mantine/core';
import * as icons from '../../icons';
import { Icon } from '../parts/Icon';
import { Ago, Bones } from '../parts/parts';
import { durationOf, plural } from '../parts/words';
import css from './success.module.css';
import { toolName } from './tools';
import type { Task, ToolRun, ToolState } from './useAsk';

export function ToolSteps({ task }: { task: Task }) {
  const { plan, tools, brief } = task;
  if (tools.length === 0) {
    if (task.state !== 'running') return null;
    if (!plan) return <Bones lines={2} height={12} />;
  }
  const failed = tools.filter((tool) => tool.state === 'failed').length;
  const model = (plan?.plan_source ?? brief.plan_source) === 'model';
  const summary = plan?.plan_summary ?? brief.plan_summary;
  return (
    <details className={css.steps} open={task.live || failed > 0}>
      <summary>
        <span>
          {task.state === 'running' ? 'Working' : plural(tools.length, 'tool')}
          {failed > 0 && `, ${failed} failed`}
          {brief.timing ? ` in ${durationOf(brief.timing.total_ms)}` : ''}
        </span>
        <em>{model ? 'Planned by the model' : 'Planned without a model'}</em>
      </summary>
      {summary && <p className={css.plan}>{summary}</p>}
      <ol>
        {tools.map((tool) => (
          <Step key={tool.name} tool={tool} />
        ))}
      </ol>
      {task.state === 'done' && brief.plan_hint && <p className={css.hint}>{brief.plan_hint}</p>}
    </details>
  );
}

const words: Record<ToolState, string> = {
  waiting: 'waits',
  running: 'runs',
  done: 'done',
  failed: 'failed',
  missing: 'no data',
};

function Step({ tool }: { tool: ToolRun }) {
  return (
    <li data-state={tool.state}>
      <span className={css.state}>
        <StateMark state={tool.state} />
      </span>
      <span className={css.step}>
        <b>{toolName(tool.name)}</b>
        {tool.reason && <span>{tool.reason}</span>}
        {tool.error && <span className={css.error}>{tool.error}</span>}
        {tool.cached && (
          <span className={css.stale}>
            From before
            {tool.stale_since_ms ? (
              <>
                : as it was <Ago ms={tool.stale_since_ms} />
              </>
            ) : null}
          </span>
        )}
      </span>
      <span className={css.took}>
        {tool.state !== 'done' && words[tool.state]}
        {tool.took_ms !== null && (
          <>
            {tool.state !== 'done' && ' · '}
            {durationOf(tool.took_ms)}
          </>
        )}
      </span>
    </li>
  );
}

function StateMark({ state }: { state: ToolState }) {
  if (state === 'running') return <Loader size={14} color="gray" aria-hidden="true" />;
  if (state === 'waiting') return <i />;
  const icon = { done: icons.check, failed: icons.close, missing: icons.unknown }[state];
  return <Icon path={icon} size={15} />;
}
