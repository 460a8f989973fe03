// The wire format of Anthropic's Messages API: requests into turns, replies into messages and
// streamed events. The facts are those of the vendor's public SDKs: API version 2023-06-01, and
// 2026-10-21 in what they share.
import { createHash } from 'node:crypto';
import { blocksOf, checkBody, promptParts } from './anthropic_check.js';
import { limitText, piecesOf, tokensOf, valueOf } from './text.js';

export const BODY_MAX_BYTES = 32 * 1024 * 1024;

const STATUS_TYPES = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  503: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};
const MESSAGES = {
  rate_limit_error: "This request would exceed your organization's rate limit.",
  overloaded_error: 'Overloaded',
  api_error: 'Internal server error',
  billing_error: 'Your credit balance is too low to access the API.',
};
// The newer version took the sampling parameters out of the request; all else here is the same.
export const VERSIONS = {
  '2023-01-01': [],
  '2023-06-01': [],
  '2026-10-21': ['temperature', 'top_p', 'top_k'],
};

export function errorBody(status, { type, message } = {}, requestId = null) {
  const kind = type ?? STATUS_TYPES[status] ?? 'api_error';
  const error = { type: kind, message: message ?? MESSAGES[kind] ?? kind };
  return { type: 'error', error, request_id: requestId };
}

export const errorEvent = (fault) => ({
  event: 'error',
  data: { ...errorBody(529, { type: 'overloaded_error', ...fault }), request_id: undefined },
});

export const idHeader = 'request-id';

export function limitHeaders() {
  return {
    'anthropic-organization-id': 'fake-organization',
    'anthropic-ratelimit-requests-limit': '1000',
    'anthropic-ratelimit-requests-remaining': '999',
    'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:00Z',
  };
}

const signatureOf = (thinking) => createHash('sha256').update(`fake:${thinking}`).digest('base64');

/** `{ status, type?, message }` when the headers are refused, else null. */
export function checkHeaders(headers, keyFault) {
  const key = headers['x-api-key'] ?? /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!key) return { status: 401, message: 'x-api-key header is required' };
  const refused = keyFault(key);
  if (refused) return { message: 'invalid x-api-key', ...refused };
  const version = headers['anthropic-version'];
  if (!version) return { status: 400, message: 'anthropic-version: header is required' };
  if (!(version in VERSIONS))
    return {
      status: 400,
      message: `anthropic-version: "${version}" is not a valid version.`,
    };
  return null;
}

export function check(body, settings, headers) {
  const outputMax = settings.output_max_tokens ?? 64_000;
  const message = checkBody(body, outputMax, VERSIONS[headers['anthropic-version']]);
  if (message) return { status: 400, message };
  const models = settings.models;
  if (models && !models.includes(body.model))
    return { status: 404, message: `model: ${body.model}` };
  const forged = body.messages
    .flatMap(blocksOf)
    .find((b) => b.type === 'thinking' && b.signature !== signatureOf(b.thinking));
  return forged ? { status: 400, message: 'Invalid `signature` in `thinking` block' } : null;
}

const textOf = (content) =>
  typeof content === 'string'
    ? content
    : (content ?? [])
        .filter((block) => block.type === 'text')
        .map((block) => block.text)
        .join('\n');

function resultsOf(messages) {
  const calls = messages.flatMap(blocksOf).filter((block) => block.type === 'tool_use');
  return blocksOf(messages.at(-1))
    .filter((block) => block.type === 'tool_result')
    .map((block) => {
      const call = calls.find((c) => c.id === block.tool_use_id);
      const content = textOf(block.content);
      const about = { id: block.tool_use_id, name: call.name, arguments: call.input };
      return { ...about, content, is_error: block.is_error === true, value: valueOf(content) };
    });
}

/** What a script sees of a valid request. */
export function turnOf(body) {
  const { messages } = body;
  const said = messages.filter((m) => m.role === 'user' && textOf(m.content));
  const results = resultsOf(messages);
  const format = body.output_config?.format;
  return {
    wire: 'anthropic',
    model: body.model,
    system: textOf(body.system),
    user: said.length ? textOf(said.at(-1).content) : '',
    history: messages.map((m) => `${m.role}: ${textOf(m.content)}`).join('\n'),
    said: messages.map((m) => ({ role: m.role, text: textOf(m.content) })).filter((m) => m.text),
    calls: messages.flatMap(blocksOf).filter((block) => block.type === 'tool_use'),
    last: results.length ? 'tool_result' : messages.at(-1).role,
    results,
    tools: (body.tools ?? []).map((t) => ({ ...t, schema: t.input_schema })),
    tool_choice: body.tool_choice ?? { type: 'auto' },
    parallel: body.tool_choice?.disable_parallel_tool_use !== true,
    format: format ? { type: format.type, schema: format.schema } : null,
    stream: body.stream === true,
    number: messages.filter((m) => m.role === 'assistant').length + 1,
    max_tokens: body.max_tokens,
    stops: body.stop_sequences ?? [],
  };
}

