// The fake model server, driven by Anthropic's own SDKs, one for each version of the API in use: if
// the SDK understands it, so does every client that follows the vendor.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import Sdk2026 from '@anthropic-ai/sdk';
import Sdk2023 from 'anthropic-sdk-2023';
import { FakeLlm } from '../fake/llm/fake.js';

const MODEL = 'claude-sonnet-5-5';
const ORDER_TOOL = {
  name: 'get_order',
  description: 'Look up one order.',
  input_schema: {
    type: 'object',
    required: ['order_number'],
    properties: { order_number: { type: 'string' } },
  },
};
const CALLS = [
  { name: 'get_order', arguments: { order_number: 'BW-10421' } },
  { name: 'get_order', arguments: { order_number: 'BW-10422' } },
];

const assistantCall = {
  role: 'assistant',
  content: [{ type: 'tool_use', id: 'toolu_a', name: 'get_order', input: {} }],
};
const userSays = (content) => ({ role: 'user', content });
const result = { type: 'tool_result', tool_use_id: 'toolu_a', content: 'x' };

// Each row: why, what is sent, what the complaint says.
const REFUSED = [
  ['no max_tokens', { max_tokens: undefined }, /max_tokens: Field required/],
  ['a max_tokens of zero', { max_tokens: 0 }, /greater than or equal to 1/],
  [
    'more tokens than the model has',
    { max_tokens: 65_000, stream: true },
    /maximum allowed number/,
  ],
  ['a key it does not know', { frobnicate: 1 }, /frobnicate: Extra inputs/],
  ['no messages', { messages: [] }, /at least one message/],
  ['an assistant first', { messages: [{ role: 'assistant', content: 'x' }] }, /first message/],
  ['two users in a row', { messages: [userSays('a'), userSays('b')] }, /must alternate/],
  ['a system role', { messages: [{ role: 'system', content: 'a' }] }, /top-level `system`/],
  ['an empty text block', { messages: [userSays([{ type: 'text', text: '' }])] }, /non-empty/],
  ['an unknown block', { messages: [userSays([{ type: 'smell' }])] }, /'smell'/],
  ['an unknown tool choice', { tools: [ORDER_TOOL], tool_choice: { type: 'must' } }, /'must'/],
  [
    'a choice of a tool that is not there',
    { tools: [ORDER_TOOL], tool_choice: { type: 'tool', name: 'x' } },
    /not found in provided tools/,
  ],
  ['a choice without tools', { tool_choice: { type: 'any' } }, /while providing tools/],
  ['two tools of one name', { tools: [ORDER_TOOL, ORDER_TOOL] }, /must be unique/],
  ['a tool name with a space', { tools: [{ ...ORDER_TOOL, name: 'a b' }] }, /match pattern/],
  [
    'a tool schema that is no object',
    { tools: [{ ...ORDER_TOOL, input_schema: { type: 'string' } }] },
    /Input should be 'object'/,
  ],
  [
    'a tool use without its result',
    { tools: [ORDER_TOOL], messages: [userSays('a'), assistantCall, userSays('b')] },
    /`tool_use` ids were found without `tool_result` blocks immediately after: toolu_a/,
  ],
  [
    'a result nobody asked for',
    { tools: [ORDER_TOOL], messages: [userSays([result])] },
    /unexpected `tool_use_id`/,
  ],
  [
    'a result after other content',
    {
      tools: [ORDER_TOOL],
      messages: [userSays('a'), assistantCall, userSays([{ type: 'text', text: 'b' }, result])],
    },
    /must come first/,
  ],
  [
    'tool blocks without tools',
    { messages: [userSays('a'), assistantCall, userSays([result])] },
    /must define tools/,
  ],
  ['a temperature out of range', { temperature: 1.5 }, /less than or equal to 1/],
  ['a blank stop sequence', { stop_sequences: [' '] }, /non-whitespace/],
  [
    'five cache marks',
    {
      system: Array.from({ length: 5 }, () => ({
        type: 'text',
        text: 'x',
        cache_control: { type: 'ephemeral' },
      })),
    },
    /maximum of 4 blocks/,
  ],
  [
    'a thinking budget above max_tokens',
    { thinking: { type: 'enabled', budget_tokens: 2048 } },
    /must be greater than/,
  ],
];

let fake;
const ask = (text, more = {}) => ({
  model: MODEL,
  max_tokens: 1000,
  messages: [{ role: 'user', content: text }],
  ...more,
});
const rules = (...list) => fake.load({ rules: list });

