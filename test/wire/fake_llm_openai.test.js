// The fake model server, driven by OpenAI's own SDK.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import OpenAI from 'openai';
import { FakeLlm } from '../fake/llm/fake.js';

const MODEL = 'gpt-5.4';
const ORDER_TOOL = {
  type: 'function',
  function: {
    name: 'get_order',
    description: 'Look up one order.',
    parameters: {
      type: 'object',
      required: ['order_number'],
      properties: { order_number: { type: 'string' } },
    },
  },
};
const CALLS = [
  { name: 'get_order', arguments: { order_number: 'BW-10421' } },
  { name: 'get_order', arguments: { order_number: 'BW-10422' } },
];
const INTENT_SCHEMA = {
  type: 'object',
  required: ['intent'],
  additionalProperties: false,
  properties: { intent: { enum: ['billing', 'order_status'] } },
};

let fake;
let client;
let chat;
const ask = (text, more = {}) => ({
  model: MODEL,
  messages: [{ role: 'user', content: text }],
  ...more,
});
const rules = (...list) => fake.load({ rules: list });
const create = (text, more) => client.chat.completions.create(ask(text, more));
const argumentsOf = (message) => message.tool_calls.map((call) => call.function.arguments);

before(async () => {
  fake = await FakeLlm.start();
  client = new OpenAI({ apiKey: 'sk-good', baseURL: `${fake.url}/v1`, maxRetries: 0 });
  chat = client.chat.completions;
});
after(() => fake.close());
beforeEach(() => fake.reset());

describe('plain answers', () => {
  test('text, finish reason, usage and request id', async () => {
    const { data, request_id: id } = await chat.create(ask('hello')).withResponse();
    assert.equal(data.choices[0].message.content, 'You said: hello');
    assert.equal(data.choices[0].finish_reason, 'stop');
    const { prompt_tokens, completion_tokens, total_tokens } = data.usage;
    assert.deepEqual([prompt_tokens, completion_tokens, total_tokens], [2, 4, 6]);
    assert.match(id, /^req_/);
  });

  test('stop strings and token limits, old name and new', async () => {
    rules({ reply: { text: 'one END two' } });
    assert.equal((await create('x', { stop: 'END' })).choices[0].message.content, 'one ');
    for (const limit of ['max_tokens', 'max_completion_tokens']) {
      const [choice] = (await create('x', { [limit]: 1 })).choices;
      assert.equal(choice.message.content, 'one ');
      assert.equal(choice.finish_reason, 'length');
    }
  });

  test('a repeated beginning counts as cached', async () => {
    const messages = [{ role: 'system', content: 'You help. '.repeat(40) }, ...ask('one').messages];
    await create('', { messages });
    const second = await create('', { messages: [messages[0], { role: 'user', content: 'two' }] });
    assert.equal(second.usage.prompt_tokens_details.cached_tokens, 100);
  });

  test('several choices, a refusal, a content filter', async () => {
    assert.equal((await create('x', { n: 3 })).choices.length, 3);
    rules({ reply: { refusal: 'I will not.' } });
    const refused = (await create('x')).choices[0].message;
    assert.deepEqual([refused.content, refused.refusal], [null, 'I will not.']);
    rules({ reply: { text: 'Hm', stop_reason: 'content_filter' } });
    assert.equal((await create('x')).choices[0].finish_reason, 'content_filter');
  });

  test('JSON formats are obeyed without a script for them', async () => {
    const json_schema = { name: 'intent', strict: true, schema: INTENT_SCHEMA };
    const typed = await create('status of my order', {
      response_format: { type: 'json_schema', json_schema },
    });
    assert.deepEqual(JSON.parse(typed.choices[0].message.content), { intent: 'order_status' });
    const loose = await create('say json', { response_format: { type: 'json_object' } });
    assert.deepEqual(JSON.parse(loose.choices[0].message.content), { text: 'You said: say json' });
  });

  test("the SDK's parser reads a typed answer", async () => {
    rules({ reply: { json: { intent: 'billing' } } });
    const json_schema = { name: 'intent', strict: true, schema: INTENT_SCHEMA };
    const parsed = await chat.parse(
      ask('x', { response_format: { type: 'json_schema', json_schema } }),
    );
    assert.equal(parsed.choices[0].message.content, '{"intent":"billing"}');
  });

  test('models are listed', async () => {
    const ids = (await client.models.list()).data.map((model) => model.id);
    assert.ok(ids.includes(MODEL));
    assert.equal((await client.models.retrieve(MODEL)).object, 'model');
    await assert.rejects(client.models.retrieve('nothing'), OpenAI.NotFoundError);
  });
});

