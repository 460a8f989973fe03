/** Runs of the copilot over accounts and tasks, each answer checked against the data. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { get } from './http';
import type { AccountName, ToolError } from './briefs';
import { readStream } from './stream';
import type { Page } from './types';

export interface EvalCheck {
  name: string;
  passed: boolean;
  detail?: string | null;
}
export type EvalStatus = 'passed' | 'failed' | 'timeout';
export interface EvalResult {
  account: AccountName;
  task: string;
  question?: string | null;
  status: EvalStatus;
  duration_ms: number;
  plan_source?: string | null;
  brief_id?: string | null;
  checks: EvalCheck[];
  error?: ToolError;
  tools?: { name: string; took_ms: number | null; status: string; error?: ToolError }[];
}
export interface EvalSummary {
  total: number;
  passed: number;
  failed: number;
  timed_out?: number;
  avg_duration_ms: number | null;
}
export interface EvalSession {
  id: string;
  created_at: number;
  accounts?: unknown[];
  tasks?: string[];
  summary: EvalSummary;
  results: EvalResult[];
}

export function useEvalSessions() {
  return useQuery({
    queryKey: ['eval-sessions'],
    queryFn: ({ signal }) =>
      get<Page<Omit<EvalSession, 'results'>>>('/eval-sessions', { query: { limit: 50 }, signal }),
    select: (page) => page.items,
    retry: false,
  });
}

export function useEvalSession(id: string | null) {
  return useQuery({
    queryKey: ['eval-sessions', id],
    queryFn: ({ signal }) => get<EvalSession>(`/eval-sessions/${id}`, { signal }),
    enabled: id !== null,
  });
}

export interface EvalRun {
  state: 'idle' | 'running' | 'done' | 'stopped' | 'failed';
  log: string[];
  results: EvalResult[];
  session: EvalSession | null;
  problem: unknown;
}
interface Progress {
  type?: string;
  account?: AccountName;
  task?: string;
  result?: EvalResult;
}

const idle: EvalRun = { state: 'idle', log: [], results: [], session: null, problem: null };

/** One session at a time, followed live. `describe` turns what happens into a line of the log. */
export function useEvalRun(describe: (progress: Progress) => string) {
  const queries = useQueryClient();
  const [run, setRun] = useState<EvalRun>(idle);
  const current = useRef<AbortController | null>(null);
  useEffect(() => () => current.current?.abort(), []);

  const start = useCallback(
    (accounts: string[], tasks: string[]) => {
      current.current?.abort();
      const abort = new AbortController();
      current.current = abort;
      setRun({ ...idle, state: 'running' });
      readStream({ path: '/eval-sessions', body: { accounts, tasks } }, abort.signal, (event) => {
        if (event.event === 'final') {
          const session = event.data as EvalSession;
          setRun((now) => ({ ...now, state: 'done', session, results: session.results }));
          return;
        }
        const progress = event.data as Progress;
        const line = describe(progress);
        setRun((now) => ({
          ...now,
          log: line ? [...now.log, line] : now.log,
          results: progress.result ? [...now.results, progress.result] : now.results,
        }));
      })
        .then(() =>
          setRun((now) =>
            now.state === 'running'
              ? { ...now, state: 'failed', problem: new Error('The run broke off before its end.') }
              : now,
          ),
        )
        .catch((problem: unknown) => {
          if (!abort.signal.aborted) setRun((now) => ({ ...now, state: 'failed', problem }));
        })
        .finally(() => void queries.invalidateQueries({ queryKey: ['eval-sessions'] }));
    },
    [describe, queries],
  );
  const stop = useCallback(() => {
    current.current?.abort();
    setRun((now) => (now.state === 'running' ? { ...now, state: 'stopped' } : now));
  }, []);
  return { run, start, stop };
}