const suites = [];

suites.push([
  'plain answers',
  (Anthropic, api) => {
    test('text, stop reason, usage and request id', async () => {
      const { data, request_id: id } = await api.client.messages
        .create(ask('hello'))
        .withResponse();
      assert.equal(data.content[0].text, 'You said: hello');
      assert.equal(data.stop_reason, 'end_turn');
      assert.equal(data.usage.input_tokens, 2);
      assert.equal(data.usage.output_tokens, 4);
      assert.match(id, /^req_/);
    });

    test('a stop sequence ends the text and is named', async () => {
      rules({ reply: { text: 'one END two' } });
      const message = await api.client.messages.create(ask('x', { stop_sequences: ['END'] }));
      assert.equal(message.content[0].text, 'one ');
      assert.equal(message.stop_reason, 'stop_sequence');
      assert.equal(message.stop_sequence, 'END');
    });

    test('max_tokens cuts the text', async () => {
      rules({ reply: { text: 'a'.repeat(100) } });
      const message = await api.client.messages.create(ask('x', { max_tokens: 5 }));
      assert.equal(message.content[0].text.length, 20);
      assert.equal(message.stop_reason, 'max_tokens');
    });

    test('a marked prefix is written to the cache once and read the next time', async () => {
      const mark = { cache_control: { type: 'ephemeral' } };
      const system = [{ type: 'text', text: 'You help. '.repeat(40), ...mark }];
      const first = await api.client.messages.create(ask('one', { system }));
      const second = await api.client.messages.create(ask('two', { system }));
      assert.equal(first.usage.cache_creation_input_tokens, 100);
      assert.equal(first.usage.cache_read_input_tokens, 0);
      assert.equal(second.usage.cache_creation_input_tokens, 0);
      assert.equal(second.usage.cache_read_input_tokens, 100);
      assert.equal(second.usage.input_tokens, 1);
    });

    test('a JSON format is obeyed without a script for it', async () => {
      const properties = {
        intent: { enum: ['billing', 'order_status'] },
        score: { type: 'number' },
      };
      const schema = { type: 'object', additionalProperties: false, properties };
      const format = { type: 'json_schema', schema: { ...schema, required: ['intent', 'score'] } };
      const message = await api.client.messages.create(
        ask('what is the status of my order', { output_config: { format } }),
      );
      assert.deepEqual(JSON.parse(message.content[0].text), { intent: 'order_status', score: 0 });
    });

    test('tokens can be counted, models listed', async () => {
      const count = await api.client.messages.countTokens({
        model: MODEL,
        messages: ask('12345678').messages,
      });
      assert.equal(count.input_tokens, 2);
      const page = await api.client.models.list();
      assert.ok(page.data.some((model) => model.id === MODEL));
      assert.equal((await api.client.models.retrieve(MODEL)).id, MODEL);
    });
  },
]);

suites.push([
  'streams',
  (Anthropic, api) => {
    test('the accumulator of the SDK gives the same message as a plain call', async () => {
      const text = 'Grüße aus Venlo: your order 🚚 is on its way.';
      rules({ reply: { text, chunk_chars: 3 } });
      const plain = await api.client.messages.create(ask('x'));
      const stream = api.client.messages.stream(ask('x'));
      const pieces = [];
      stream.on('text', (piece) => pieces.push(piece));
      const streamed = await stream.finalMessage();
      assert.equal(streamed.content[0].text, text);
      assert.equal(pieces.join(''), text);
      assert.ok(pieces.length > 10);
      assert.deepEqual(streamed.usage, { ...plain.usage });
      assert.equal(streamed.stop_reason, plain.stop_reason);
    });

    test('events come in the documented order', async () => {
      const kinds = [];
      for await (const event of await api.client.messages.create(ask('x', { stream: true })))
        if (kinds.at(-1) !== event.type) kinds.push(event.type);
      assert.deepEqual(kinds, [
        'message_start',
        'content_block_start',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ]);
    });

    test('pings, unknown events and bytes one at a time change nothing', async () => {
      const fault = { ping_every: 2, split_bytes: 1, line_end: 'crlf' };
      rules({ reply: { text: 'Grüße 🚚 !', chunk_chars: 1 }, fault });
      const message = await api.client.messages.stream(ask('x')).finalMessage();
      assert.equal(message.content[0].text, 'Grüße 🚚 !');
    });

    test('thinking comes first, with a signature that must come back unchanged', async () => {
      rules({ reply: { thinking: 'They want the order.', text: 'Let me see.' } });
      const thinking = { type: 'enabled', budget_tokens: 1024 };
      const body = ask('x', { max_tokens: 4000, thinking });
      const message = await api.client.messages.stream(body).finalMessage();
      assert.deepEqual(
        message.content.map((block) => block.type),
        ['thinking', 'text'],
      );
      const next = (content) => ({
        ...body,
        messages: [
          ...body.messages,
          { role: 'assistant', content },
          { role: 'user', content: 'y' },
        ],
      });
      await api.client.messages.create(next(message.content));
      const forged = [{ ...message.content[0], thinking: 'They want money.' }, message.content[1]];
      await assert.rejects(api.client.messages.create(next(forged)), Anthropic.BadRequestError);
    });
  },
]);

