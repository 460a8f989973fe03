// The same product with the model on a server that speaks Anthropic's or OpenAI's wire format, and
// everything a provider can do wrong. The fake refuses what the vendors refuse, so a request that
// got an answer had the right shape.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FakeLlm } from '../fake/llm/fake.js';
import { agentYaml, ORDER_TOOL } from './agent_yaml.js';
import { Api, Visitor } from './api.js';
import { ADMIN, ROOT, skip, startRapport } from './rapport.js';

const MODELS = { anthropic: 'claude-sonnet-5-5', openai: 'gpt-5.4' };
const KEYS = { anthropic: 'sk-ant-wire-4711', openai: 'sk-oai-wire-4712' };
const NOW = { headers: { 'retry-after': '0', 'retry-after-ms': '1' } };
const STALL_TEXT = 'These words are only the beginning of something longer.';
const IDLE_MS = 5000; // longer than a busy machine keeps an answer that comes
const STALL_WAIT_MS = 60_000;
const OTHER = { anthropic: 'openai', openai: 'anthropic' };

/** The program's configuration for two providers on the fake. */
function providers(fake) {
  const row = (kind, base) => ({
    name: kind,
    kind,
    base_url: base,
    key_env: `WIRE_KEY_${kind.toUpperCase()}`,
    allow_private: true,
    models: [{ name: MODELS[kind], class: 'balanced', price_in: 3, price_out: 15 }],
  });
  return [row('anthropic', fake.url), row('openai', `${fake.url}/v1`)];
}

