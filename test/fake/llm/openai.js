// The wire format of OpenAI's chat completions, and of the many servers that speak it: requests
// into turns, replies into completions and streamed chunks.
import { checkBody } from './openai_check.js';
import { limitText, piecesOf, tokensOf, valueOf } from './text.js';

export const BODY_MAX_BYTES = 32 * 1024 * 1024;
const MAX_TOKENS_DEFAULT = 16_384;
const CREATED_S = 1_767_225_600; // 2026-01-01: nothing here reads the real clock
const PADDING = 'obfuscated';

const KINDS = {
  400: ['invalid_request_error', null],
  401: ['invalid_request_error', 'invalid_api_key'],
  403: ['invalid_request_error', 'permission_denied'],
  404: ['invalid_request_error', 'model_not_found'],
  405: ['invalid_request_error', 'method_not_supported'],
  413: ['invalid_request_error', 'request_too_large'],
  429: ['requests', 'rate_limit_exceeded'],
  500: ['server_error', null],
  503: ['server_error', 'service_unavailable'],
};
const MESSAGES = {
  429: 'Rate limit reached for requests.',
  500: 'The server had an error while processing your request. Sorry about that!',
  503: 'The engine is currently overloaded, please try again later.',
};

export function errorBody(status, { type, code, message, param } = {}) {
  const [kind, kindCode] = KINDS[status] ?? ['server_error', null];
  const error = {
    message: message ?? MESSAGES[status] ?? `Error ${status}`,
    type: type ?? kind,
    param: param ?? null,
    code: code === undefined ? kindCode : code,
  };
  return { error };
}

export const errorEvent = (fault) => ({
  data: errorBody(500, { message: 'The server had an error while streaming.', ...fault }),
});

export const idHeader = 'x-request-id';

export function limitHeaders() {
  return {
    'openai-organization': 'fake-organization',
    'openai-processing-ms': '1',
    'openai-version': '2020-10-01',
    'x-ratelimit-limit-requests': '1000',
    'x-ratelimit-remaining-requests': '999',
    'x-ratelimit-reset-requests': '60ms',
  };
}

export function checkHeaders(headers, keyFault) {
  const key = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (!key)
    return {
      status: 401,
      code: null,
      message:
        "You didn't provide an API key. You need to provide your API key in an Authorization " +
        'header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).',
    };
  const refused = keyFault(key);
  if (!refused) return null;
  const shown = `${key.slice(0, 3)}***${key.slice(-4)}`;
  return { message: `Incorrect API key provided: ${shown}.`, ...refused };
}

export function check(body, settings) {
  const complaint = checkBody(body);
  if (complaint) return { status: 400, ...complaint };
  if (settings.models && !settings.models.includes(body.model))
    return {
      status: 404,
      message: `The model \`${body.model}\` does not exist or you do not have access to it.`,
    };
  return null;
}

function textOf(content) {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? part.refusal ?? '').join('\n');
}

function resultsOf(messages) {
  const calls = messages.flatMap((message) => message.tool_calls ?? []);
  const trailing = [];
  for (const message of [...messages].reverse()) {
    if (message.role !== 'tool') break;
    trailing.unshift(message);
  }
  return trailing.map((message) => {
    const call = calls.find((c) => c.id === message.tool_call_id);
    const content = textOf(message.content);
    const input = valueOf(call.function.arguments);
    const about = { id: call.id, name: call.function.name, arguments: input };
    return { ...about, content, is_error: /^Error\b/.test(content), value: valueOf(content) };
  });
}

function choiceOf(choice) {
  if (!choice) return { type: 'auto' };
  if (typeof choice === 'object') return { type: 'tool', name: choice.function.name };
  return { type: choice === 'required' ? 'any' : choice };
}

function formatOf(format) {
  if (!format || format.type === 'text') return null;
  return { type: format.type, schema: format.json_schema?.schema };
}