describe('embeddings', () => {
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const embed = async (input, more) =>
    (await client.embeddings.create({ model: 'text-embedding-3-small', input, ...more })).data;

  test('texts that share words are near, and the same text is the same vector', async () => {
    const texts = ['cancel my order', 'please cancel the order', 'pair a barcode scanner'];
    const rows = (await embed(texts)).map((row) => row.embedding);
    assert.equal(rows[0].length, 1536);
    assert.ok(Math.abs(dot(rows[0], rows[0]) - 1) < 1e-5);
    assert.ok(dot(rows[0], rows[1]) > dot(rows[0], rows[2]) + 0.2);
    assert.deepEqual((await embed(texts[0]))[0].embedding, rows[0]);
  });

  test('floats and base64 say the same, in the size asked for', async () => {
    const [a] = await embed('order', { dimensions: 64, encoding_format: 'float' });
    const [b] = await embed('order', { dimensions: 64 });
    assert.equal(a.embedding.length, 64);
    assert.deepEqual(a.embedding, b.embedding);
  });

  test('an empty input is refused', async () => {
    await assert.rejects(embed(''), OpenAI.BadRequestError);
  });
});

describe('streams', () => {
  const options = { stream_options: { include_usage: true } };

  test('the accumulator of the SDK gives the same completion as a plain call', async () => {
    const text = 'Grüße aus Venlo: your order 🚚 is on its way.';
    rules({ reply: { text, chunk_chars: 3 } });
    const plain = await create('x');
    const stream = chat.stream(ask('x', options));
    const pieces = [];
    stream.on('content', (piece) => pieces.push(piece));
    const streamed = await stream.finalChatCompletion();
    assert.equal(streamed.choices[0].message.content, text);
    assert.equal(pieces.join(''), text);
    assert.ok(pieces.length > 10);
    assert.deepEqual(streamed.usage, plain.usage);
    assert.equal(streamed.choices[0].finish_reason, 'stop');
  });

  test('usage comes in one last chunk without choices, and only when asked for', async () => {
    const chunks = [];
    for await (const chunk of await create('x', { stream: true, ...options })) chunks.push(chunk);
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.ok(chunks.at(-1).usage.total_tokens > 0);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
    for await (const chunk of await create('x', { stream: true })) assert.ok(!('usage' in chunk));
  });

  test('comments, padding and bytes one at a time change nothing', async () => {
    const fault = { ping_every: 2, split_bytes: 1, line_end: 'crlf' };
    rules({ reply: { text: 'Grüße 🚚 !', chunk_chars: 1 }, fault });
    const answer = await chat.stream(ask('x')).finalContent();
    assert.equal(answer, 'Grüße 🚚 !');
  });

  for (const choices of ['null', 'absent'])
    test(`a compatible server may send usage with ${choices} choices`, async () => {
      rules({ reply: { text: 'ok', quirks: { usage_choices: choices, no_role: true } } });
      let usage;
      for await (const chunk of await create('x', { stream: true, ...options }))
        usage = chunk.usage;
      assert.ok(usage.total_tokens > 0);
    });
});

