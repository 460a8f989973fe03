/**
 * One way to the API: adds the access token, renews it once when it has expired, and turns every
 * failure into a `Problem` that a page can show as it is.
 */
import { sentence } from '../../sentence';
import type { SignedIn } from './types';

const base = '/api/v1';
const hintKey = 'rapport-signed-in';

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly title: string,
    readonly requestId: string | null,
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail);
    this.name = 'Problem';
  }
}

/**
 * The session of this tab. It is kept in the tab's storage, so that a reload needs no new refresh
 * token: one that the server gave and a reload lost would look like a stolen one.
 */
interface Kept extends SignedIn {
  expires_at: number;
}
const tabKey = 'rapport-session';
const marginMs = 60_000;
let session: Kept | null = readKept();
let renewing: Promise<SignedIn | null> | null = null;
let onSignedOut: () => void = () => undefined;

export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}
export function currentToken(): string | null {
  return session?.access_token ?? null;
}
/** Who this tab is signed in as, while its access token lasts. */
export function currentSession(): SignedIn | null {
  return session && session.expires_at - marginMs > Date.now() ? session : null;
}

function readKept(): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(tabKey) ?? 'null') as Kept | null;
  } catch {
    return null;
  }
}

function keep(answer: SignedIn | null): void {
  const before = session;
  session = answer && { ...answer, expires_at: Date.now() + answer.expires_in * 1000 };
  remember(session !== null);
  try {
    if (session) sessionStorage.setItem(tabKey, JSON.stringify(session));
    else sessionStorage.removeItem(tabKey);
  } catch {
    // Without storage the session lasts until the page is left.
  }
  // Another tab signed in as somebody else: nothing of the one before may stay on the screen.
  if (before && session && before.member.id !== session.member.id) location.reload();
}

/** Signing out in one tab signs out all of them. */
export function followOtherTabs(): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key !== hintKey || event.newValue !== null) return;
    keep(null);
    onSignedOut();
  };
  addEventListener('storage', onStorage);
  return () => removeEventListener('storage', onStorage);
}

/** Says whether this browser was signed in before, so that a first visit asks nothing in vain. */
export function wasSignedIn(): boolean {
  try {
    return localStorage.getItem(hintKey) === '1';
  } catch {
    return true;
  }
}
function remember(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(hintKey, '1');
    else localStorage.removeItem(hintKey);
  } catch {
    // A blocked storage only costs one needless request at the next visit.
  }
}

export async function signIn(email: string, password: string, org: string): Promise<SignedIn> {
  const answer = await send<SignedIn>('POST', '/auth/login', {
    body: { email, password, session: 'cookie', ...(org ? { org } : {}) },
    anonymous: true,
  });
  session = null;
  keep(answer);
  return answer;
}

export async function signOut(): Promise<void> {
  await send('POST', '/auth/logout', { body: {} }).catch(() => undefined);
  keep(null);
}

/**
 * Renews the session by its cookie. The refresh token changes with every use, and one that is used
 * twice ends the session, so the tabs of a browser take turns.
 */
export function renew(): Promise<SignedIn | null> {
  renewing ??= inTurn(async () => {
    try {
      const answer = await send<SignedIn>('POST', '/auth/refresh', { body: {}, anonymous: true });
      keep(answer);
      return answer;
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
        keep(null);
        return null;
      }
      throw error;
    }
  }).finally(() => {
    renewing = null;
  });
  return renewing;
}

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (!('locks' in navigator)) return work();
  return navigator.locks.request('rapport-refresh', work) as Promise<T>;
}

export interface Options {
  query?: Record<string, string | number | null | undefined> | undefined;
  body?: unknown;
  form?: FormData;
  /** Bytes to send as they are; their type is among the headers. */
  content?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  anonymous?: boolean;
}

export interface Answer<T> {
  value: T;
  etag: string | null;
}

export async function get<T>(path: string, options: Options = {}): Promise<T> {
  return (await request<T>('GET', path, options)).value;
}
export async function post<T>(path: string, body: unknown = {}, options: Options = {}): Promise<T> {
  // A repeated click or a retried request must not do the same thing twice.
  const headers = {
    'Idempotency-Key': crypto.randomUUID?.() ?? String(Math.random()),
    ...options.headers,
  };
  return (await request<T>('POST', path, { ...options, body, headers })).value;
}
/** A file of the API, with the name that the server gives it, if it gives one. */
export async function getFile(
  path: string,
  query: Options['query'],
): Promise<{ name: string | null; content: Blob }> {
  const load = () =>
    fetch(address(path, query), { headers: { Authorization: `Bearer ${currentToken() ?? ''}` } });
  let response = await load();
  if (response.status === 401 && (await renew())) response = await load();
  if (!response.ok) throw problemOf(response, await response.json().catch(() => null));
  const named = /filename="?([^";]+)"?/.exec(response.headers.get('Content-Disposition') ?? '');
  return { name: named?.[1] ?? null, content: await response.blob() };
}
export async function remove(path: string): Promise<void> {
  await request('DELETE', path, {});
}

export async function request<T>(
  method: string,
  path: string,
  options: Options,
): Promise<Answer<T>> {
  try {
    return await sendFull<T>(method, path, options);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401 || options.anonymous) throw error;
    if (!(await renew())) {
      onSignedOut();
      throw error;
    }
    return sendFull<T>(method, path, options);
  }
}

async function send<T>(method: string, path: string, options: Options): Promise<T> {
  return (await sendFull<T>(method, path, options)).value;
}

async function sendFull<T>(method: string, path: string, options: Options): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
  const token = currentToken();
  if (token && !options.anonymous) headers.Authorization = `Bearer ${token}`;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      body:
        options.form ??
        options.content ??
        (options.body === undefined ? null : JSON.stringify(options.body)),
      signal: options.signal ?? null,
      credentials: 'same-origin',
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, 'offline', 'The server cannot be reached.', 'No connection', null);
  }
  const text = await response.text();
  const value = parse(text);
  if (!response.ok) throw problemOf(response, value);
  return { value: value as T, etag: response.headers.get('ETag') };
}

export function address(path: string, query: Options['query'] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
  const text = parameters.toString();
  return `${base}${path}${text ? `?${text}` : ''}`;
}

function parse(text: string): unknown {
  if (!text) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

export function problemOf(response: Response, value: unknown): Problem {
  const body = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const word = (name: string, fallback: string) =>
    typeof body[name] === 'string' && body[name] ? (body[name] as string) : fallback;
  const title = word('title', response.statusText || 'Something went wrong');
  return new Problem(
    response.status,
    word('code', 'unknown'),
    sentence(word('detail', title)),
    title,
    word('request_id', response.headers.get('X-Request-Id') ?? '') || null,
    body,
  );
}
