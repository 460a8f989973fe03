/** Which conversations this member has looked at, kept in this browser: makes rows bold. */
import { useSyncExternalStore } from 'react';
import type { Conversation } from '../api/types';

const key = 'rapport-seen';
const keptEntries = 500;

interface Seen {
  /** Nothing older than the first visit counts as unread. */
  since: number;
  at: Record<string, number>;
}

let seen: Seen = read();
const listeners = new Set<() => void>();

function read(): Seen {
  try {
    const value = JSON.parse(localStorage.getItem(key) ?? 'null') as Seen | null;
    if (value && typeof value.since === 'number' && typeof value.at === 'object') return value;
  } catch {
    // Damaged or blocked storage: begin anew.
  }
  return { since: Date.now(), at: {} };
}

export function markSeen(id: string, at: number): void {
  if ((seen.at[id] ?? 0) >= at) return;
  const newest = Object.entries({ ...seen.at, [id]: at })
    .sort((a, b) => b[1] - a[1])
    .slice(0, keptEntries);
  seen = { since: seen.since, at: Object.fromEntries(newest) };
  try {
    localStorage.setItem(key, JSON.stringify(seen));
  } catch {
    // Then it holds until the page is closed.
  }
  for (const listener of listeners) listener();
}

export function useSeen(): (conversation: Conversation) => boolean {
  const now = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => seen,
  );
  return (conversation) => {
    const last = conversation.last_message;
    if (!last || last.role === 'member') return true;
    return last.created_at <= Math.max(now.since, now.at[conversation.id] ?? 0);
  };
}
