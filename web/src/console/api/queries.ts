/** Everything the console reads and does, as hooks; what changes live is refreshed by `useLiveRefresh`. */
import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryClient,
} from '@tanstack/react-query';
import { useRef } from 'react';
import { get, post, remove, request } from './http';
import { useLive, useLiveState } from './live';
import type {
  Agent,
  AgentDiff,
  AgentVersion,
  ApiKey,
  AuditEntry,
  Conversation,
  DeadLetter,
  EventDocument,
  KeySecret,
  KnowledgeDocument,
  Member,
  Message,
  Page,
  RecordDocument,
  RecordKind,
  Run,
  RunSummary,
  SearchHit,
  ToolClient,
  Topic,
  YamlProblem,
} from './types';

const pageSize = 50;
const pollWhenAwayMs = 5_000;

function usePaged<T>(
  key: unknown[],
  path: string,
  query: Record<string, string | undefined>,
  refetchMs?: number | false,
) {
  const result = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      get<Page<T>>(path, { query: { ...query, limit: pageSize, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: refetchMs ?? false,
  });
  return { ...result, items: result.data?.pages.flatMap((page) => page.items) };
}

// ---- conversations

export interface ConversationFilter {
  status?: string | undefined;
  owner?: string | undefined;
  agent_id?: string | undefined;
  q?: string | undefined;
}

export function useConversations(filter: ConversationFilter) {
  const away = useLiveState() !== 'live';
  return usePaged<Conversation>(
    ['conversations', filter],
    '/conversations',
    { ...filter },
    away && pollWhenAwayMs,
  );
}

export function useWaitingCount(): number {
  const result = useQuery({
    queryKey: ['conversations', 'waiting-count'],
    queryFn: ({ signal }) =>
      get<Page<Conversation>>('/conversations', {
        query: { status: 'escalated', limit: 100 },
        signal,
      }),
  });
  return result.data?.items.length ?? 0;
}

export function useConversation(id: string) {
  return useQuery({
    queryKey: ['conversation', id],
    queryFn: ({ signal }) => get<Conversation>(`/conversations/${id}`, { signal }),
  });
}

/** What has been read of a conversation; `older` is the cursor to what comes before. */
interface Thread {
  messages: Message[];
  older: string | null;
}

function merge(known: Message[], read: Message[]): Message[] {
  const bySeq = new Map([...known, ...read].map((message) => [message.seq, message]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** Reads the newest page once, and from then on only what is new; older pages on demand. */
export function useMessages(id: string) {
  const queries = useQueryClient();
  const away = useLiveState() !== 'live';
  const key = ['messages', id];
  const path = `/conversations/${id}/messages`;
  const thread = useQuery({
    queryKey: key,
    refetchInterval: away && pollWhenAwayMs,
    queryFn: async ({ signal }): Promise<Thread> => {
      const known = queries.getQueryData<Thread>(key);
      if (!known) {
        const page = await get<Page<Message>>(path, { query: { limit: pageSize }, signal });
        return { messages: merge([], page.items), older: page.next_cursor };
      }
      const news: Message[] = [];
      let after: string | null = String(known.messages[known.messages.length - 1]?.seq ?? 0);
      while (after !== null) {
        const page: Page<Message> = await get(path, { query: { after, limit: 200 }, signal });
        news.push(...page.items);
        after = page.next_cursor;
      }
      // An older page may have come meanwhile.
      const now = queries.getQueryData<Thread>(key) ?? known;
      return { ...now, messages: merge(now.messages, news) };
    },
  });
  const older = useMutation({
    mutationFn: (before: string) =>
      get<Page<Message>>(path, { query: { before, limit: pageSize } }),
    onSuccess: (page) =>
      queries.setQueryData<Thread>(key, (now) => ({
        messages: merge(page.items, now?.messages ?? []),
        older: page.next_cursor,
      })),
  });
  const cursor = thread.data?.older ?? null;
  return {
    isError: thread.isError && !thread.data,
    error: thread.error,
    refetch: thread.refetch,
    messages: thread.data?.messages,
    /** Reads the page before, where there is one. */
    readOlder: cursor === null ? null : () => older.isPending || older.mutate(cursor),
    readingOlder: older.isPending,
  };
}

export function useRuns(conversationId: string) {
  return useQuery({
    queryKey: ['runs', conversationId],
    queryFn: ({ signal }) =>
      get<Page<RunSummary>>(`/conversations/${conversationId}/runs`, {
        query: { limit: 200 },
        signal,
      }),
    select: (page) => [...page.items].sort((a, b) => b.started_at - a.started_at),
  });
}

export function useRun(id: string | null) {
  return useQuery({
    queryKey: ['run', id],
    queryFn: ({ signal }) => get<Run>(`/runs/${id}`, { signal }),
    enabled: id !== null,
  });
}

export function useConversationAct(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({
      act,
      body,
    }: {
      act: 'takeover' | 'release' | 'close' | 'guidance' | 'messages';
      body?: unknown;
    }) => post<unknown>(`/conversations/${id}/${act}`, body ?? {}),
    onSettled: () => refreshConversation(queries, id),
  });
}

export function useRunAct(runId: string, conversationId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ act, body }: { act: 'cancel' | 'fork'; body?: unknown }) =>
      post<Run>(`/runs/${runId}/${act}`, body ?? {}),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ['run', runId] });
      refreshConversation(queries, conversationId);
    },
  });
}