describe('models', { skip }, () => {
  let fake;
  let server;
  let admin;
  before(async () => {
    fake = await FakeLlm.start();
    const llm = { providers: providers(fake), idle_timeout_ms: IDLE_MS, backoff_ms: 1 };
    const env = { WIRE_KEY_ANTHROPIC: KEYS.anthropic, WIRE_KEY_OPENAI: KEYS.openai };
    server = await startRapport({ config: { llm }, env });
    const ingrid = await Api.login(server, ADMIN);
    const { key } = await ingrid.post('/keys', { name: 'wire', scopes: ['*'] });
    admin = new Api(server, key); // outlives the hours that these tests let pass
    const yaml = await readFile(join(ROOT, 'samples/brightwell/agents/support.yaml'), 'utf8');
    for (const wire of Object.keys(MODELS)) {
      const llmConfig = { provider: wire, model: MODELS[wire], max_tokens: 500 };
      const full = yaml
        .replace(/^slug: .*$/m, `slug: support-${wire}`)
        .replace(
          /^config_id: .*$/m,
          `config_id: 01a1e1a7-4c00-7bf${wire === 'openai' ? 1 : 2}-8000-000000000001`,
        )
        .replace(/^llm_config: .*$/m, `llm_config: ${JSON.stringify(llmConfig)}`);
      await admin.post('/agents', { yaml: full, message: 'wire' });
      const other = OTHER[wire];
      const llm = { ...llmConfig, fallback: { provider: other, model: MODELS[other] } };
      const small = agentYaml({
        slug: `small-${wire}`,
        tools: [ORDER_TOOL],
        llm,
      });
      await admin.post('/agents', { yaml: small, message: 'wire' });
    }
  });
  after(async () => {
    await server?.stop();
    await fake?.close();
    for (const key of Object.values(KEYS))
      assert.ok(!server?.log.includes(key), 'a key was logged');
  });
  beforeEach(async () => {
    fake.reset();
    // What one test broke is trusted again in the next: circuits close after a while.
    await admin.post('/admin/clock', { advance_ms: 60_000 });
  });

  const visit = (agent) =>
    Visitor.start(server, { agent: `brightwell/${agent}`, contact: server.visitor });
  const rules = (...list) => fake.load({ rules: list });
  const chats = () => fake.requests((row) => /messages$|completions$/.test(row.path));
  const runOf = (answer) => admin.get(`/runs/${answer.run_id}`);
  const conversationOf = (visitor) => admin.get(`/conversations/${visitor.conversation}`);
  async function processingOrder(skipCount) {
    const rows = await admin.all('/records/order?limit=200');
    const mine = (r) => r.account === 'nordvik-logistics' && r.status === 'processing';
    return rows.filter(mine)[skipCount];
  }

  for (const [i, wire] of Object.keys(MODELS).entries())
    describe(wire, () => {
      test('the order journey, with a model in the middle', async () => {
        fake.load({ builtin: 'brightwell' });
        const order = await processingOrder(0);
        assert.ok(order, `an order is left to cancel (${i})`);
        const visitor = await visit(`support-${wire}`);
        assert.match((await visitor.ask("I'd like to cancel my order")).text, /Which order/);
        const looked = await visitor.ask(order.number);
        assert.match(looked.text, new RegExp(`${order.number}.*May I ask why`, 's'));
        const asked = await visitor.ask('We ordered it twice');
        assert.match(asked.text, new RegExp(`cancel order ${order.number}\\?`));
        assert.match((await visitor.ask('yes')).text, /cancelled/);
        const now = (await admin.all('/records/order?limit=200')).find((r) => r.id === order.id);
        assert.equal(now.status, 'cancelled');
        const cited = await visitor.ask('How do I pair a scanner with the app?');
        assert.ok(cited.citations.length > 0, JSON.stringify(cited));
        await visitor.ask('I want to talk to a human');
        assert.equal((await conversationOf(visitor)).status, 'escalated');
        assert.deepEqual(
          chats().filter((row) => row.outcome === 'refused'),
          [],
        );
        assert.ok(chats().every((row) => row.wire === wire));
      });

      test('the answer streams to the visitor, and the run shows what it cost', async () => {
        const text = 'A rather long answer about 🚚 and Grüße, streamed in small pieces.';
        rules({ reply: { text, chunk_chars: 5 } });
        const visitor = await visit(`small-${wire}`);
        const socket = await visitor.socket();
        await socket.next((frame) => frame.type === 'hello');
        socket.send({ type: 'message', client_id: 's-1', text: 'hi' });
        const { message } = await socket.next(
          (f) => f.type === 'message' && f.message.role === 'ai',
        );
        assert.equal(message.text, text);
        const pieces = socket.all.filter((frame) => frame.type === 'delta');
        assert.equal(pieces.map((frame) => frame.text).join(''), text);
        assert.ok(pieces.length > 1);
        await socket.close();
        const [call] = (await runOf(message)).steps.flatMap((step) => step.llm_calls);
        assert.equal(call.provider, wire);
        assert.equal(call.model, MODELS[wire]);
        assert.ok(call.tokens_in > 0 && call.tokens_out > 0 && call.cost_microcents > 0);
        const [row] = chats();
        const auth = { anthropic: 'x-api-key', openai: 'authorization' }[wire];
        assert.ok(row.headers[auth].endsWith(KEYS[wire]));
        if (wire === 'anthropic') assert.equal(row.headers['anthropic-version'], '2023-06-01');
        else assert.equal(row.body.stream_options.include_usage, true);
      });

      test('parallel tool calls are all answered, in one go', async () => {
        rules(
          {
            when: { last: 'user' },
            reply: {
              tool_calls: ['BW-00001', 'BW-00002'].map((order_number) => ({
                name: 'get_order',
                arguments: { order_number },
              })),
            },
          },
          { when: { last: 'tool_result' }, reply: { text: 'Neither is yours.' } },
        );
        const visitor = await visit(`small-${wire}`);
        const answer = await visitor.ask('look');
        assert.equal(answer.text, 'Neither is yours.');
        assert.equal(chats().length, 2);
        const calls = (await runOf(answer)).steps.flatMap((step) => step.tool_calls);
        assert.equal(calls.length, 2);
        assert.equal(new Set(calls.map((call) => call.idempotency_key)).size, 2);
      });

      test('arguments that are no JSON or break the schema, and an unknown tool', async () => {
        const wrong = (reply, fault) => ({ times: 1, when: { last: 'user' }, reply, fault });
        const call = (name, args) => ({ tool_calls: [{ name, arguments: args }] });
        for (const rule of [
          wrong({ tool_calls: [{ name: 'get_order', raw_arguments: '{"order_number": BW' }] }),
          wrong(call('get_order', { order_number: 'not one' })),
          wrong(call('get_order', { order_number: 'BW-10421', extra: 1 })),
          wrong(call('delete_everything', {})),
        ]) {
          fake.reset();
          rules(rule, { when: { last: 'tool_result' }, reply: { text: 'I was told: {{result}}' } });
          const visitor = await visit(`small-${wire}`);
          const answer = await visitor.ask('look');
          assert.match(answer.text, /I was told/);
          assert.equal(chats().length, 2);
          assert.deepEqual(
            chats().filter((row) => row.outcome === 'refused'),
            [],
          );
        }
      });

      test('busy twice, then an answer: asked again, nobody notices', async () => {
        const status = wire === 'anthropic' ? 529 : 503;
        rules(
          { times: 1, fault: { status: 429, ...NOW } },
          { times: 1, fault: { status, ...NOW } },
          { reply: { text: 'Here now.' } },
        );
        const visitor = await visit(`small-${wire}`);
        assert.equal((await visitor.ask('hi')).text, 'Here now.');
        assert.deepEqual(
          chats().map((row) => row.wire),
          [wire, wire, wire],
        );
      });

      const BAD = [
        ['errors without end', { status: 500, ...NOW }],
        ['a wrong content type', { content_type: 'text/html' }],
        ['an empty answer', { empty: true }],
        ['a reset before any byte', { reset: true }],
        ['a cut before any text', { cut: 1 }],
        ['a broken first event', { malformed: 0 }],
        ['a refused key', { status: 401 }],
        [
          'an unpaid account',
          { status: wire === 'anthropic' ? 402 : 429, type: 'insufficient_quota' },
        ],
      ];
      for (const [why, fault] of BAD)
        test(`${why}: the fall-back answers`, async () => {
          rules(
            { when: { wire }, fault },
            { when: { wire: OTHER[wire] }, reply: { text: 'The other one here.' } },
          );
          const visitor = await visit(`small-${wire}`);
          const answer = await visitor.ask('hi');
          assert.equal(answer.text, 'The other one here.');
          const last = (await runOf(answer)).steps.flatMap((step) => step.llm_calls).at(-1);
          assert.equal(last.provider, OTHER[wire]);
        });

      for (const [why, fault] of [
        ['is cut', { cut: 6 }],
        ['breaks off with an error', { error_after: 6 }],
      ])
        test(`a stream that ${why} after the first words leaves no half answer`, async () => {
          const text = 'These words are only the beginning of something longer.';
          rules({ reply: { text, chunk_chars: 3 }, fault });
          const visitor = await visit(`small-${wire}`);
          const socket = await visitor.socket();
          await socket.next((frame) => frame.type === 'hello');
          socket.send({ type: 'message', client_id: 'c-1', text: 'hi' });
          const { turn } = await socket.next((frame) => frame.type === 'delta');
          await socket.next(
            (f) =>
              (f.type === 'retract' && f.turn === turn) ||
              (f.type === 'message' && f.message.role === 'ai'),
            { what: 'an end of the turn' },
          );
          const said = (await visitor.messages()).filter((m) => m.role === 'ai');
          assert.ok(
            !said.some((m) => text.startsWith(m.text) && m.text !== text),
            JSON.stringify(said),
          );
          await socket.close();
        });

      test('an answer without end is never sent; a person is asked', async () => {
        rules({ fault: { huge_bytes: 4_000_000 } });
        const visitor = await visit(`small-${wire}`);
        const sent = await visitor.post('hi');
        const { text } = await visitor.reply(sent.body.message.seq);
        assert.ok(Buffer.byteLength(text) <= 6000, `${text.length} characters`);
        assert.equal((await conversationOf(visitor)).status, 'escalated');
      });

      test('when no model answers, the visitor is told and a person is asked', async () => {
        rules({ fault: { status: 500, ...NOW } });
        const visitor = await visit(`support-${wire}`);
        const answer = await visitor.ask('Where is my order?');
        assert.match(answer.text, /colleague/);
        const conversation = await conversationOf(visitor);
        assert.deepEqual([conversation.status, conversation.owner], ['escalated', 'human']);
        assert.match(conversation.escalation.reason, /unavailable/);
        rules({ reply: { text: 'Back again.' } });
        await admin.post('/admin/clock', { advance_ms: 60_000 });
        const next = await visit(`support-${wire}`);
        assert.equal((await next.ask('hello')).text, 'Back again.');
      });

      test('an answer that a newer message overtook is not sent', async () => {
        fake.load({
          clock: { mode: 'manual' },
          rules: [
            { times: 1, reply: { text: 'too late', first_byte_steps: 1 } },
            { reply: { text: 'Now: {{user}}' } },
          ],
        });
        const visitor = await visit(`small-${wire}`);
        await visitor.post('first');
        await fake.atLeast(1, (row) => row.rule === 'rules[0]');
        const second = await visitor.post('second');
        fake.advance(1);
        const answer = await visitor.answer(second.body.message.seq);
        assert.match(answer.text, /^Now: .*second/s);
        const said = (await visitor.messages()).filter((m) => m.role === 'ai');
        assert.deepEqual(
          said.map((m) => m.id),
          [answer.id],
        );
      });
    });

  // A stream that is silent for 20 s has stalled. All of them wait together.
  test('a stall before any text: the fall-back answers; after it: no half answer', async () => {
    const wires = Object.keys(MODELS);
    const stalls = (wire) => [
      { when: { wire, user: `early ${wire}` }, fault: { stall: 1 } },
      { when: { user: `early ${wire}` }, reply: { text: 'The other one here.' } },
      { when: { wire, user: `late ${wire}` }, reply: { text: STALL_TEXT }, fault: { stall: 6 } },
    ];
    const ask = async (wire, text) => (await visit(`small-${wire}`)).ask(text, STALL_WAIT_MS);
    for (const wire of wires) await ask(wire, 'hello'); // a circuit half open lets one through
    rules(...wires.flatMap(stalls));
    const early = wires.map((wire) => ask(wire, `early ${wire}`));
    const late = wires.map((wire) => ask(wire, `late ${wire}`));
    for (const answer of await Promise.all(early)) assert.equal(answer.text, 'The other one here.');
    for (const answer of await Promise.all(late))
      assert.ok(!STALL_TEXT.startsWith(answer.text), answer.text);
  });

  test('an agent of the built-in engine needs no provider at all', async () => {
    rules({ fault: { status: 500 } });
    const yaml = (await readFile(join(ROOT, 'samples/brightwell/agents/support.yaml'), 'utf8'))
      .replace(/^slug: .*$/m, 'slug: support-inside')
      .replace(/^config_id: .*$/m, 'config_id: 01a1e1a7-4c00-7bf9-8000-000000000001')
      .replace(/^llm_config: .*$/m, 'llm_config: {provider: builtin}');
    await admin.post('/agents', { yaml, message: 'wire' });
    const visitor = await visit('support-inside');
    assert.match((await visitor.ask('Where is my order?')).text, /BW-/);
    assert.equal(fake.requests().length, 0);
  });
});