/** What a script sees of a valid request. */
export function turnOf(body) {
  const { messages } = body;
  const said = messages.filter((m) => m.role === 'user');
  const isSystem = (m) => m.role === 'system' || m.role === 'developer';
  const results = resultsOf(messages);
  return {
    wire: 'openai',
    messages,
    model: body.model,
    system: messages
      .filter(isSystem)
      .map((m) => textOf(m.content))
      .join('\n'),
    user: said.length ? textOf(said.at(-1).content) : '',
    history: messages.map((m) => `${m.role}: ${textOf(m.content)}`).join('\n'),
    said: messages
      .filter((m) => !isSystem(m) && m.role !== 'tool')
      .map((m) => ({ role: m.role, text: textOf(m.content) }))
      .filter((m) => m.text),
    calls: messages
      .flatMap((m) => m.tool_calls ?? [])
      .map((c) => ({ id: c.id, name: c.function.name, input: valueOf(c.function.arguments) })),
    last: results.length ? 'tool_result' : messages.at(-1).role,
    results,
    tools: (body.tools ?? []).map((t) => ({ ...t.function, schema: t.function.parameters })),
    tool_choice: choiceOf(body.tool_choice),
    parallel: body.parallel_tool_calls !== false,
    format: formatOf(body.response_format),
    stream: body.stream === true,
    include_usage: body.stream_options?.include_usage === true,
    choices: body.n ?? 1,
    number: messages.filter((m) => m.role === 'assistant').length + 1,
    max_tokens: body.max_completion_tokens ?? body.max_tokens ?? MAX_TOKENS_DEFAULT,
    stops: [body.stop ?? []].flat(),
  };
}

export const countTokens = (body) =>
  body.messages.reduce((sum, m) => sum + tokensOf(textOf(m.content) || m), 0) +
  (body.tools ?? []).reduce((sum, tool) => sum + tokensOf(tool), 0);

/** Prompt tokens; `cache` remembers prompts so that a repeated beginning counts as cached. */
export function inputUsage(body, cache) {
  const key = JSON.stringify([body.model, body.tools, body.messages.slice(0, -1)]);
  const prompt = countTokens(body);
  const cached = cache.has(key) ? prompt - tokensOf(textOf(body.messages.at(-1).content)) : 0;
  cache.add(key);
  return {
    prompt_tokens: prompt,
    prompt_tokens_details: { cached_tokens: Math.max(0, cached), audio_tokens: 0 },
  };
}

function usageOf(input, message, reply) {
  const calls = message.tool_calls ?? [];
  const output =
    (message.content ? tokensOf(message.content) : 0) +
    calls.reduce((sum, call) => sum + tokensOf(call.function.arguments), 0);
  const { prompt_tokens, prompt_tokens_details } = input;
  return {
    prompt_tokens,
    completion_tokens: output,
    total_tokens: prompt_tokens + output,
    prompt_tokens_details,
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
    ...reply.usage,
  };
}

const STOP_WORDS = { end_turn: 'stop', max_tokens: 'length', tool_use: 'tool_calls' };

function choiceMessage(reply, turn, nextId) {
  const limited = limitText(reply.text, turn.stops, turn.max_tokens);
  const calls = (limited.cut || limited.stop !== null ? [] : reply.tool_calls).map((call) => ({
    id: call.id ?? nextId('call'),
    type: 'function',
    function: {
      name: call.name,
      arguments: call.raw_arguments ?? JSON.stringify(call.arguments ?? {}),
    },
  }));
  const content = limited.text || (calls.length || reply.refusal ? null : '');
  const message = { role: 'assistant', content, refusal: reply.refusal ?? null };
  if (calls.length) message.tool_calls = calls;
  let finish = calls.length ? 'tool_calls' : 'stop';
  if (limited.cut) finish = 'length';
  const asked = STOP_WORDS[reply.stop_reason] ?? reply.stop_reason;
  return { message: { ...message, annotations: [] }, finish: asked ?? finish };
}