/** A turn makes a dozen events within a moment; reading once after them is enough. */
const settleMs = 120;

function refreshOne(queries: QueryClient, id: string): void {
  for (const key of ['conversation', 'messages', 'runs'])
    void queries.invalidateQueries({ queryKey: [key, id] });
}
function refreshConversation(queries: QueryClient, id: string): void {
  refreshOne(queries, id);
  void queries.invalidateQueries({ queryKey: ['conversations'] });
}

/** Keeps every conversation view true to what happens: events name what to read anew. */
export function useLiveRefresh(): void {
  const queries = useQueryClient();
  const due = useRef(new Map<string, { timer: number; lastAt: number }>());
  /** Runs soon, but not more often than every `spacingMs`; what comes meanwhile is one more run. */
  const soon = (key: string, spacingMs: number, run: () => void) => {
    const now = performance.now();
    const entry = due.current.get(key) ?? { timer: 0, lastAt: -Infinity };
    if (entry.timer) return;
    entry.timer = window.setTimeout(
      () => {
        due.current.set(key, { timer: 0, lastAt: performance.now() });
        run();
      },
      Math.max(settleMs, spacingMs - (now - entry.lastAt)),
    );
    due.current.set(key, entry);
  };
  useLive((frame) => {
    if (frame.type === 'back') void queries.invalidateQueries();
    if (frame.type !== 'event') return;
    const payload = (
      typeof frame.payload === 'object' && frame.payload ? frame.payload : {}
    ) as Record<string, unknown>;
    const conversation =
      typeof payload.conversation_id === 'string' ? payload.conversation_id : null;
    if (conversation) {
      soon('list', 1_200, () => void queries.invalidateQueries({ queryKey: ['conversations'] }));
      soon(conversation, 250, () => refreshOne(queries, conversation));
    }
    if (typeof payload.run_id === 'string') {
      const run = payload.run_id;
      soon(run, 500, () => void queries.invalidateQueries({ queryKey: ['run', run] }));
    }
    if (/^config/.test(frame.topic))
      soon('agents', 1_000, () => void queries.invalidateQueries({ queryKey: ['agents'] }));
    if (/^(customer_success|crm|billing)_/.test(frame.topic))
      soon('accounts', 2_000, () => {
        void queries.invalidateQueries({ queryKey: ['portfolio'] });
        void queries.invalidateQueries({ queryKey: ['account'] });
      });
    if (/knowledge|document/.test(frame.topic))
      soon('documents', 2_000, () => void queries.invalidateQueries({ queryKey: ['documents'] }));
  });
}

// ---- agents

export function useAgents() {
  return useQuery({
    queryKey: ['agents', 'list'],
    queryFn: ({ signal }) => get<Page<Agent>>('/agents', { query: { limit: 200 }, signal }),
    select: (p) => p.items,
  });
}

export interface LoadedAgent {
  agent: Agent;
  etag: string;
}
export function useAgent(id: string) {
  return useQuery({
    queryKey: ['agents', id],
    queryFn: async ({ signal }): Promise<LoadedAgent> => {
      const { value, etag } = await request<Agent>('GET', `/agents/${id}`, { signal });
      return { agent: value, etag: etag ?? `"v${value.active_version}"` };
    },
  });
}
export function useVersions(id: string) {
  return useQuery({
    queryKey: ['agents', id, 'versions'],
    queryFn: ({ signal }) =>
      get<Page<AgentVersion>>(`/agents/${id}/versions`, { query: { limit: 200 }, signal }),
    select: (page) => [...page.items].sort((a, b) => b.version - a.version),
  });
}
export function useVersion(id: string, version: number | null) {
  return useQuery({
    queryKey: ['agents', id, 'versions', version],
    queryFn: ({ signal }) => get<AgentVersion>(`/agents/${id}/versions/${version}`, { signal }),
    enabled: version !== null,
    staleTime: Infinity,
  });
}
export function useDiff(id: string, from: number, to: number) {
  return useQuery({
    queryKey: ['agents', id, 'diff', from, to],
    queryFn: ({ signal }) => get<AgentDiff>(`/agents/${id}/diff`, { query: { from, to }, signal }),
    enabled: from !== to,
    staleTime: Infinity,
  });
}
export const validateAgent = (yaml: string, signal?: AbortSignal) =>
  post<{ valid: boolean; errors: YamlProblem[] }>(
    '/agents/validate',
    { yaml },
    signal ? { signal } : {},
  );

