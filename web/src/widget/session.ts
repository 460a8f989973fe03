/**
 * One conversation as the visitor's device knows it. Holds what is confirmed by the server (by
 * sequence number), what is still on its way (by client id), and the answer that is being written.
 * The view draws `state` and calls the methods; nothing here touches the page.
 */
import { sentence } from '../sentence';
import { Link, type LinkState } from './link';
import { Storage, type Outgoing } from './storage';
import {
  normal,
  type AgentCard,
  type Frame,
  type Message,
  type MessagePage,
  type Owner,
  type Problem,
  type SessionDocument,
} from './wire';

export interface ChatState {
  phase: 'idle' | 'starting' | 'ready' | 'failed';
  /** Why the chat could not start, in words for the visitor. */
  problem: string | null;
  link: LinkState;
  agent: AgentCard | null;
  messages: Message[];
  /** Where the messages before these begin; null when the first is here. */
  older: string | null;
  outbox: Outgoing[];
  draft: { turn: string; text: string } | null;
  typing: { who: 'ai' | 'member'; name: string } | null;
  owner: Owner;
  member: { name: string } | null;
  status: string;
  /** A visitor asked for a person and nobody has come yet. */
  waiting: boolean;
  pairing: { code: string; expires_at: number } | null;
  notice: string | null;
}

export interface ChatOptions {
  base: string;
  agent: string;
  /** `identity` proves the e-mail address; without it the contact is a guest of that name. */
  contact?: { name: string; email: string; identity?: string } | undefined;
}

const typingShownMs = 6_000;
const typingToldMs = 3_000;
const sendTimeoutMs = 20_000;
const retryMs = { first: 1_500, most: 30_000 };
const over = new Set(['completed', 'abandoned', 'failed', 'closed']);

export class ChatSession {
  state: ChatState = {
    phase: 'idle',
    problem: null,
    link: 'connecting',
    agent: null,
    messages: [],
    older: null,
    outbox: [],
    draft: null,
    typing: null,
    owner: 'ai',
    member: null,
    status: 'active',
    waiting: false,
    pairing: null,
    notice: null,
  };

  private readonly storage: Storage;
  private readonly link: Link;
  private readonly listeners = new Set<() => void>();
  private cursor = 0;
  private brokenTurn: string | null = null;
  private readingOlder = false;
  private flushing = false;
  private restarting = false;
  private sendFailures = 0;
  private retryTimer = 0;
  private typingTimer = 0;
  private typingToldAt = 0;