suites.push([
  'tools',
  (Anthropic, api) => {
    test('parallel calls stream their arguments in fragments', async () => {
      rules({
        when: { last: 'user' },
        reply: { text: 'Looking.', tool_calls: CALLS, chunk_chars: 4 },
      });
      const message = await api.client.messages
        .stream(ask('x', { tools: [ORDER_TOOL] }))
        .finalMessage();
      const calls = message.content.filter((block) => block.type === 'tool_use');
      assert.deepEqual(
        calls.map((call) => call.input),
        CALLS.map((call) => call.arguments),
      );
      assert.equal(message.stop_reason, 'tool_use');
      assert.notEqual(calls[0].id, calls[1].id);
    });

    test('results reach the script by name, and may be errors', async () => {
      rules(
        { when: { last: 'user' }, reply: { tool_calls: [CALLS[0]] } },
        {
          when: { tool_result: { is_error: true } },
          reply: { text: 'It failed: {{result.detail}}' },
        },
        {
          when: { tool_result: { name: 'get_order' } },
          reply: { text: 'It is {{result.status}}.' },
        },
      );
      const body = ask('x', { tools: [ORDER_TOOL] });
      const asked = await api.client.messages.create(body);
      const answered = (more) => ({
        ...body,
        messages: [
          ...body.messages,
          { role: 'assistant', content: asked.content },
          {
            role: 'user',
            content: [{ type: 'tool_result', tool_use_id: asked.content[0].id, ...more }],
          },
        ],
      });
      const good = await api.client.messages.create(answered({ content: '{"status":"shipped"}' }));
      assert.equal(good.content[0].text, 'It is shipped.');
      const bad = answered({
        is_error: true,
        content: [{ type: 'text', text: '{"detail":"gone"}' }],
      });
      assert.equal((await api.client.messages.create(bad)).content[0].text, 'It failed: gone');
    });

    test('a forced tool is called; one call only, or none, when asked so', async () => {
      const tools = [ORDER_TOOL];
      const forced = { type: 'tool', name: 'get_order' };
      const one = await api.client.messages.create(ask('BW-1', { tools, tool_choice: forced }));
      assert.deepEqual(one.content.find((b) => b.type === 'tool_use').input, {
        order_number: 'BW-1',
      });
      rules({ reply: { text: 'Hm.', tool_calls: CALLS } });
      const single = { type: 'auto', disable_parallel_tool_use: true };
      const few = await api.client.messages.create(ask('x', { tools, tool_choice: single }));
      assert.equal(few.content.filter((b) => b.type === 'tool_use').length, 1);
      const none = await api.client.messages.create(
        ask('x', { tools, tool_choice: { type: 'none' } }),
      );
      assert.equal(none.stop_reason, 'end_turn');
    });

    // The newer SDK's helper keeps its history on the vendor's side, in threads, a beta of its own.
    const helper = Anthropic === Sdk2023 ? test : () => null;
    helper('the helper of the SDK runs a whole loop', async () => {
      rules(
        { when: { last: 'user' }, reply: { tool_calls: CALLS } },
        { when: { last: 'tool_result' }, reply: { text: '{{results.0.n}} and {{results.1.n}}' } },
      );
      let n = 0;
      const runner = api.client.beta.messages.toolRunner(
        ask('x', { tools: [{ ...ORDER_TOOL, run: async () => JSON.stringify({ n: ++n }) }] }),
      );
      const last = await runner.runUntilDone();
      assert.equal(last.content[0].text, '1 and 2');
      assert.equal(fake.requests().length, 2);
    });
  },
]);

