/** Documents of /api/v1 as the console reads them. Times are Unix milliseconds, money is cents. */

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Member {
  id: string;
  name: string;
  email: string;
  roles: string[];
  status?: string;
  title?: string | null;
  created_at?: number;
}
export interface Org {
  id: string;
  name: string;
  slug: string;
}
export interface SignedIn {
  access_token: string;
  expires_in: number;
  member: Member;
  org: Org;
}

export type Owner = 'ai' | 'human';
export interface Escalation {
  reason: string;
  priority: string;
  created_at: number;
}
export interface Conversation {
  id: string;
  contact: { id: string; name: string; email?: string | null; account?: string | null } | null;
  channel: string;
  status: string;
  owner: Owner;
  agent: { id: string; name: string };
  agent_version: number;
  assignee: { id: string; name: string } | null;
  last_message: { role: Role; text: string; created_at: number } | null;
  sentiment: number | null;
  escalation: Escalation | null;
  message_count: number;
  created_at: number;
  updated_at: number;
}

export type Role = 'contact' | 'ai' | 'member' | 'system' | 'note';
export interface Citation {
  n: number;
  document_id: string;
  title: string;
  url?: string | null;
  start?: number;
  end?: number;
  quote: string;
}
export interface Message {
  id: string;
  seq: number;
  role: Role;
  author: { id: string; name: string } | null;
  text: string;
  citations?: Citation[];
  run_id?: string | null;
  created_at: number;
  status?: string;
}

export interface RunSummary {
  id: string;
  conversation_id?: string | null;
  graph: string;
  status: string;
  started_at: number;
  finished_at: number | null;
  duration_ms: number | null;
  step_count: number;
  tokens_in: number;
  tokens_out: number;
  cost_microcents: number;
  error?: string | { code?: string; detail?: string } | null;
  /** The run and step that this one was forked from. */
  parent_id?: string;
  parent_step?: number;
}
export interface LlmCall {
  provider: string;
  model: string;
  tokens_in: number;
  tokens_out: number;
  cost_microcents: number;
  latency_ms: number;
  cache: string | boolean | null;
  prompt?: unknown;
  response?: unknown;
}
export interface ToolCall {
  id: string;
  name: string;
  arguments: unknown;
  result: unknown;
  status: string;
  error?: string | null;
  latency_ms: number;
  attempt: number;
  idempotency_key: string;
}
export interface Passage {
  document_id: string;
  title: string;
  text: string;
  score: number;
  start: number;
  end: number;
}
export interface Step {
  seq: number;
  node: string;
  status: string;
  started_at: number;
  duration_ms: number | null;
  input?: unknown;
  output?: unknown;
  delta: unknown;
  events?: unknown[];
  llm_calls?: LlmCall[];
  tool_calls?: ToolCall[];
  passages?: Passage[];
}
export interface Run extends RunSummary {
  steps: Step[];
}

export interface Agent {
  id: string;
  slug: string;
  name: string;
  product_type: string;
  active_version: number;
  channels: string[];
  updated_at: number;
  yaml?: string;
  mcp_servers?: ToolServer[];
}
export type ToolStanding = 'same' | 'changed' | 'removed' | 'unknown';
/** A server of tools as the active version uses it; known without asking it. */
export interface ToolServer {
  name: string;
  state: 'open' | 'idle' | 'failing';
  revision?: string;
  error?: string;
  listed_at?: number;
  tools: {
    name: string;
    offered_as: string;
    status: ToolStanding;
    asks: boolean;
    changes?: { path: string; kind: string; old?: unknown; new?: unknown }[];
  }[];
}
export interface AgentVersion {
  version: number;
  sha256: string;
  author: string | { id: string; name: string } | null;
  message: string;
  created_at: number;
  status: string;
  yaml?: string;
}
export interface YamlProblem {
  line: number;
  column: number;
  path: string;
  message: string;
  severity: 'error' | 'warning' | 'info';
}
export interface AgentDiff {
  from: number;
  to: number;
  unified: string;
  changes: { path: string; kind: 'added' | 'removed' | 'changed'; old?: unknown; new?: unknown }[];
}

export interface KnowledgeDocument {
  id: string;
  title: string;
  media_type: string;
  namespace: string;
  source_url?: string | null;
  text?: string;
  chunk_count?: number;
  size_bytes?: number;
  status?: string;
  created_at?: number;
  updated_at?: number;
}
export interface SearchHit extends Passage {
  chunk: number;
  heading?: string;
}

export type RecordDocument = { id: string } & Record<string, unknown>;
export interface RecordKind {
  name: string;
  title?: string;
  plural?: string;
  key?: string;
  list?: string[];
  count?: number;
}

export interface EventDocument {
  event_id?: string;
  topic: string;
  event_type: string;
  seq: number;
  at: number;
  payload: unknown;
}
export interface Topic {
  name: string;
  event_count?: number;
  summary?: string;
}
export interface DeadLetter {
  id: string;
  topic: string;
  event_type: string;
  consumer?: string;
  attempts?: number;
  error?: string;
  failed_at?: number;
  replayed_at?: number;
  payload?: unknown;
}
export interface ApiKey {
  id: string;
  name: string;
  scopes: string[];
  roles?: string[];
  created_at: number;
  expires_at: number | null;
  /** Two secrets are valid at the moment. */
  rotating?: boolean;
}
/** The answer to making or rotating a key: the only time its secret is told. */
export interface KeySecret {
  id: string;
  key: string;
}
/** Another system that uses the copilot's tools; `secret` only right after it was made. */
export interface ToolClient {
  id: string;
  /** What it sends as X-Client. */
  client: string;
  name: string;
  tools: string[];
  /** It sees the accounts that guests see, and no others. */
  demo_only: boolean;
  per_minute: number;
  /** Until then the secret from before works, too. */
  old_secret_until: number | null;
  created_at: number;
  secret?: string;
}
export interface AuditEntry {
  seq: number;
  at: number;
  actor_kind: string;
  actor_id: string;
  actor_name: string;
  action: string;
  resource?: string | null;
  detail?: unknown;
  hash?: string;
}