describe('tools', () => {
  const tools = [ORDER_TOOL];

  for (const [how, quirks] of [
    ['one after the other', {}],
    ['taking turns', { interleave: true }],
    ['each in one piece', { whole_tool_calls: true }],
  ])
    test(`parallel calls are put together by index, ${how}`, async () => {
      rules({ reply: { text: 'Looking.', tool_calls: CALLS, chunk_chars: 4, quirks } });
      const gathered = [];
      for await (const { choices } of await create('x', { tools, stream: true }))
        for (const { index, function: piece } of choices[0].delta.tool_calls ?? [])
          gathered[index] = (gathered[index] ?? '') + piece.arguments;
      assert.deepEqual(
        gathered,
        CALLS.map((call) => JSON.stringify(call.arguments)),
      );
    });

  test('the accumulator of the SDK agrees with the plain answer', async () => {
    rules({ reply: { tool_calls: CALLS, chunk_chars: 4 } });
    const streamed = await chat.stream(ask('x', { tools })).finalChatCompletion();
    const plain = await create('x', { tools });
    const [choice] = streamed.choices;
    assert.equal(choice.finish_reason, 'tool_calls');
    assert.equal(choice.message.content, null);
    assert.deepEqual(argumentsOf(choice.message), argumentsOf(plain.choices[0].message));
  });

  test('a forced tool is called; one call only, or none, when asked so', async () => {
    const named = { type: 'function', function: { name: 'get_order' } };
    for (const choice of [named, 'required']) {
      const [{ message }] = (await create('BW-1', { tools, tool_choice: choice })).choices;
      assert.deepEqual(argumentsOf(message), ['{"order_number":"BW-1"}']);
    }
    rules({ reply: { text: 'Hm.', tool_calls: CALLS } });
    const one = await create('x', { tools, parallel_tool_calls: false });
    assert.equal(one.choices[0].message.tool_calls.length, 1);
    const none = await create('x', { tools, tool_choice: 'none' });
    assert.equal(none.choices[0].finish_reason, 'stop');
  });

  test('the helper of the SDK runs a whole loop', async () => {
    rules(
      { when: { last: 'user' }, reply: { tool_calls: CALLS } },
      { when: { last: 'tool_result' }, reply: { text: '{{results.0.n}} and {{results.1.n}}' } },
    );
    let n = 0;
    const runnable = { ...ORDER_TOOL.function, parse: JSON.parse, function: () => ({ n: ++n }) };
    const runner = chat.runTools(ask('x', { tools: [{ type: 'function', function: runnable }] }));
    assert.equal(await runner.finalContent(), '1 and 2');
    assert.equal(fake.requests().length, 2);
  });
});

const user = { role: 'user', content: 'x' };
const asking = {
  role: 'assistant',
  content: null,
  tool_calls: [
    { id: 'call_a', type: 'function', function: { name: 'get_order', arguments: '{}' } },
  ],
};
const answer = { role: 'tool', tool_call_id: 'call_a', content: '{}' };
const format = (more) => ({ response_format: { type: 'json_schema', ...more } });

// Each row: why, what is sent, what the complaint says, the parameter it names.
const REFUSED = [
  ['no messages', { messages: [] }, /empty array/, 'messages'],
  ['no model', { model: '' }, /must provide a model/, null],
  ['an unknown role', { messages: [{ role: 'boss', content: 'x' }] }, /'boss'/, 'messages[0].role'],
  ['no content', { messages: [{ role: 'user' }] }, /expected a string/, 'messages[0].content'],
  ['an answer to no call', { messages: [user, answer] }, /preceeding message/, 'messages.[1].role'],
  ['a call without its answer', { messages: [user, asking, user] }, /call_a/, 'messages.[1].role'],
  ['a call never answered', { messages: [user, asking] }, /call_a/, 'messages.[1].role'],
  [
    'an answer given twice',
    { messages: [user, asking, answer, answer] },
    /preceeding message/,
    'messages.[3].role',
  ],
  ['a choice without tools', { tool_choice: 'auto' }, /when 'tools' are specified/, 'tool_choice'],
  [
    'an unknown choice',
    { tools: [ORDER_TOOL], tool_choice: 'must' },
    /Supported values/,
    'tool_choice',
  ],
  [
    'a choice of a tool that is not there',
    { tools: [ORDER_TOOL], tool_choice: { type: 'function', function: { name: 'y' } } },
    /no function named 'y'/,
    'tool_choice',
  ],
  ['an empty list of tools', { tools: [] }, /empty array/, 'tools'],
  ['a temperature out of range', { temperature: 3 }, /above maximum/, 'temperature'],
  ['max_tokens of zero', { max_tokens: 0 }, /below minimum/, 'max_tokens'],
  ['both limits', { max_tokens: 1, max_completion_tokens: 1 }, /at the same time/, 'max_tokens'],
  [
    'usage of a stream that is none',
    { stream_options: { include_usage: true } },
    /only allowed when 'stream'/,
    'stream_options',
  ],
  ['an unknown parameter', { frobnicate: 1 }, /Unknown parameter/, 'frobnicate'],
  [
    'JSON that was not mentioned',
    { response_format: { type: 'json_object' } },
    /'json'/,
    'messages',
  ],
  ['a format without schema', format(), /json_schema/, 'response_format.json_schema'],
  [
    'a strict schema that is open',
    format({ json_schema: { name: 'a', strict: true, schema: { type: 'object' } } }),
    /additionalProperties/,
    'response_format',
  ],
  ['five stop strings', { stop: ['a', 'b', 'c', 'd', 'e'] }, /too long/, 'stop'],
];

