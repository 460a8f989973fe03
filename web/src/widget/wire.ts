/** The chat API of /api/v1/chat as the widget reads it: one type per document or frame. */

export interface Citation {
  n: number;
  document_id: string;
  title: string;
  url?: string | null;
  start?: number;
  end?: number;
  quote: string;
}

export type Role = 'contact' | 'ai' | 'member' | 'system' | 'note';
export type Owner = 'ai' | 'human';

export interface Message {
  id: string;
  seq: number;
  role: Role;
  author: { id: string; name: string } | null;
  text: string;
  citations: Citation[];
  run_id?: string | null;
  client_id?: string | null;
  created_at: number;
  status?: string;
}

export interface AgentCard {
  name: string;
  greeting: string;
  avatar?: string | null;
  color?: string | null;
  suggestions?: string[];
}

export interface SessionDocument {
  token?: string;
  conversation_id: string;
  contact: { id: string; name: string } | null;
  agent: AgentCard;
  owner: Owner;
  status: string;
  member?: { name: string } | null;
  messages: Message[];
  cursor: number;
  /** Where the messages before these are: the next `before`. */
  older_cursor?: string | null;
}

/** Messages before or after a sequence number; `next_cursor` goes on in the same direction. */
export interface MessagePage {
  items: Message[];
  next_cursor: string | null;
}

export interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  request_id?: string;
}

export type Frame =
  | {
      type: 'hello';
      cursor?: number;
      owner?: Owner;
      status?: string;
      member?: { name: string } | null;
    }
  | { type: 'message'; message: Message; seq?: number }
  | { type: 'typing'; who: 'ai' | 'member'; name?: string }
  | { type: 'delta'; turn: string; text: string }
  | { type: 'retract'; turn: string }
  | { type: 'owner'; owner: Owner; status?: string; member?: { name: string } | null }
  | { type: 'status'; status: string; owner?: Owner; member?: { name: string } | null }
  | { type: 'restart'; conversation_id?: string }
  | { type: 'error'; code: string; detail?: string }
  | { type: 'pong' };

const frameTypes = new Set([
  'hello',
  'message',
  'typing',
  'delta',
  'retract',
  'owner',
  'status',
  'restart',
  'error',
  'pong',
]);

/** Reads one frame; anything that is not a known frame is dropped, never thrown. */
export function readFrame(text: string, eventName?: string): Frame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const record = value as Record<string, unknown>;
  const type = typeof record.type === 'string' ? record.type : eventName;
  if (!type || !frameTypes.has(type)) return null;
  if (type === 'message' && !isMessage(record.message)) {
    // An event stream may carry the message itself as the data of a `message` event.
    return isMessage(record) ? { type, message: normal(record) } : null;
  }
  if (type === 'message') record.message = normal(record.message as Message);
  return { ...record, type } as Frame;
}

function isMessage(value: unknown): value is Message {
  const m = value as Partial<Message> | null;
  return (
    typeof m === 'object' &&
    m !== null &&
    typeof m.id === 'string' &&
    typeof m.seq === 'number' &&
    typeof m.text === 'string'
  );
}

/** Fills what a server may leave out of a message. */
export function normal(message: Message): Message {
  return { ...message, citations: message.citations ?? [], author: message.author ?? null };
}
