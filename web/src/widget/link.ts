/**
 * The live line from the server to the chat. It climbs down a ladder: WebSocket, then an event
 * stream, then polling, because proxies and company networks break the upper rungs. Whatever rung
 * carries it, frames arrive in order and a lost line resumes after the last sequence number seen.
 */
import { readFrame, type Frame, type Message } from './wire';

export type Rung = 'websocket' | 'events' | 'polling';
export type LinkState = 'connecting' | Rung | 'offline';

export interface LinkEnds {
  /** Address of the API without a trailing slash, e.g. https://host/api/v1 */
  base: string;
  token(): string | null;
  /** The greatest sequence number that the chat holds. */
  after(): number;
  onFrame(frame: Frame): void;
  onState(state: LinkState): void;
  /** The server does not know the token any more. */
  onRefused(): void;
}

const ladder: Rung[] = ['websocket', 'events', 'polling'];
const openTimeoutMs = 6_000;
const pollWaitMs = 20_000;
const pollPauseMs = 1_500;
const pingEveryMs = 25_000;
const silenceMs = 70_000;
const climbAfterMs = 120_000;
const backOffMs = { first: 800, most: 30_000 };

const frameEvents = ['hello', 'delta', 'typing', 'retract', 'owner', 'status', 'restart', 'pong'];

export class Link {
  private stopped = true;
  private generation = 0;
  private attempts = 0;
  private firstRung = 0;
  private socket: WebSocket | null = null;
  private events: EventSource | null = null;
  private polling: AbortController | null = null;
  private timers = new Set<number>();
  private state: LinkState = 'connecting';
  private lastHeardMs = 0;
  private answersPings = false;

  constructor(private readonly ends: LinkEnds) {}

  start(): void {
    this.stop();
    this.stopped = false;
    this.attempts = 0;
    this.firstRung = 0;
    addEventListener('online', this.wake);
    document.addEventListener('visibilitychange', this.wake);
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
    removeEventListener('online', this.wake);
    document.removeEventListener('visibilitychange', this.wake);
  }

  /** Sends a frame if the line carries frames in this direction; says whether it did. */
  push(frame: { type: string }): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  private readonly wake = (): void => {
    if (this.stopped || document.visibilityState === 'hidden') return;
    const silent = performance.now() - this.lastHeardMs > silenceMs;
    if (this.state === 'offline' || (silent && this.state !== 'connecting')) {
      this.attempts = 0;
      this.drop();
      void this.connect();
    }
  };

  private set(state: LinkState): void {
    if (state === this.state) return;
    this.state = state;
    this.ends.onState(state);
  }

  private later(ms: number, run: () => void): void {
    const timer = window.setTimeout(() => {
      this.timers.delete(timer);
      run();
    }, ms);
    this.timers.add(timer);
  }

  /** Leaves every rung; what was under way belongs to an old generation and is ignored. */
  private drop(): void {
    this.generation += 1;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    if (this.socket) {
      this.socket.onclose = this.socket.onmessage = this.socket.onerror = null;
      this.socket.close();
    }
    this.events?.close();
    this.polling?.abort();
    this.socket = this.events = this.polling = null;
  }

  private async connect(): Promise<void> {
    const generation = this.generation;
    if (this.state !== 'offline') this.set('connecting');
    for (let rung = this.firstRung; rung < ladder.length; rung += 1) {
      const name = ladder[rung] as Rung;
      const stands = await this.climb(name, generation);
      if (generation !== this.generation || this.stopped) return;
      if (!stands) continue;
      this.firstRung = rung;
      this.attempts = 0;
      this.heard();
      this.set(name);
      if (rung > 0) this.later(climbAfterMs, () => void this.climbAgain());
      return;
    }
    this.firstRung = 0;
    this.set('offline');
    this.retry();
  }

  private climb(rung: Rung, generation: number): Promise<boolean> {
    if (rung === 'websocket') return this.openSocket(generation);
    if (rung === 'events') return this.openEvents(generation);
    return this.openPolling(generation);
  }

  private retry(): void {
    const ceiling = Math.min(backOffMs.most, backOffMs.first * 2 ** this.attempts);
    this.attempts += 1;
    // Full jitter: a restarted server is not met by every open page in the same moment.
    this.later(ceiling / 2 + (Math.random() * ceiling) / 2, () => void this.connect());
  }

  private lost(generation: number): void {
    if (generation !== this.generation || this.stopped) return;
    this.drop();
    this.set('connecting');
    this.retry();
  }

  /** A lower rung works: look from time to time whether the network lets a WebSocket through. */
  private async climbAgain(): Promise<void> {
    const probe = new WebSocket(this.address('ws'));
    const open = await new Promise<boolean>((resolve) => {
      probe.onopen = () => resolve(true);
      probe.onerror = () => resolve(false);
      setTimeout(() => resolve(false), openTimeoutMs);
    });
    probe.onopen = probe.onerror = null;
    probe.close();
    if (this.stopped || this.firstRung === 0) return;
    if (open) {
      this.firstRung = 0;
      this.drop();
      void this.connect();
    } else {
      this.later(climbAfterMs, () => void this.climbAgain());
    }
  }