suites.push([
  'a request is refused for',
  (Anthropic, api) => {
    for (const [why, more, complaint] of REFUSED)
      test(why, async () => {
        await assert.rejects(api.client.messages.create(ask('x', more)), (e) => {
          assert.ok(e instanceof Anthropic.BadRequestError, String(e));
          assert.equal(e.type, 'invalid_request_error');
          assert.match(e.message, complaint);
          return true;
        });
      });

    test('no key, a wrong key, a forbidden key, no version, an unknown model', async () => {
      const as = (apiKey) => new Anthropic({ apiKey, baseURL: fake.url, maxRetries: 0 });
      const create = (api) => api.messages.create(ask('x'));
      await assert.rejects(create(as('sk-invalid')), Anthropic.AuthenticationError);
      await assert.rejects(create(as('sk-forbidden')), Anthropic.PermissionDeniedError);
      const bare = await fetch(`${fake.url}/v1/messages`, { method: 'POST', body: '{}' });
      assert.equal(bare.status, 401);
      const headers = { 'x-api-key': 'sk-good', 'content-type': 'application/json' };
      const old = await fetch(`${fake.url}/v1/messages`, { method: 'POST', headers, body: '{}' });
      assert.match((await old.json()).error.message, /anthropic-version/);
      fake.load({ models: ['only-this'], rules: [] });
      await assert.rejects(create(api.client), Anthropic.NotFoundError);
    });

    test('a body that is not JSON, or not UTF-8', async () => {
      const headers = {
        'x-api-key': 'k',
        'anthropic-version': '2023-06-01',
        'content-type': 'application/json',
      };
      for (const body of ['{"a":', Buffer.from([0x22, 0xff, 0x22])]) {
        const res = await fetch(`${fake.url}/v1/messages`, { method: 'POST', headers, body });
        assert.equal(res.status, 400);
        assert.match((await res.json()).error.message, /not valid JSON/);
      }
    });
  },
]);