  constructor(private readonly options: ChatOptions) {
    this.storage = new Storage(options.agent, options.base);
    this.state.outbox = this.storage.outbox.map((o) => ({ ...o, state: 'waiting' }));
    this.link = new Link({
      base: options.base,
      token: () => this.storage.token,
      after: () => this.cursor,
      onFrame: (frame) => this.onFrame(frame),
      onState: (link) => this.onLink(link),
      onRefused: () => void this.begin({ forget: true }),
    });
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Has this device an open conversation that can be continued? */
  get hasHistory(): boolean {
    return this.storage.token !== null;
  }
  get wasOpen(): boolean {
    return this.storage.open;
  }
  rememberOpen(open: boolean): void {
    this.storage.open = open;
  }
  get isOver(): boolean {
    return over.has(this.state.status);
  }

  async start(): Promise<void> {
    if (this.state.phase === 'starting' || this.state.phase === 'ready') return;
    await this.begin({});
  }

  stop(): void {
    this.link.stop();
    clearTimeout(this.retryTimer);
    this.set({ phase: 'idle' });
  }

  /** Continues on this device the conversation for which another one shows the code. */
  async join(code: string): Promise<boolean> {
    return this.begin({ pairing_code: code.trim().toUpperCase() });
  }

  private async begin(how: { forget?: boolean; pairing_code?: string }): Promise<boolean> {
    this.link.stop();
    const notice = how.forget && this.storage.token ? 'lost' : null;
    if (how.forget) this.forget();
    if (this.state.phase !== 'ready') this.set({ phase: 'starting', problem: null });
    const request: Record<string, unknown> = { agent: this.options.agent };
    if (this.options.contact) request.contact = this.options.contact;
    if (how.pairing_code) request.pairing_code = how.pairing_code;
    else if (this.storage.token) request.token = this.storage.token;
    const answer = await this.post<SessionDocument>('chat/sessions', request);
    if (answer.ok) {
      if (how.pairing_code) this.forget();
      this.adopt(answer.value);
      if (notice) this.set({ notice: 'The earlier conversation has ended. This is a new one.' });
      this.link.start();
      void this.flush();
      return true;
    }
    if (!how.pairing_code && this.storage.token && [401, 404, 410].includes(answer.status))
      return this.begin({ forget: true });
    if (how.pairing_code) {
      const why = answer.status === 0 ? answer.problem : 'This code is wrong or has expired.';
      this.set({ notice: why, phase: this.state.agent ? 'ready' : 'failed', problem: why });
      if (this.storage.token) this.link.start();
      return false;
    }
    this.set({ phase: 'failed', problem: answer.problem });
    return false;
  }

  private forget(): void {
    this.storage.token = null;
    this.cursor = 0;
    this.set({
      messages: [],
      older: null,
      draft: null,
      typing: null,
      waiting: false,
      pairing: null,
    });
  }

  private adopt(document: SessionDocument): void {
    if (document.token) this.storage.token = document.token;
    const messages = (document.messages ?? []).map(normal).sort((a, b) => a.seq - b.seq);
    this.cursor = messages.reduce((most, m) => Math.max(most, m.seq), 0);
    this.set({
      phase: 'ready',
      problem: null,
      agent: document.agent,
      messages,
      older: document.older_cursor ?? null,
      owner: document.owner ?? 'ai',
      member: document.member ?? null,
      status: document.status ?? 'active',
      draft: null,
      typing: null,
    });
    this.settle(messages);
    this.onState({});
  }

  /** Reads the page of messages before those that are here. */
  async readOlder(): Promise<void> {
    const { older } = this.state;
    if (older === null || this.readingOlder) return;
    this.readingOlder = true;
    const token = this.storage.token ?? '';
    const query = new URLSearchParams({ token, before: older });
    const answer = await this.ask<MessagePage>('GET', `chat/messages?${query.toString()}`);
    this.readingOlder = false;
    // Meanwhile another conversation may have begun.
    if (token !== this.storage.token) return;
    if (!answer.ok) return this.set({ notice: answer.problem });
    const known = new Set(this.state.messages.map((m) => m.id));
    const before = answer.value.items.map(normal).filter((m) => !known.has(m.id));
    this.set({ messages: [...before, ...this.state.messages], older: answer.value.next_cursor });
  }

  async restart(): Promise<void> {
    this.restarting = true;
    const answer = await this.post<SessionDocument>('chat/restart', { token: this.storage.token });
    this.restarting = false;
    if (!answer.ok) return this.set({ notice: answer.problem });
    this.link.stop();
    this.cursor = 0;
    this.storage.outbox = [];
    this.brokenTurn = null;
    const card = this.state.agent as AgentCard;
    this.set({ outbox: [], waiting: false, pairing: null, notice: null, member: null });
    this.adopt({ ...answer.value, agent: answer.value.agent ?? card });
    this.link.start();
  }

  async handover(): Promise<void> {
    const before = this.state.waiting;
    this.set({ waiting: true });
    const answer = await this.post('chat/handover', { token: this.storage.token });
    if (!answer.ok) this.set({ waiting: before, notice: answer.problem });
  }

  async pair(): Promise<void> {
    const answer = await this.post<{ code: string; expires_at: number }>('chat/pairing', {
      token: this.storage.token,
    });
    if (answer.ok) this.set({ pairing: answer.value });
    else this.set({ notice: answer.problem });
  }

  endPairing(): void {
    this.set({ pairing: null });
  }
  dismissNotice(): void {
    this.set({ notice: null });
  }

  /** Tells the other side that the visitor writes, at most every few seconds. */
  tellTyping(): void {
    const now = performance.now();
    if (this.state.phase !== 'ready' || now - this.typingToldAt < typingToldMs) return;
    this.typingToldAt = now;
    if (!this.link.push({ type: 'typing' }) && this.state.link !== 'offline')
      void this.post('chat/typing', { token: this.storage.token });
  }

  send(text: string): void {
    const trimmed = text.trim();
    if (!trimmed) return;
    const entry: Outgoing = {
      client_id: newId(),
      text: trimmed,
      created_at: Date.now(),
      state: 'sending',
    };
    this.keepOutbox([...this.state.outbox, entry]);
    void this.flush();
  }

  retry(clientId: string): void {
    this.keepOutbox(
      this.state.outbox.map((o) =>
        o.client_id === clientId ? { ...o, state: 'waiting', reason: undefined } : o,
      ),
    );
    void this.flush();
  }

  discard(clientId: string): string {
    const entry = this.state.outbox.find((o) => o.client_id === clientId);
    this.keepOutbox(this.state.outbox.filter((o) => o.client_id !== clientId));
    return entry?.text ?? '';
  }

  /** Sends what is queued, one after the other, so that order survives a bad line. */
  private async flush(): Promise<void> {
    if (this.flushing || this.state.phase !== 'ready') return;
    this.flushing = true;
    clearTimeout(this.retryTimer);
    try {
      for (;;) {
        const next = this.state.outbox.find((o) => o.state !== 'failed');
        if (!next) break;
        this.mark(next.client_id, 'sending');
        const answer = await this.post<{ message: Message }>('chat/messages', {
          token: this.storage.token,
          client_id: next.client_id,
          text: next.text,
        });
        if (answer.ok) {
          this.sendFailures = 0;
          this.settleOne(next.client_id, answer.value.message);
          continue;
        }
        if (answer.status === 401 || answer.status === 404 || answer.status === 410) {
          this.mark(next.client_id, 'waiting');
          this.flushing = false;
          await this.begin({ forget: true });
          return;
        }
        if (
          answer.status >= 400 &&
          answer.status < 500 &&
          answer.status !== 429 &&
          answer.status !== 408
        ) {
          this.mark(next.client_id, 'failed', answer.problem);
          continue;
        }
        this.mark(next.client_id, 'waiting');
        const pause = Math.min(retryMs.most, retryMs.first * 2 ** this.sendFailures);
        this.sendFailures += 1;
        this.retryTimer = window.setTimeout(
          () => void this.flush(),
          Math.max(answer.retryAfterMs, pause),
        );
        break;
      }
    } finally {
      this.flushing = false;
    }
  }

  private mark(clientId: string, state: Outgoing['state'], reason?: string): void {
    this.keepOutbox(
      this.state.outbox.map((o) => (o.client_id === clientId ? { ...o, state, reason } : o)),
    );
  }

  private keepOutbox(outbox: Outgoing[]): void {
    this.storage.outbox = outbox;
    this.set({ outbox });
  }

  private settleOne(clientId: string, message: Message | undefined): void {
    if (message) this.upsert({ ...normal(message), client_id: clientId });
    this.keepOutbox(this.state.outbox.filter((o) => o.client_id !== clientId));
  }

  /** Takes out of the queue what the server turns out to hold already. */
  private settle(messages: Message[]): void {
    const known = new Set(messages.map((m) => m.client_id).filter(Boolean));
    const left = this.state.outbox.filter((o) => !known.has(o.client_id));
    if (left.length !== this.state.outbox.length) this.keepOutbox(left);
  }

  private upsert(message: Message): void {
    const messages = this.state.messages.filter((m) => m.id !== message.id);
    messages.push(message);
    messages.sort((a, b) => a.seq - b.seq);
    this.set({ messages });
  }

  private onLink(link: LinkState): void {
    if (link === 'connecting' || link === 'offline') {
      // Pieces sent while the line was down are missing: the rest of this turn is not shown piecemeal.
      this.brokenTurn = this.state.draft?.turn ?? this.brokenTurn;
      this.set({ link, draft: null, typing: null });
    } else {
      this.set({ link });
      this.sendFailures = 0;
      void this.flush();
    }
  }

  private onFrame(frame: Frame): void {
    switch (frame.type) {
      case 'hello':
      case 'owner':
      case 'status':
        return this.onState(frame);
      case 'message':
        return this.onMessage(frame.message);
      case 'delta':
        return this.onDelta(frame.turn, frame.text);
      case 'retract':
        if (this.state.draft?.turn === frame.turn) this.set({ draft: null });
        return;
      case 'typing':
        return this.onTyping(frame.who, frame.name ?? '');
      case 'restart':
        // Another device of the same contact started over.
        if (!this.restarting) void this.begin({});
        return;
      case 'error':
        this.set({ notice: sentence(frame.detail ?? 'Something went wrong. Please try again.') });
        return;
      case 'pong':
        return;
    }
  }

  private onMessage(message: Message): void {
    if (message.role === 'note') return;
    this.cursor = Math.max(this.cursor, message.seq);
    if (message.role === 'contact') {
      if (message.client_id)
        this.keepOutbox(this.state.outbox.filter((o) => o.client_id !== message.client_id));
    } else {
      clearTimeout(this.typingTimer);
      this.set({ typing: null });
    }
    if (message.role === 'ai') this.set({ draft: null });
    this.upsert(message);
  }

  private onDelta(turn: string, text: string): void {
    if (turn === this.brokenTurn) return this.onTyping('ai', '');
    const draft = this.state.draft;
    const soFar = draft?.turn === turn ? draft.text : '';
    this.set({ draft: { turn, text: soFar + text }, typing: null });
  }

  private onTyping(who: 'ai' | 'member', name: string): void {
    if (who === 'ai' && this.state.draft) return;
    clearTimeout(this.typingTimer);
    this.set({ typing: { who, name } });
    this.typingTimer = window.setTimeout(() => this.set({ typing: null }), typingShownMs);
  }

  /** Who answers, as one of the frames that tell it says; each may leave parts out. */
  private onState(frame: {
    owner?: Owner;
    status?: string;
    member?: { name: string } | null;
  }): void {
    const owner = frame.owner ?? this.state.owner;
    const status = frame.status ?? this.state.status;
    let member = frame.member === undefined ? this.state.member : frame.member;
    if (owner === 'ai' || status === 'escalated') member = frame.member ?? null;
    else member ??= memberOf(this.state.messages, owner);
    const draft = owner === 'human' ? null : this.state.draft;
    this.set({ owner, status, member, draft, waiting: status === 'escalated' && !member });
  }

  private set(change: Partial<ChatState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  private post<T>(path: string, body: unknown): Promise<Answer<T>> {
    return this.ask('POST', path, body);
  }

  private async ask<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), sendTimeoutMs);
    try {
      const response = await fetch(`${this.options.base}/${path}`, {
        method,
        ...(body !== undefined && {
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        }),
        signal: abort.signal,
      });
      const text = await response.text();
      if (response.ok) return { ok: true, value: (text ? JSON.parse(text) : null) as T };
      return refusal(response, text);
    } catch {
      return { ok: false, status: 0, retryAfterMs: 0, problem: 'No connection right now.' };
    } finally {
      clearTimeout(timer);
    }
  }
}

type Answer<T> =
  { ok: true; value: T } | { ok: false; status: number; retryAfterMs: number; problem: string };

function refusal(response: Response, text: string): Answer<never> {
  let problem = 'Something went wrong. Please try again.';
  try {
    const body = JSON.parse(text) as Partial<Problem>;
    problem = sentence(body.detail ?? body.title ?? problem);
  } catch {
    // Not a problem document: a proxy answered, the general sentence has to do.
  }
  const retryAfterMs = Number(response.headers.get('Retry-After') ?? 0) * 1000 || 0;
  return { ok: false, status: response.status, retryAfterMs, problem };
}

function memberOf(messages: Message[], owner: Owner | undefined): { name: string } | null {
  if (owner !== 'human') return null;
  return [...messages].reverse().find((m) => m.role === 'member')?.author ?? null;
}

function newId(): string {
  // randomUUID exists only on secure origins; a widget may be tried out on plain http.
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
