/** How an organisation scores its accounts, and in which language it is answered. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, request } from './http';
import type { Page } from './types';

export interface Formula {
  formula: string;
  name: string;
  version: number;
  title?: string | null;
  weights: Record<string, number>;
  active: boolean;
  registered_at?: number | null;
  provenance?: {
    cases?: number;
    outcome?: string;
    auc?: number;
    fixed_auc?: number;
  } | null;
}

export function useFormulas() {
  const result = useInfiniteQuery({
    queryKey: ['health-formulas'],
    queryFn: ({ signal }) => get<Page<Formula>>('/health-formulas', { signal }),
    initialPageParam: null,
    getNextPageParam: () => null,
  });
  return { ...result, items: result.data?.pages.flatMap((page) => page.items) };
}

export function useFormulaChoice() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: { formula: string; reason?: string }) =>
      (await request<Formula>('PUT', '/health-formulas/active', { body })).value,
    onSuccess: () => queries.invalidateQueries(),
  });
}

interface OrgSettings {
  settings: { briefs?: { language?: string } | null };
}

/** `briefs.language` of the organisation's settings; without one answers are in English. */
export function useOrgLanguage(org: string) {
  const queries = useQueryClient();
  const key = ['org', org];
  const read = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => get<OrgSettings>(`/orgs/${org}`, { signal }),
  });
  const change = useMutation({
    mutationFn: async (language: string) => {
      const body = { settings: { briefs: { language } } };
      return (await request<OrgSettings>('PATCH', `/orgs/${org}`, { body })).value;
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: key }),
  });
  return {
    value: (change.isPending && change.variables) || read.data?.settings.briefs?.language || 'en',
    isPending: read.isPending,
    isError: read.isError || change.isError,
    error: read.error ?? change.error,
    saving: change.isPending,
    save: change.mutate,
  };
}