/** The whole completion, wrapped as `{ message }` like the other wire format's. */
export function messageOf(reply, turn, usage, nextId) {
  const choices = Array.from({ length: turn.choices }, (_, index) => {
    const { message, finish } = choiceMessage(reply, turn, nextId);
    return { index, message, logprobs: null, finish_reason: finish };
  });
  const message = {
    id: nextId('chatcmpl'),
    object: 'chat.completion',
    created: CREATED_S,
    model: turn.model,
    choices,
    usage: usageOf(usage, choices[0].message, reply),
    service_tier: 'default',
    system_fingerprint: 'fp_fake',
  };
  return { message, includeUsage: turn.include_usage };
}

function callDeltas(call, index, reply) {
  const { id, type } = call;
  const { name, arguments: args } = call.function;
  if (reply.quirks?.whole_tool_calls)
    return [{ index, id, type, function: { name, arguments: args } }];
  return [
    { index, id, type, function: { name, arguments: '' } },
    ...piecesOf(args, { chunk_chars: reply.chunk_chars }).map((piece) => ({
      index,
      function: { arguments: piece },
    })),
  ];
}

/** Parallel calls taking turns, as some servers send them: only the index tells them apart. */
function interleave(lists) {
  const out = [];
  const longest = Math.max(0, ...lists.map((list) => list.length));
  for (let i = 0; i < longest; i++)
    for (const list of lists) if (i < list.length) out.push(list[i]);
  return out;
}

function deltasOf(message, reply) {
  const role = reply.quirks?.no_role ? {} : { role: 'assistant' };
  const calls = message.tool_calls ?? [];
  const deltas = [
    { ...role, content: calls.length && !message.content ? null : '', refusal: null },
  ];
  for (const content of message.content ? piecesOf(message.content, reply) : [])
    deltas.push({ content });
  if (message.refusal) for (const refusal of piecesOf(message.refusal)) deltas.push({ refusal });
  const perCall = calls.map((call, index) => callDeltas(call, index, reply));
  const order = reply.quirks?.interleave ? interleave(perCall) : perCall.flat();
  for (const delta of order) deltas.push({ tool_calls: [delta] });
  return deltas;
}

/** The streamed form of the same completion, as a list of `{ data }` that ends with [DONE]. */
export function eventsOf({ message: whole, includeUsage }, reply) {
  const { id, created, model, service_tier, system_fingerprint, usage } = whole;
  const object = 'chat.completion.chunk';
  const shell = { id, object, created, model, service_tier, system_fingerprint };
  const noUsage = includeUsage ? { usage: null } : {};
  const events = [];
  const push = (index, delta, finish_reason = null) => {
    const choices = [{ index, delta, logprobs: null, finish_reason }];
    const padding = PADDING.slice(0, 1 + (events.length % PADDING.length));
    events.push({ data: { ...shell, choices, ...noUsage, obfuscation: padding } });
  };
  for (const { index, message, finish_reason } of whole.choices) {
    for (const delta of deltasOf(message, reply)) push(index, delta);
    push(index, {}, finish_reason);
  }
  if (includeUsage) {
    const quirk = reply.quirks?.usage_choices;
    const choices =
      quirk === 'null' ? { choices: null } : quirk === 'absent' ? {} : { choices: [] };
    events.push({ data: { ...shell, ...choices, usage } });
  }
  events.push({ data: '[DONE]' });
  return events;
}

export const unknownEvents = () => [
  { data: { object: 'chat.completion.notice', note: 'a chunk no client knows yet', choices: [] } },
];

export const pingEvent = () => ({ comment: 'keep-alive' });

export const isEnd = (item) => item.data === '[DONE]';

export const withoutUsage = (events) =>
  events
    .filter(({ data }) => !data?.usage)
    .map(({ data }) => ({ data: typeof data === 'string' ? data : { ...data, usage: undefined } }));

export function encode({ data, comment }, eol) {
  if (comment) return `: ${comment}${eol}${eol}`;
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}${eol}${eol}`;
}
