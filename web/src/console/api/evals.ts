/** Evaluations: the copilot asked tasks about accounts, each answer checked against the data. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, post, remove } from './http';
import type { AccountName } from './briefs';
import type { Page } from './types';

export interface EvalTask {
  name: string;
  title: string;
  prompt: string;
  /** Asked once for all accounts together. */
  table?: boolean;
}
export interface EvalCheck {
  check: string;
  ok: boolean;
  detail?: string | null;
}
export interface EvalResult {
  n: number;
  /** null: about all accounts. */
  account: AccountName | null;
  task: string;
  prompt: string;
  status: 'passed' | 'failed' | 'error';
  took_ms: number;
  plan_source?: string | null;
  checks: EvalCheck[];
  summary?: string | null;
}
export interface EvalSession {
  id: string;
  status: string;
  total: number;
  done: number;
  passed: number;
  failed: number;
  avg_took_ms: number;
  created_at: number;
  falsify?: string;
}
interface Read extends EvalSession {
  results: EvalResult[];
}

const pageSize = 50;
const followMs = 600;

export function useEvalTasks() {
  return useQuery({
    queryKey: ['eval-tasks'],
    queryFn: ({ signal }) => get<Page<EvalTask>>('/eval-tasks', { signal }),
    select: (page) => page.items,
    staleTime: Infinity,
  });
}

export function useEvalSessions() {
  return useQuery({
    queryKey: ['eval-sessions', 'list'],
    queryFn: ({ signal }) =>
      get<Page<EvalSession>>('/eval-sessions', { query: { limit: 50 }, signal }),
    select: (page) => page.items,
    refetchInterval: (query) =>
      query.state.data?.items.some((session) => session.status === 'running') ? followMs : false,
  });
}

/** A session with its results, followed while it runs: only results that are new are read. */
export function useEvalSession(id: string | null) {
  const queries = useQueryClient();
  const key = ['eval-sessions', 'one', id];
  return useQuery({
    queryKey: key,
    enabled: id !== null,
    queryFn: async ({ signal }): Promise<Read> => {
      const results = [...(queries.getQueryData<Read>(key)?.results ?? [])];
      for (;;) {
        const after = results[results.length - 1]?.n ?? 0;
        const page = await get<Read>(`/eval-sessions/${id}`, { query: { after }, signal });
        results.push(...page.results);
        if (page.results.length < pageSize) return { ...page, results };
      }
    },
    refetchInterval: (query) => (query.state.data?.status === 'running' ? followMs : false),
  });
}

export function useEvalAct() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (
      act:
        | { start: { accounts: string[]; tasks: string[]; falsify?: string } }
        | { stop: string }
        | { remove: string },
    ): Promise<EvalSession | null> => {
      if ('start' in act) return post<EvalSession>('/eval-sessions', act.start);
      if ('stop' in act) return post<EvalSession>(`/eval-sessions/${act.stop}/stop`);
      await remove(`/eval-sessions/${act.remove}`);
      return null;
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['eval-sessions'] }),
  });
}
