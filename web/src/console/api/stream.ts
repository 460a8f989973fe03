/** Server-sent events over fetch, because EventSource cannot carry an Authorization header. */
import { address, currentToken, Problem, problemOf, renew, type Options } from './http';

export interface StreamEvent {
  id: string | null;
  event: string;
  data: unknown;
}

/** What is asked for: a GET, or with a body a POST that answers as a stream. */
export interface StreamRequest {
  path: string;
  query?: Options['query'];
  body?: unknown;
}

/** Reads until the stream ends or is aborted; resolves at its end and throws a Problem on refusal. */
export async function readStream(
  request: StreamRequest,
  signal: AbortSignal,
  onEvent: (event: StreamEvent) => void,
): Promise<void> {
  let response = await open(request, signal);
  if (response.status === 401 && (await renew())) response = await open(request, signal);
  if (!response.ok || !response.body)
    throw problemOf(response, await response.json().catch(() => null));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = readBlock(block);
      if (event) onEvent(event);
    }
  }
}

async function open({ path, query, body }: StreamRequest, signal: AbortSignal): Promise<Response> {
  const posts = body !== undefined;
  try {
    return await fetch(address(path, query), {
      method: posts ? 'POST' : 'GET',
      body: posts ? JSON.stringify(body) : null,
      signal,
      headers: {
        Accept: 'text/event-stream',
        Authorization: `Bearer ${currentToken() ?? ''}`,
        ...(posts ? { 'Content-Type': 'application/json' } : {}),
      },
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem(0, 'offline', 'The server cannot be reached.', 'No connection', null);
  }
}

function readBlock(block: string): StreamEvent | null {
  let event = 'message';
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const match = /^(event|id|data):\s?(.*)$/.exec(line);
    if (match?.[1] === 'event') event = match[2] ?? event;
    else if (match?.[1] === 'id') id = match[2] ?? null;
    else if (match?.[1] === 'data') data.push(match[2] ?? '');
  }
  if (data.length === 0) return null;
  try {
    return { id, event, data: JSON.parse(data.join('\n')) as unknown };
  } catch {
    return null;
  }
}
