/**
 * The questions of this page, each with how far its answer is. One runs at a time: a new question
 * ends the one before. What the server tells while it works is folded in here, event by event.
 */
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useReducer, useRef } from 'react';
import type { Brief, Plan, ToolError } from '../api/briefs';
import { readStream, type StreamEvent } from '../api/stream';

export type ToolState = 'waiting' | 'running' | 'done' | 'failed' | 'missing';
export interface ToolRun {
  name: string;
  reason: string | null;
  state: ToolState;
  took_ms: number | null;
  error: string | null;
  cached: boolean;
  stale_since_ms: number | null;
}
export interface Task {
  key: string;
  question: string;
  state: 'running' | 'done' | 'stopped' | 'failed';
  open: boolean;
  /** Asked while one looks on, as against one that was kept from before. */
  live: boolean;
  plan: Plan | null;
  tools: ToolRun[];
  /** What is known so far; the whole once `state` is done. */
  brief: Partial<Brief>;
  problem: unknown;
  asked_at: number;
  /** That was chosen; empty: the usual one. */
  language: string;
}

type Change =
  | { type: 'ask'; key: string; question: string; language: string }
  | { type: 'again'; key: string }
  | { type: 'event'; key: string; event: string; data: Record<string, unknown> }
  | { type: 'end'; key: string; state: 'stopped' | 'failed'; problem?: unknown }
  | { type: 'show'; brief: Brief }
  | { type: 'toggle'; key: string }
  | { type: 'edit'; key: string; brief: Partial<Brief> }
  | { type: 'remove'; key: string };

const errorOf = (error: ToolError | undefined, message?: string | null): string | null => {
  if (!error) return null;
  if (typeof error === 'string') return message ? `${message} (${error})` : error;
  return [error.message, error.code && `(${error.code})`].filter(Boolean).join(' ') || 'failed';
};

const newTool = (name: string, reason: string | null): ToolRun => ({
  name,
  reason,
  state: 'waiting',
  took_ms: null,
  error: null,
  cached: false,
  stale_since_ms: null,
});

function withTool(tools: ToolRun[], name: string, change: Partial<ToolRun>): ToolRun[] {
  const known = tools.some((tool) => tool.name === name);
  const list = known ? tools : [...tools, newTool(name, null)];
  return list.map((tool) => (tool.name === name ? { ...tool, ...change } : tool));
}

/** The tools as the finished brief tells them, with the reason of each from its plan. */
function toolsOf(brief: Brief, before: ToolRun[]): ToolRun[] {
  const reasons = new Map((brief.decision_log ?? []).map((step) => [step.tool, step.reason]));
  return (brief.used_tools ?? []).map((tool) => {
    const seen = before.find((run) => run.name === tool.name);
    const failed = tool.status === 'error';
    const missing = tool.missing ?? seen?.state === 'missing';
    return {
      name: tool.name,
      reason: reasons.get(tool.name) ?? seen?.reason ?? null,
      state: failed ? 'failed' : missing ? 'missing' : 'done',
      took_ms: tool.took_ms,
      error: failed ? (errorOf(tool.error, tool.message) ?? 'failed') : null,
      cached: tool.cached ?? false,
      stale_since_ms: tool.stale_since_ms ?? null,
    };
  });
}

function fold(task: Task, event: string, data: Record<string, unknown>): Task {
  const name = typeof data.name === 'string' ? data.name : '';
  const took = typeof data.took_ms === 'number' ? { took_ms: data.took_ms } : {};
  switch (event) {
    case 'plan': {
      const plan = data as unknown as Plan;
      const tools = plan.steps.map((step) => newTool(step.tool, step.reason));
      return { ...task, plan, tools };
    }
    case 'tool:start':
      return { ...task, tools: withTool(task.tools, name, { state: 'running' }) };
    case 'tool:complete': {
      const failed = data.status === 'error';
      const error = failed
        ? (errorOf(data.error as ToolError, data.message as string) ?? 'failed')
        : null;
      const state = failed ? 'failed' : 'done';
      return { ...task, tools: withTool(task.tools, name, { ...took, state, error }) };
    }
    case 'tool:end':
      return data.missing
        ? { ...task, tools: withTool(task.tools, name, { ...took, state: 'missing' }) }
        : task;
    case 'patch': {
      const { request_id: _id, ...patch } = data;
      return { ...task, brief: { ...task.brief, ...(patch as Partial<Brief>) } };
    }
    case 'final': {
      const brief = data as unknown as Brief;
      return { ...task, state: 'done', brief, tools: toolsOf(brief, task.tools) };
    }
    default:
      return task;
  }
}