export function useAgentSave(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (change: {
      yaml: string;
      message: string;
      etag: string;
    }): Promise<LoadedAgent> => {
      const { value, etag } = await request<Agent>('PUT', `/agents/${id}`, {
        body: { yaml: change.yaml, message: change.message },
        headers: { 'If-Match': change.etag },
      });
      return {
        agent: { ...value, yaml: value.yaml ?? change.yaml },
        etag: etag ?? `"v${value.active_version}"`,
      };
    },
    onSuccess: (loaded) => {
      queries.setQueryData(['agents', id], loaded);
      void queries.invalidateQueries({ queryKey: ['agents'] });
    },
  });
}
export function useAgentCreate() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: { yaml: string; message: string }) => post<Agent>('/agents', change),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['agents'] }),
  });
}
export function useRollback(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: { version: number; reason: string }) =>
      post<Agent>(`/agents/${id}/rollback`, change),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['agents'] }),
  });
}

// ---- knowledge, records, events, settings

export function useDocuments() {
  return usePaged<KnowledgeDocument>(['documents'], '/documents', {});
}
export function useDocument(id: string | null) {
  return useQuery({
    queryKey: ['documents', id],
    queryFn: ({ signal }) => get<KnowledgeDocument>(`/documents/${id}`, { signal }),
    enabled: id !== null,
  });
}
export const searchKnowledge = (body: {
  query: string;
  k: number;
  namespace?: string | undefined;
}) => post<Page<SearchHit>>('/knowledge/search', body);

export function useRecords(path: string, q: string) {
  return usePaged<RecordDocument>(['records', path, q], `/${path}`, { q: q || undefined });
}
export function useRecord(path: string | null) {
  return useQuery({
    queryKey: ['records', path],
    queryFn: ({ signal }) => get<RecordDocument>(`/${path}`, { signal }),
    enabled: path !== null,
    retry: false,
  });
}
export function useKinds() {
  return useQuery({
    queryKey: ['kinds'],
    queryFn: ({ signal }) => get<Page<RecordKind>>('/records', { signal }),
    select: (page) => page.items,
    retry: false,
  });
}

export function useTopics() {
  return useQuery({
    queryKey: ['topics'],
    queryFn: ({ signal }) => get<Page<Topic | string>>('/topics', { signal }),
    select: (page) => page.items.map((t) => (typeof t === 'string' ? { name: t } : t)),
  });
}
export function usePastEvents(topic: string) {
  return useQuery({
    queryKey: ['events', topic],
    queryFn: ({ signal }) =>
      get<Page<EventDocument>>('/events', {
        query: { topic: topic || undefined, order: 'desc', limit: 100 },
        signal,
      }),
    select: (page) => page.items,
  });
}
export function useDeadLetters() {
  return usePaged<DeadLetter>(['dead-letters'], '/dead-letters', {});
}
export function useReplay() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => post(`/dead-letters/${id}/replay`),
    onSettled: () => queries.invalidateQueries({ queryKey: ['dead-letters'] }),
  });
}
export function useJobs() {
  return usePaged<RecordDocument>(['jobs'], '/jobs', {});
}

export function useMembers() {
  return usePaged<Member>(['members'], '/members', {});
}
export function useMemberChange() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (change: {
      id?: string;
      body?: unknown;
      remove?: boolean;
    }): Promise<void> => {
      if (change.remove) await remove(`/members/${change.id}`);
      else if (change.id) await request('PATCH', `/members/${change.id}`, { body: change.body });
      else await post('/members', change.body);
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['members'] }),
  });
}
export function useKeys() {
  return usePaged<ApiKey>(['keys'], '/keys', {});
}
export function useKeyChange() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (change: {
      act: 'create' | 'rotate' | 'revoke';
      id?: string;
      body?: unknown;
    }): Promise<KeySecret | null> => {
      if (change.act === 'revoke') {
        await remove(`/keys/${change.id}`);
        return null;
      }
      return post<KeySecret>(
        change.act === 'create' ? '/keys' : `/keys/${change.id}/rotate`,
        change.body ?? {},
      );
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['keys'] }),
  });
}
export function useToolClients() {
  return usePaged<ToolClient>(['tool-clients'], '/tool-clients', {});
}
export function useToolClientChange() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (
      change: { act: 'create'; body: unknown } | { act: 'rotate' | 'delete'; id: string },
    ): Promise<ToolClient | null> => {
      if (change.act === 'create') return post<ToolClient>('/tool-clients', change.body);
      if (change.act === 'rotate') return post<ToolClient>(`/tool-clients/${change.id}/rotate`);
      await remove(`/tool-clients/${change.id}`);
      return null;
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ['tool-clients'] }),
  });
}
export function useAudit() {
  return usePaged<AuditEntry>(['audit'], '/audit-entries', {});
}
