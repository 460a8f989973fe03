/**
 * The WebSocket of live views: events of the org, and the pieces of answers of the conversation
 * that is being watched. Reconnects by itself; who listens is told when it was away, to read anew.
 */
import {
  createContext,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from 'react';
import { currentToken, renew } from './http';
import type { EventDocument } from './types';

export type LiveFrame =
  | ({ type: 'event' } & EventDocument)
  | { type: 'delta'; conversation_id: string; turn: string; text: string }
  | { type: 'retract'; conversation_id: string; turn: string }
  | { type: 'typing'; conversation_id: string; who: string; name?: string }
  | { type: 'back' };

export type LiveState = 'connecting' | 'live' | 'away';

const firstPauseMs = 700;
const mostPauseMs = 20_000;
const pingEveryMs = 25_000;

export class LiveLine {
  state: LiveState = 'connecting';
  private socket: WebSocket | null = null;
  private readonly listeners = new Set<(frame: LiveFrame) => void>();
  private readonly stateListeners = new Set<(state: LiveState) => void>();
  private watching: string | null = null;
  private failures = 0;
  private timer = 0;
  private pingTimer = 0;
  private wasLive = false;
  private closed = true;

  open(): void {
    this.closed = false;
    addEventListener('online', this.hurry);
    this.connect();
  }

  close(): void {
    this.closed = true;
    removeEventListener('online', this.hurry);
    clearTimeout(this.timer);
    clearInterval(this.pingTimer);
    this.socket?.close();
    this.socket = null;
  }

  listen(listener: (frame: LiveFrame) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onState(listener: (state: LiveState) => void): () => void {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  }

  /** One conversation at a time: looking at another one ends the watch over the first. */
  watch(conversationId: string | null): void {
    if (this.watching && this.watching !== conversationId) this.push({ type: 'unwatch' });
    this.watching = conversationId;
    if (conversationId) this.push({ type: 'watch', conversation_id: conversationId });
  }

  push(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN && this.state === 'live')
      this.socket.send(JSON.stringify(frame));
  }

  private readonly hurry = (): void => {
    if (this.state === 'live') return;
    clearTimeout(this.timer);
    this.connect();
  };

  private set(state: LiveState): void {
    if (state === this.state) return;
    this.state = state;
    for (const listener of this.stateListeners) listener(state);
  }

  private connect(): void {
    if (this.closed) return;
    this.socket?.close();
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/live`);
    this.socket = socket;
    socket.onopen = () =>
      socket.send(JSON.stringify({ type: 'auth', token: currentToken() ?? '' }));
    socket.onmessage = (event) => this.take(socket, String(event.data));
    socket.onclose = (event) => this.lost(socket, event.code);
  }

  private take(socket: WebSocket, text: string): void {
    if (socket !== this.socket) return;
    let frame: { type?: string } | null = null;
    try {
      frame = JSON.parse(text) as { type?: string };
    } catch {
      return;
    }
    if (frame?.type === 'ready') return this.ready();
    if (frame && ['event', 'delta', 'retract', 'typing'].includes(frame.type ?? ''))
      for (const listener of this.listeners) listener(frame as LiveFrame);
  }

  private ready(): void {
    this.failures = 0;
    this.set('live');
    if (this.watching) this.watch(this.watching);
    clearInterval(this.pingTimer);
    this.pingTimer = window.setInterval(() => this.push({ type: 'ping' }), pingEveryMs);
    if (this.wasLive) for (const listener of this.listeners) listener({ type: 'back' });
    this.wasLive = true;
  }

  private lost(socket: WebSocket, code: number): void {
    if (socket !== this.socket || this.closed) return;
    this.socket = null;
    clearInterval(this.pingTimer);
    this.set('away');
    const ceiling = Math.min(mostPauseMs, firstPauseMs * 2 ** this.failures);
    this.failures += 1;
    this.timer = window.setTimeout(
      () => {
        // The token may have run out while the line was open.
        if (code === 4401 || this.failures > 1)
          void renew()
            .catch(() => null)
            .then(() => this.connect());
        else this.connect();
      },
      ceiling / 2 + (Math.random() * ceiling) / 2,
    );
  }
}

const LiveContext = createContext<LiveLine | null>(null);

export function LiveProvider({ children }: { children: ReactNode }) {
  const line = useMemo(() => new LiveLine(), []);
  useEffect(() => {
    line.open();
    return () => line.close();
  }, [line]);
  return <LiveContext.Provider value={line}>{children}</LiveContext.Provider>;
}

export function useLiveLine(): LiveLine {
  const line = useContext(LiveContext);
  if (!line) throw new Error('useLiveLine outside of LiveProvider');
  return line;
}

/** Calls the newest `listener` with every frame, without resubscribing at each render. */
export function useLive(listener: (frame: LiveFrame) => void): void {
  const line = useLiveLine();
  const newest = useRef(listener);
  newest.current = listener;
  useEffect(() => line.listen((frame) => newest.current(frame)), [line]);
}

export function useLiveState(): LiveState {
  const line = useLiveLine();
  const [state, setState] = useState(line.state);
  useEffect(() => {
    setState(line.state);
    return line.onState(setState);
  }, [line]);
  return state;
}