function begun(key: string, question: string): Task {
  return {
    key,
    question,
    state: 'running',
    open: true,
    live: true,
    plan: null,
    tools: [],
    brief: {},
    problem: null,
    asked_at: Date.now(),
    language: '',
  };
}

function change(tasks: Task[], act: Change): Task[] {
  const one = (key: string, of: (task: Task) => Task) =>
    tasks.map((task) => (task.key === key ? of(task) : task));
  const closed = () => tasks.map((task) => ({ ...task, open: false }));
  switch (act.type) {
    case 'ask':
      return [...closed(), { ...begun(act.key, act.question), language: act.language }];
    case 'again':
      return one(act.key, (task) => ({
        ...task,
        state: 'running',
        open: true,
        live: true,
        problem: null,
      }));
    case 'event':
      return one(act.key, (task) => fold(task, act.event, act.data));
    case 'end':
      return one(act.key, (task) =>
        task.state === 'running'
          ? {
              ...task,
              state: act.state,
              problem: act.problem ?? null,
              tools: task.tools.filter(
                (tool) => tool.state !== 'running' && tool.state !== 'waiting',
              ),
            }
          : task,
      );
    case 'show': {
      const { brief } = act;
      const others = closed().filter((task) => task.brief.id !== brief.id);
      const task = begun(brief.id, brief.question);
      return [
        ...others,
        {
          ...task,
          live: false,
          state: 'done',
          brief,
          tools: toolsOf(brief, []),
          asked_at: brief.created_at,
        },
      ];
    }
    case 'toggle':
      return one(act.key, (task) => ({ ...task, open: !task.open }));
    case 'edit':
      return one(act.key, (task) => ({ ...task, brief: { ...task.brief, ...act.brief } }));
    case 'remove':
      return tasks.filter((task) => task.key !== act.key);
  }
}

export interface Asking {
  tasks: Task[];
  running: Task | null;
  /** In `language`; empty: in the usual one. */
  ask(question: string, account: string | null, language?: string): void;
  /** Runs only what failed of a finished question. */
  rerun(task: Task): void;
  stop(): void;
  show(brief: Brief): void;
  toggle(key: string): void;
  edit(key: string, brief: Partial<Brief>): void;
  remove(key: string): void;
}

export function useAsk(): Asking {
  const [tasks, act] = useReducer(change, []);
  const queries = useQueryClient();
  const current = useRef<{ key: string; stop: AbortController } | null>(null);
  const keys = useRef(0);

  const stop = useCallback(() => {
    const now = current.current;
    current.current = null;
    if (!now) return;
    now.stop.abort();
    act({ type: 'end', key: now.key, state: 'stopped' });
  }, []);
  useEffect(() => stop, [stop]);

  const run = useCallback(
    (key: string, path: string, body: unknown) => {
      const mine = { key, stop: new AbortController() };
      current.current = mine;
      let finished = false;
      const onEvent = (event: StreamEvent) => {
        finished ||= event.event === 'final';
        act({
          type: 'event',
          key,
          event: event.event,
          data: event.data as Record<string, unknown>,
        });
      };
      readStream({ path, body }, mine.stop.signal, onEvent)
        .then(() => {
          if (!finished) throw new Error('The answer broke off before its end.');
        })
        .catch((problem: unknown) => {
          if (!mine.stop.signal.aborted) act({ type: 'end', key, state: 'failed', problem });
        })
        .finally(() => {
          if (current.current === mine) current.current = null;
          void queries.invalidateQueries({ queryKey: ['briefs'] });
        });
    },
    [queries],
  );

  const ask = useCallback(
    (question: string, account: string | null, language = '') => {
      stop();
      keys.current += 1;
      const key = `asked-${keys.current}`;
      act({ type: 'ask', key, question, language });
      run(key, '/briefs', {
        question,
        ...(account ? { account_id: account } : {}),
        ...(language ? { language } : {}),
      });
    },
    [run, stop],
  );
  const rerun = useCallback(
    (task: Task) => {
      if (!task.brief.id) return;
      stop();
      act({ type: 'again', key: task.key });
      run(task.key, `/briefs/${task.brief.id}/rerun`, {});
    },
    [run, stop],
  );
  return {
    tasks,
    running: tasks.find((task) => task.state === 'running') ?? null,
    ask,
    rerun,
    stop,
    show: useCallback((brief: Brief) => act({ type: 'show', brief }), []),
    toggle: useCallback((key: string) => act({ type: 'toggle', key }), []),
    edit: useCallback(
      (key: string, brief: Partial<Brief>) => act({ type: 'edit', key, brief }),
      [],
    ),
    remove: useCallback((key: string) => act({ type: 'remove', key }), []),
  };
}
