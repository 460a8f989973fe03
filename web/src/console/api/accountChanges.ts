/** What the success pages change of accounts: one at a time, or a file of them. */
import { useMutation, useQueryClient, type QueryClient } from '@tanstack/react-query';
import type { AccountHead, Facts, Trend } from './accounts';
import { Problem, request } from './http';

/** A change as the API takes it; what is not named stays. */
export interface AccountChange {
  slug?: string;
  name?: string;
  short_name?: string | null;
  stage?: string | null;
  plan?: string | null;
  owner?: string | null;
  industry?: string | null;
  country?: string | null;
  language?: string | null;
  currency?: string | null;
  arr_cents?: number | null;
  renewal_date?: string | null;
  usage?: { sparkline: number[]; trend?: Trend; avg_daily_users?: number };
  open_tickets?: number | null;
}

/** Portfolio, account, records and what a what-if begins with follow from accounts. */
const accountsChanged = (queries: QueryClient) =>
  Promise.all(
    ['portfolio', 'account', 'what-if', 'records'].map((name) =>
      queries.invalidateQueries({ queryKey: [name] }),
    ),
  );

/** Makes an account, or changes the one named if it is still at `version`. */
export function useAccountSave(account: string | null) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (order: { change: AccountChange; version?: number }) => {
      const headers: Record<string, string> = account
        ? { 'If-Match': `"${order.version}"` }
        : { 'Idempotency-Key': crypto.randomUUID?.() ?? String(Math.random()) };
      const { value } = await request<Facts>(
        account ? 'PATCH' : 'POST',
        account ? `/accounts/${account}` : '/accounts',
        { body: order.change, headers },
      );
      return value.account;
    },
    onSuccess: () => accountsChanged(queries),
  });
}

/** Somebody changed it meanwhile, as against a slug that is taken. */
export const isOvertaken = (error: unknown) =>
  error instanceof Problem && (error.status === 409 || error.status === 412) && !error.body.field;

export function useAccountRemove(account: AccountHead) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => void (await request('DELETE', `/accounts/${account.id}`, {})),
    onSuccess: () => {
      queries.removeQueries({ queryKey: ['account', account.slug] });
      void accountsChanged(queries);
    },
  });
}

export type ImportKind = 'accounts' | 'contracts' | 'usage' | 'tickets';
export interface ImportFault {
  line: number;
  field: string | null;
  text: string;
}
export interface ImportReport {
  kind: ImportKind;
  dry_run: boolean;
  applied: boolean;
  rows: number;
  created: number;
  updated: number;
  unchanged: number;
  bad: number;
  faults: ImportFault[];
}

export function useImport() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (order: { kind: ImportKind; file: File; dry: boolean; skipBad: boolean }) =>
      (
        await request<ImportReport>('POST', '/imports', {
          query: {
            kind: order.kind,
            dry_run: order.dry ? 1 : undefined,
            skip_bad: order.skipBad ? 1 : undefined,
          },
          content: order.file,
          headers: {
            'Content-Type': /\.json$/i.test(order.file.name) ? 'application/json' : 'text/csv',
          },
        })
      ).value,
    onSuccess: (report) => {
      if (report.applied) void accountsChanged(queries);
    },
  });
}