describe('a request is refused for', () => {
  for (const [why, more, complaint, param] of REFUSED)
    test(why, async () => {
      await assert.rejects(create('x', more), (e) => {
        assert.ok(e instanceof OpenAI.BadRequestError, String(e));
        assert.equal(e.type, 'invalid_request_error');
        assert.match(e.message, complaint);
        assert.equal(e.param, param);
        return true;
      });
    });

  test('no key, a wrong key, an unknown model, an unknown route', async () => {
    const as = (apiKey) => new OpenAI({ apiKey, baseURL: `${fake.url}/v1`, maxRetries: 0 });
    await assert.rejects(as('sk-invalid').chat.completions.create(ask('x')), (e) => {
      assert.ok(e instanceof OpenAI.AuthenticationError);
      assert.equal(e.code, 'invalid_api_key');
      return true;
    });
    const bare = await fetch(`${fake.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    assert.equal(bare.status, 401);
    fake.load({ models: ['only-this'], rules: [] });
    await assert.rejects(create('x'), (e) => {
      assert.ok(e instanceof OpenAI.NotFoundError);
      assert.equal(e.code, 'model_not_found');
      return true;
    });
    await assert.rejects(client.get('/nowhere'), OpenAI.NotFoundError);
  });
});

describe('faults', () => {
  const ERRORS = [
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
    [503, OpenAI.InternalServerError],
  ];
  for (const [status, kind] of ERRORS)
    test(`status ${status}`, async () => {
      rules({ fault: { status } });
      await assert.rejects(create('x'), (e) => {
        assert.ok(e instanceof kind, e.constructor.name);
        assert.equal(e.status, status);
        assert.ok(e.error.message);
        return true;
      });
    });

  test('429 then 503 then an answer: the SDK retries as told', async () => {
    const headers = { 'retry-after-ms': '1' };
    rules(
      { id: 'limit', times: 1, fault: { status: 429, headers } },
      { id: 'busy', times: 1, fault: { status: 503, headers } },
      { id: 'ok', reply: { text: 'Here.' } },
    );
    const patient = client.withOptions({ maxRetries: 3 });
    const done = await patient.chat.completions.create(ask('x'));
    assert.equal(done.choices[0].message.content, 'Here.');
    assert.deepEqual(
      fake.requests().map((row) => row.rule),
      ['limit', 'busy', 'ok'],
    );
  });

  test('an error object in the middle of a stream', async () => {
    rules({ reply: { text: 'a long answer', chunk_chars: 2 }, fault: { error_after: 4 } });
    await assert.rejects(chat.stream(ask('x')).finalContent(), /error while streaming/);
  });

  for (const [why, fault] of [
    ['between two chunks', { cut: 4 }],
    ['inside a chunk', { cut_inside: 4 }],
    ['before any byte', { reset: true }],
  ])
    test(`a connection that is cut ${why} is no answer`, async () => {
      rules({ reply: { text: 'a long answer', chunk_chars: 2 }, fault });
      await assert.rejects(chat.stream(ask('x')).finalContent());
    });

  test('a stall is seen as such, and a client that gives up is noticed', async () => {
    rules({ reply: { text: 'a long answer', chunk_chars: 2 }, fault: { stall: 3 } });
    const stream = chat.stream(ask('x'));
    const failed = assert.rejects(stream.finalContent(), OpenAI.APIUserAbortError);
    await fake.atLeast(1, (row) => row.outcome === 'stalled');
    stream.abort();
    await failed;
    const [row] = await fake.atLeast(1, (r) => r.outcome === 'client_closed');
    assert.equal(row.events, 3);
  });

  test('a broken body, a broken chunk, arguments that are not JSON', async () => {
    rules({ reply: { text: 'ok' }, fault: { malformed: 1 } });
    await assert.rejects(create('x'), /JSON/);
    await assert.rejects(chat.stream(ask('x')).finalContent(), /JSON/);
    rules({
      reply: { tool_calls: [CALLS[0]] },
      fault: { invalid_arguments: '{"order_number": BW' },
    });
    const { choices } = await create('x', { tools: [ORDER_TOOL] });
    assert.throws(() => JSON.parse(argumentsOf(choices[0].message)[0]), SyntaxError);
  });

  test('a huge answer arrives whole, streamed or not', async () => {
    rules({ fault: { huge_bytes: 3_000_000 } });
    assert.ok((await create('x')).choices[0].message.content.length >= 3_000_000);
    assert.ok((await chat.stream(ask('x')).finalContent()).length >= 3_000_000);
  });
});