  private address(rung: 'ws' | 'events' | 'messages', extra = ''): string {
    const token = encodeURIComponent(this.ends.token() ?? '');
    const url = `${this.ends.base}/chat/${rung}?token=${token}&after=${this.ends.after()}${extra}`;
    return rung === 'ws' ? url.replace(/^http/, 'ws') : url;
  }

  private heard(): void {
    this.lastHeardMs = performance.now();
  }

  private take(frame: Frame | null): void {
    if (!frame) return;
    this.heard();
    if (frame.type === 'pong') this.answersPings = true;
    else this.ends.onFrame(frame);
  }

  private openSocket(generation: number): Promise<boolean> {
    return new Promise((resolve) => {
      let socket: WebSocket;
      try {
        socket = new WebSocket(this.address('ws'));
      } catch {
        resolve(false);
        return;
      }
      this.socket = socket;
      let open = false;
      const giveUp = () => {
        if (open) return this.lost(generation);
        socket.onclose = socket.onmessage = null;
        socket.close();
        if (this.socket === socket) this.socket = null;
        resolve(false);
      };
      this.later(openTimeoutMs, () => {
        if (!open) giveUp();
      });
      socket.onclose = (event) => {
        if (open && event.code === 4401) this.ends.onRefused();
        giveUp();
      };
      // A proxy may let the socket open and pass nothing: only a first frame proves the rung.
      socket.onmessage = (event) => {
        const frame = typeof event.data === 'string' ? readFrame(event.data) : null;
        if (!open && frame) {
          open = true;
          resolve(true);
          this.ping(generation);
        }
        this.take(frame);
      };
    });
  }

  private ping(generation: number): void {
    this.later(pingEveryMs, () => {
      if (generation !== this.generation) return;
      const silent = performance.now() - this.lastHeardMs > silenceMs;
      if (this.answersPings && silent) return this.lost(generation);
      this.push({ type: 'ping' });
      this.ping(generation);
    });
  }

  private openEvents(generation: number): Promise<boolean> {
    return new Promise((resolve) => {
      const events = new EventSource(this.address('events'));
      this.events = events;
      let open = false;
      const giveUp = () => {
        events.close();
        if (this.events === events) this.events = null;
        if (open) this.lost(generation);
        else resolve(false);
      };
      this.later(openTimeoutMs, () => {
        if (!open) giveUp();
      });
      // The browser would reconnect with the address of the start; resuming needs a new `after`.
      events.onerror = giveUp;
      const take = (event: MessageEvent<string>, name?: string) => {
        const frame = readFrame(event.data, name);
        if (frame && !open) {
          open = true;
          resolve(true);
        }
        this.take(frame);
      };
      events.onmessage = (event) => take(event as MessageEvent<string>, 'message');
      for (const name of frameEvents)
        events.addEventListener(name, (event) => take(event as MessageEvent<string>, name));
    });
  }

  private async openPolling(generation: number): Promise<boolean> {
    const first = await this.poll(generation, 0);
    if (!first || generation !== this.generation) return false;
    void (async () => {
      while (generation === this.generation && !this.stopped) {
        const asked = performance.now();
        if (!(await this.poll(generation, pollWaitMs))) return this.lost(generation);
        // A server may answer at once instead of waiting for news.
        const rest = pollPauseMs - (performance.now() - asked);
        if (rest > 0) await new Promise((done) => setTimeout(done, rest));
      }
    })();
    return true;
  }

  private async poll(generation: number, waitMs: number): Promise<boolean> {
    const abort = new AbortController();
    this.polling = abort;
    const timer = setTimeout(() => abort.abort(), waitMs + 15_000);
    try {
      const response = await fetch(this.address('messages', `&wait_ms=${waitMs}`), {
        signal: abort.signal,
        cache: 'no-store',
      });
      if (generation !== this.generation) return false;
      if (response.status === 401 || response.status === 404) {
        this.ends.onRefused();
        return false;
      }
      if (!response.ok) return false;
      const body = (await response.json()) as Partial<PolledDocument>;
      if (generation !== this.generation) return false;
      this.takePolled(body);
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  private takePolled(body: Partial<PolledDocument>): void {
    this.heard();
    for (const message of body.items ?? [])
      this.take(readFrame(JSON.stringify({ type: 'message', message })));
    const { owner, status, member } = body;
    if (owner && status) this.take({ type: 'owner', owner, status, ...(member ? { member } : {}) });
  }
}

interface PolledDocument {
  items: Message[];
  owner: 'ai' | 'human';
  member: { name: string } | null;
  status: string;
}