suites.push([
  'faults',
  (Anthropic, api) => {
    const ERRORS = [
      [400, Anthropic.BadRequestError, 'invalid_request_error'],
      [401, Anthropic.AuthenticationError, 'authentication_error'],
      [402, Anthropic.APIError, 'billing_error'],
      [403, Anthropic.PermissionDeniedError, 'permission_error'],
      [404, Anthropic.NotFoundError, 'not_found_error'],
      [413, Anthropic.APIError, 'request_too_large'],
      [429, Anthropic.RateLimitError, 'rate_limit_error'],
      [500, Anthropic.InternalServerError, 'api_error'],
      [504, Anthropic.InternalServerError, 'timeout_error'],
      [529, Anthropic.InternalServerError, 'overloaded_error'],
    ];
    for (const [status, kind, type] of ERRORS)
      test(`status ${status} is a ${type}`, async () => {
        rules({ fault: { status } });
        await assert.rejects(api.client.messages.create(ask('x')), (e) => {
          assert.ok(e instanceof kind, e.constructor.name);
          assert.equal(e.status, status);
          assert.equal(e.error.error.type, type);
          assert.match(e.requestID, /^req_/);
          return true;
        });
      });

    test('429 then 529 then an answer: the SDK retries as told', async () => {
      const now = { 'retry-after-ms': '1' };
      rules(
        { id: 'limit', times: 1, fault: { status: 429, headers: { ...now, 'retry-after': '0' } } },
        { id: 'busy', times: 1, fault: { status: 529, headers: now } },
        { id: 'ok', reply: { text: 'Here.' } },
      );
      const patient = api.client.withOptions({ maxRetries: 3 });
      assert.equal((await patient.messages.create(ask('x'))).content[0].text, 'Here.');
      assert.deepEqual(
        fake.requests().map((row) => row.rule),
        ['limit', 'busy', 'ok'],
      );
    });

    test('x-should-retry: false is obeyed', async () => {
      rules({ fault: { status: 500, headers: { 'x-should-retry': 'false' } } });
      const patient = api.client.withOptions({ maxRetries: 3 });
      await assert.rejects(patient.messages.create(ask('x')), Anthropic.InternalServerError);
      assert.equal(fake.requests().length, 1);
    });

    test('an error event in the middle of a stream', async () => {
      rules({ reply: { text: 'a long answer', chunk_chars: 2 }, fault: { error_after: 4 } });
      await assert.rejects(api.client.messages.stream(ask('x')).finalMessage(), (e) => {
        assert.match(e.message, /overloaded_error/);
        return true;
      });
    });

    for (const [why, fault] of [
      ['between two events', { cut: 4 }],
      ['inside an event', { cut_inside: 4 }],
      ['before any byte', { reset: true }],
    ])
      test(`a connection that is cut ${why} is no answer`, async () => {
        rules({ reply: { text: 'a long answer', chunk_chars: 2 }, fault });
        await assert.rejects(api.client.messages.stream(ask('x')).finalMessage());
      });

    test('a stall is seen as such, and a client that gives up is noticed', async () => {
      rules({ reply: { text: 'a long answer', chunk_chars: 2 }, fault: { stall: 5 } });
      const stream = api.client.messages.stream(ask('x'));
      const failed = assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
      const stalled = await fake.atLeast(1, (row) => row.outcome === 'stalled');
      assert.equal(stalled[0].events, 5);
      stream.abort();
      await failed;
      const [row] = await fake.atLeast(1, (r) => r.outcome === 'client_closed');
      assert.equal(row.events, 5);
    });

    test('virtual steps hold an answer back until they are advanced', async () => {
      fake.load({
        clock: { mode: 'manual' },
        rules: [{ reply: { text: 'late', first_byte_steps: 2, delta_steps: 0 } }],
      });
      const answer = api.client.messages.create(ask('x'));
      await fake.atLeast(1, (row) => row.rule === 'rules[0]');
      const early = await Promise.race([
        answer,
        new Promise((r) => setImmediate(r, 'nothing yet')),
      ]);
      assert.equal(early, 'nothing yet');
      fake.advance(2);
      assert.equal((await answer).content[0].text, 'late');
    });

    test('a wrong content type, a broken body, a broken event, an empty answer', async () => {
      rules({ fault: { content_type: 'text/html' } });
      const html = await api.client.messages.create(ask('x'));
      assert.equal(typeof html, 'string', 'the SDK hands over what is not JSON as text');
      rules({ fault: { malformed: true } });
      await assert.rejects(api.client.messages.create(ask('x')), SyntaxError);
      rules({ reply: { text: 'ok' }, fault: { malformed: 3 } });
      await assert.rejects(api.client.messages.stream(ask('x')).finalMessage());
      rules({ fault: { empty: true } });
      await assert.rejects(api.client.messages.create(ask('x')));
    });

    test('arguments that are not JSON', async () => {
      rules({ reply: { tool_calls: [CALLS[0]] }, fault: { invalid_arguments: true } });
      const body = ask('x', { tools: [ORDER_TOOL] });
      let raw = '';
      for await (const { delta } of await api.client.messages.create({ ...body, stream: true }))
        raw += delta?.partial_json ?? '';
      assert.throws(() => JSON.parse(raw), SyntaxError);
      const whole = await api.client.messages.create(body);
      assert.equal(typeof whole.content[0].input, 'string');
    });

    test('sampling parameters are refused by the version that dropped them', async () => {
      const create = api.client.messages.create(ask('x', { temperature: 0.5 }));
      if (Anthropic === Sdk2023) assert.ok(await create);
      else await assert.rejects(create, /temperature: Extra inputs/);
    });

    test('a huge answer arrives whole', async () => {
      rules({ fault: { huge_bytes: 3_000_000 } });
      const message = await api.client.messages.stream(ask('x')).finalMessage();
      assert.ok(message.content[0].text.length >= 3_000_000);
    });

    test('a stream without usage or without its end', async () => {
      rules({ reply: { text: 'ok' }, fault: { no_end: true } });
      const stream = api.client.messages.stream(ask('x'));
      await assert.rejects(stream.finalMessage(), /without producing|ended/);
    });
  },
]);

for (const [version, Anthropic] of [
  ['2023-06-01', Sdk2023],
  ['2026-10-21', Sdk2026],
])
  describe(version, () => {
    const api = {};
    before(async () => {
      fake = await FakeLlm.start();
      const client = new Anthropic({ apiKey: 'sk-good', baseURL: fake.url, maxRetries: 0 });
      api.client = client;
    });
    after(() => fake.close());
    beforeEach(() => fake.reset());
    for (const [name, suite] of suites) describe(name, () => suite(Anthropic, api));
  });
