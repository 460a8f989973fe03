/** Accounts as the success pages read them: the portfolio, one account with everything, what-if. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, post, remove, request } from './http';
import type { Page } from './types';

export type Risk = 'low' | 'medium' | 'high' | 'unknown';
export type Trend = 'up' | 'flat' | 'down';
export type FactorName = 'usage' | 'tickets' | 'renewal';

export interface Attribution {
  factor: FactorName | 'formula';
  delta: number;
  text: string;
}
export interface Factor {
  name: FactorName;
  weight: number;
  points: number | null;
  contribution: number | null;
  value: string | number | null;
  /** Of the renewal: days of the calendar, which are told; whole days (`value`) are scored. */
  date_days?: number | null;
  text: string;
  missing: boolean;
}
export interface Health {
  score: number | null;
  risk_level: Risk;
  signals: string[];
  formula: string;
  /** What other formulas of the organisation give. */
  beside?: { formula: string; score: number | null; risk_level: Risk }[];
  complete: boolean;
  missing: string[];
  /** With data missing: the lowest and highest score that are still possible. */
  range: { low: number; high: number } | null;
  factors: Factor[];
  computed_at_ms: number;
  previous: {
    score: number;
    at_ms: number;
    delta: number;
    attribution: Attribution[];
  } | null;
}

export interface PortfolioRow {
  id: string;
  slug: string;
  name: string;
  owner: string | null;
  stage: string | null;
  plan: string | null;
  arr_cents: number | null;
  currency: string | null;
  renewal_date_ms: number | null;
  renewal_days: number | null;
  date_days: number | null;
  trend: Trend | null;
  avg_daily_users: number | null;
  sparkline: number[];
  open_tickets: number | null;
  score: number | null;
  risk_level: Risk;
  signals: string[];
  score_delta_30d: number | null;
  updated_at: number;
}
export interface PortfolioSummary {
  total: number;
  by_risk: Record<Risk, number>;
  /** Accounts with a score of 0 to 9, 10 to 19, …, 90 to 100. */
  histogram: number[];
  renewals_30d: number;
  renewals_90d: number;
  arr_cents: Record<string, number>;
}
export interface Portfolio extends Page<PortfolioRow> {
  total: number;
  summary: PortfolioSummary;
}
export type PortfolioQuery = Record<string, string | undefined>;

export function usePortfolio(query: PortfolioQuery, limit: number, cursor: string | null) {
  return useQuery({
    queryKey: ['portfolio', query, limit, cursor],
    queryFn: ({ signal }) =>
      get<Portfolio>('/portfolio', { query: { ...query, limit, cursor }, signal }),
    placeholderData: keepPreviousData,
  });
}

export interface RenewalDay {
  date: string;
  accounts: PortfolioRow[];
}
export function useRenewals(from: string, to: string) {
  return useQuery({
    queryKey: ['portfolio', 'renewals', from, to],
    queryFn: ({ signal }) =>
      get<Page<RenewalDay>>('/portfolio/renewals', { query: { from, to }, signal }),
    select: (page) => page.items,
  });
}

export interface AccountHead {
  id: string;
  slug: string;
  name: string;
  short_name?: string | null;
  stage: string | null;
  plan: string | null;
  owner: string | null;
  industry: string | null;
  country: string | null;
  language: string | null;
  currency: string | null;
  demo?: boolean;
  /** Of its record, now: what a change must still find. */
  version?: number;
}
interface Known {
  missing: boolean;
  at_ms?: number | null;
  source?: string | null;
}
export interface Contract extends Known {
  renewal_date_ms: number | null;
  arr_cents: number | null;
  currency: string | null;
  plan: string | null;
  seats: number | null;
}
export interface Usage extends Known {
  trend: Trend | null;
  avg_daily_users: number | null;
  sparkline: number[];
}
export interface RecentTicket {
  id: string;
  severity: string | null;
  subject?: string | null;
  created_at_ms?: number | null;
}
export interface Tickets extends Known {
  open_tickets: number | null;
  recent_tickets: RecentTicket[];
}
export interface AccountContact {
  id: string;
  name: string;
  title: string | null;
  email: string | null;
  champion?: boolean;
  sponsor?: boolean;
}
export interface HistoryPoint {
  at_ms: number;
  score: number | null;
  risk_level: Risk;
  delta: number | null;
  cause: string | null;
  attribution: Attribution[];
}
export interface TimelineEntry {
  at_ms: number;
  kind: string;
  text: string;
  link?: string | null;
}
export interface Note {
  id: string;
  text: string;
  author?: { id: string; name: string } | string | null;
  created_at: number;
}
export interface BriefHead {
  id: string;
  question: string;
  task: string | null;
  created_at: number;
}
export interface Facts {
  account: AccountHead;
  contract: Contract;
  usage: Usage;
  tickets: Tickets;
  contacts: AccountContact[];
}
export interface Overview extends Facts {
  health: Health;
  history: HistoryPoint[];
  timeline: TimelineEntry[];
  notes: Note[];
  briefs: BriefHead[];
}

/** `asOf`: the end of a past day as YYYY-MM-DD, or null for now. */
export function useOverview(account: string | null, asOf: string | null = null) {
  return useQuery({
    queryKey: ['account', account, asOf],
    queryFn: ({ signal }) =>
      get<Overview>(`/accounts/${encodeURIComponent(account ?? '')}/overview`, {
        query: { as_of: asOf },
        signal,
      }),
    enabled: account !== null,
    placeholderData: (previous, query) =>
      // Another day of the same account may stand there until its own has come; another account not.
      query?.queryKey[1] === account ? previous : undefined,
  });
}

export interface WhatIf {
  trend?: Trend;
  open_tickets?: number;
  renewal_days?: number;
}
export interface WhatIfAnswer {
  before: Health;
  after: Health;
  attribution: Attribution[];
}
export function useWhatIf(account: string, change: WhatIf) {
  return useQuery({
    queryKey: ['what-if', account, change],
    queryFn: async ({ signal }) =>
      (
        await request<WhatIfAnswer>('POST', `/accounts/${account}/what-if`, {
          body: change,
          signal,
        })
      ).value,
    placeholderData: keepPreviousData,
  });
}

export function useNoteChange(account: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (change: { add: string } | { remove: string }): Promise<void> => {
      if ('add' in change) await post(`/accounts/${account}/notes`, { text: change.add });
      else await remove(`/accounts/${account}/notes/${change.remove}`);
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['account'] }),
  });
}
