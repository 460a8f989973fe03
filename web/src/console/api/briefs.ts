/** Questions to the copilot and what became of them. */
import { useMutation, useQuery, useQueryClient, useInfiniteQuery } from '@tanstack/react-query';
import { get, post, remove, request } from './http';
import type { Facts, Health } from './accounts';
import type { Page } from './types';

export interface PlanStep {
  step: number;
  tool: string;
  reason: string;
}
export interface AccountName {
  id: string;
  slug: string;
  name: string;
}
export interface Plan {
  brief_id: string;
  request_id: string;
  plan_source: string;
  account: AccountName | null;
  task: string;
  plan_summary: string;
  steps: PlanStep[];
}
export interface Action {
  text: string;
  reason?: string | null;
  priority?: string | null;
}
export interface EmailDraft {
  subject: string;
  body: string;
  tone: string;
  language: string;
}
export interface QbrSection {
  title: string;
  bullets: (string | { text: string })[];
}
export interface RankedTable {
  title: string;
  columns: { key: string; label: string; type: string }[];
  rows: Record<string, unknown>[];
}
/** An error is a code with its message beside it, or both in one. */
export type ToolError = string | { code?: string; message?: string } | null;
export interface UsedTool {
  name: string;
  took_ms: number | null;
  status: 'success' | 'error';
  error?: ToolError;
  message?: string | null;
  cached?: boolean;
  reused?: boolean;
  missing?: boolean;
  stale_since_ms?: number | null;
}
export interface Figure {
  key: string;
  label: string;
  value: unknown;
  unit?: string | null;
  text: string;
  source: { tool: string; field: string; url: string | null };
}
export type Scope = 'account' | 'portfolio' | 'refused' | 'which_account' | 'failed';
export interface Brief {
  id: string;
  request_id: string;
  question: string;
  scope: Scope;
  language?: string;
  task: string;
  plan_source: string;
  plan_hint?: string | null;
  plan_summary?: string | null;
  account: AccountName | null;
  summary: string;
  health: Health | null;
  actions: Action[];
  email_draft: EmailDraft | null;
  qbr: { sections: QbrSection[] } | null;
  table: RankedTable | null;
  notes: { code: string; text: string }[] | null;
  used_tools: UsedTool[];
  decision_log: PlanStep[];
  figures: Figure[];
  facts?: Partial<Facts> | null;
  timing?: { planning_ms: number; tools_ms: number; total_ms: number } | null;
  created_at: number;
  /** The end of the past moment that it speaks of; null: it speaks of now. */
  as_of?: number | null;
  /** Where it asks which account is meant: those it may be. */
  candidates?: AccountName[];
  /** Only in an answer that failed and is kept nowhere: then it is false. */
  stored?: boolean;
}
export interface BriefRow {
  id: string;
  question: string;
  task: string | null;
  scope?: Scope;
  account: AccountName | null;
  created_at: number;
}

export function useBriefs(account: string | null) {
  const result = useInfiniteQuery({
    queryKey: ['briefs', account],
    queryFn: ({ pageParam, signal }) =>
      get<Page<BriefRow>>('/briefs', {
        query: { account, limit: 20, cursor: pageParam },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  return { ...result, items: result.data?.pages.flatMap((page) => page.items) };
}

export const readBrief = (id: string) => get<Brief>(`/briefs/${id}`);

export function useBriefRemove() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => remove(`/briefs/${id}`),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['briefs'] });
      void queries.invalidateQueries({ queryKey: ['account'] });
    },
  });
}

type EmailAnswer = EmailDraft & { email_draft?: EmailDraft; notes?: Brief['notes'] };

/** Another draft in another tone or language or as somebody wished, or as somebody edited it. */
export function useEmailChange(briefId: string) {
  return useMutation({
    mutationFn: async (
      change:
        | { write: { tone: string; language: string; instruction?: string } }
        | { edit: { subject: string; body: string } },
    ): Promise<EmailDraft & { notes?: Brief['notes'] }> => {
      const answer =
        'write' in change
          ? await post<EmailAnswer>(`/briefs/${briefId}/email`, change.write)
          : (
              await request<EmailAnswer>('PATCH', `/briefs/${briefId}`, {
                body: { email_draft: change.edit },
              })
            ).value;
      return { ...(answer.email_draft ?? answer), notes: answer.notes ?? null };
    },
  });
}

export function useSuggestions() {
  return useQuery({
    queryKey: ['suggestions'],
    queryFn: ({ signal }) =>
      get<Page<{ title: string; question: string }>>('/copilot/suggestions', { signal }),
    select: (page) => page.items,
    staleTime: 300_000,
    retry: false,
  });
}