/** Input tokens split by what a cache mark covers; `cache` remembers the prefixes already sent. */
export function inputUsage(body, cache) {
  const parts = promptParts(body);
  const counts = parts.map((part) => tokensOf(part.text ?? part));
  const total = counts.reduce((sum, n) => sum + n, 0);
  let read = 0;
  let marked = 0;
  parts.forEach((part, i) => {
    if (!part.cache_control) return;
    marked = counts.slice(0, i + 1).reduce((sum, n) => sum + n, 0);
    const key = JSON.stringify([body.model, parts.slice(0, i + 1)]);
    if (cache.has(key)) read = marked;
    cache.add(key);
  });
  const created = marked - read;
  return {
    input_tokens: total - marked,
    cache_creation_input_tokens: created,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: created, ephemeral_1h_input_tokens: 0 },
  };
}

export const countTokens = (body) =>
  promptParts(body).reduce((sum, part) => sum + tokensOf(part.text ?? part), 0);

function contentOf(reply, turn, nextId) {
  const limited = limitText(reply.text, turn.stops, turn.max_tokens);
  const content = [];
  if (reply.thinking)
    content.push({
      type: 'thinking',
      thinking: reply.thinking,
      signature: signatureOf(reply.thinking),
    });
  if (limited.text) content.push({ type: 'text', text: limited.text, citations: null });
  const calls = limited.cut || limited.stop !== null ? [] : reply.tool_calls;
  for (const call of calls) {
    const id = call.id ?? nextId('toolu');
    const raw = call.raw_arguments ?? JSON.stringify(call.arguments ?? {});
    const input = valueOf(raw);
    content.push({ block: { type: 'tool_use', id, name: call.name, input }, raw });
  }
  let stop = calls.length ? 'tool_use' : 'end_turn';
  if (limited.cut) stop = 'max_tokens';
  else if (limited.stop !== null) stop = 'stop_sequence';
  if (reply.refusal) stop = 'refusal';
  return { content, stop: reply.stop_reason ?? stop, stopSequence: limited.stop };
}

/** The whole answer: `{ message, raws }`, `raws` being the unparsed arguments by block. */
export function messageOf(reply, turn, usage, nextId) {
  const { content, stop, stopSequence } = contentOf(reply, turn, nextId);
  const blocks = content.map((item) => item.block ?? item);
  const outputTokens = blocks.reduce((sum, b) => sum + tokensOf(b.text ?? b.input ?? b), 0);
  const message = {
    id: nextId('msg'),
    type: 'message',
    role: 'assistant',
    model: turn.model,
    content: blocks,
    stop_reason: stop,
    stop_sequence: stopSequence,
    usage: { ...usage, output_tokens: outputTokens, service_tier: 'standard', ...reply.usage },
  };
  return { message, raws: content.map((item) => item.raw) };
}

function deltasOf(block, raw, reply) {
  if (block.type === 'text')
    return piecesOf(block.text, reply).map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'thinking')
    return [
      ...piecesOf(block.thinking, { chunk_chars: reply.chunk_chars }).map((thinking) => ({
        type: 'thinking_delta',
        thinking,
      })),
      { type: 'signature_delta', signature: block.signature },
    ];
  // The vendor opens with an empty fragment, and sends nothing more for a call without arguments.
  const pieces = raw === '{}' ? [] : piecesOf(raw, { chunk_chars: reply.chunk_chars });
  return ['', ...pieces].map((json) => ({ type: 'input_json_delta', partial_json: json }));
}

const SHELLS = {
  text: () => ({ type: 'text', text: '' }),
  thinking: () => ({ type: 'thinking', thinking: '', signature: '' }),
  tool_use: (block) => ({ ...block, input: {} }),
};

/** The streamed form of the same answer, as a list of `{ event, data }`. */
export function eventsOf({ message, raws }, reply) {
  const events = [];
  const push = (type, data) => events.push({ event: type, data: { type, ...data } });
  const start = { ...message, content: [], stop_reason: null, stop_sequence: null };
  push('message_start', { message: { ...start, usage: { ...message.usage, output_tokens: 1 } } });
  message.content.forEach((block, index) => {
    push('content_block_start', { index, content_block: SHELLS[block.type](block) });
    if (index === 0) push('ping', {});
    for (const delta of deltasOf(block, raws[index], reply))
      push('content_block_delta', { index, delta });
    push('content_block_stop', { index });
  });
  const { stop_reason, stop_sequence, usage } = message;
  push('message_delta', {
    delta: { stop_reason, stop_sequence },
    usage: {
      input_tokens: usage.input_tokens,
      cache_creation_input_tokens: usage.cache_creation_input_tokens,
      cache_read_input_tokens: usage.cache_read_input_tokens,
      output_tokens: usage.output_tokens,
    },
  });
  push('message_stop', {});
  return events;
}

/** Things a tolerant client must skip: a new event type, a new block type, a new kind of delta. */
export const unknownEvents = () => [
  { event: 'usage_hint', data: { type: 'usage_hint', note: 'an event no client knows yet' } },
  { event: 'ping', data: { type: 'ping' } },
];

export const pingEvent = () => ({ event: 'ping', data: { type: 'ping' } });

export const isEnd = (item) => item.event === 'message_stop';

/** The same events without their token counts. */
export function withoutUsage(events) {
  return events.map(({ event, data }) => {
    if (event === 'message_delta') return { event, data: { ...data, usage: undefined } };
    if (event !== 'message_start') return { event, data };
    return { event, data: { ...data, message: { ...data.message, usage: undefined } } };
  });
}

export function encode({ event, data }, eol) {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `event: ${event}${eol}data: ${text}${eol}${eol}`;
}
