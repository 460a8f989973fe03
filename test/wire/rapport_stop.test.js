// The program is asked to stop while what it waits for outside does not answer: it lets go of it
// within its time, and the next one takes the turns up where they were.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeLlm } from '../fake/llm/fake.js';
import { FakeWebhook } from '../fake/webhook/fake.js';
import { agentYaml } from './agent_yaml.js';
import { Api, Visitor } from './api.js';
import { ADMIN, newData, skip, startRapport, STORES } from './rapport.js';

const MODEL = 'gpt-5.4';
const AGENT = 'brightwell/patient';

/** What each visitor says, and where the first try of its turn comes to a halt. */
const HALTS = [
  { text: 'before a word', when: { user: 'before a word' }, fault: { stall: 'headers' } },
  { text: 'within a word', when: { user: 'within a word' }, fault: { stall: 2 } },
  { text: 'use the tool' },
];

const MODEL_SCRIPT = {
  rules: [
    ...HALTS.filter((halt) => halt.fault).map(({ when, fault }) => ({
      when,
      times: 1,
      fault,
      reply: { text: 'This will not be sent.', chunk_chars: 4 },
    })),
    { when: { tool_result: { name: 'order' } }, reply: { text: 'The tool is done.' } },
    {
      when: { user: 'use the tool' },
      reply: { text: '', tool_calls: [{ name: 'order', arguments: { what: 'tea' } }] },
    },
  ],
  default: { text: 'I heard: {{user}}' },
};

const toolOf = (url) => ({
  name: 'order',
  description: 'Orders something.',
  parameters: { type: 'object', required: ['what'], properties: { what: { type: 'string' } } },
  status: 'implemented',
  timeout_s: 60,
  side_effects: true,
  confirm: false,
  run: { http: { method: 'POST', url: `${url}/order`, allow_private: true, retries: 2 } },
});

const suite = (store) => () => {
  let llm;
  let tools;
  let server;
  const data = newData();
  before(async () => {
    llm = await FakeLlm.start();
    llm.load(MODEL_SCRIPT);
    tools = await FakeWebhook.start();
    tools.load({ rules: [{ path: '^/order', times: 1, fault: { stall: true } }] });
    const provider = {
      name: 'halting',
      kind: 'openai',
      base_url: `${llm.url}/v1`,
      key_env: 'WIRE_KEY',
      allow_private: true,
      models: [{ name: MODEL, class: 'balanced' }],
    };
    const config = { llm: { providers: [provider] }, tools: { allow_private: true } };
    server = await startRapport({ data: await data, store, config, env: { WIRE_KEY: 'sk-wire' } });
    const admin = await Api.login(server, ADMIN);
    const llmConfig = { provider: 'halting', model: MODEL };
    const yaml = agentYaml({ slug: 'patient', llm: llmConfig, tools: [toolOf(tools.url)] });
    await admin.post('/agents', { yaml, message: 'wire' });
  });
  after(async () => {
    await server?.stop();
    await llm?.close();
    await tools?.close();
  });

  test('it stops in time, and every turn is ended by the next one, once', async () => {
    const visitors = [];
    for (const { text } of HALTS) {
      const visitor = await Visitor.start(server, { agent: AGENT, contact: server.visitor });
      assert.equal((await visitor.post(text)).status, 201);
      visitors.push(visitor);
    }
    const isStalled = (entry) => entry.outcome === 'stalled';
    await llm.atLeast(2, isStalled);
    await tools.atLeast(1, isStalled);
    await server.stop({ keep: true }); // fails when it takes longer than half a minute
    server = await startRapport({ data: await data, demo: false, env: { WIRE_KEY: 'sk-wire' } });
    for (const [i, old] of visitors.entries()) {
      const visitor = await Visitor.start(server, { agent: AGENT, token: old.token });
      const expected = i === 2 ? 'The tool is done.' : `I heard: ${HALTS[i].text}`;
      assert.equal((await visitor.answer(0, 60_000)).text, expected);
      const said = (await visitor.messages()).filter((m) => m.role !== 'ai' || m.run_id);
      assert.deepEqual(
        said.map((m) => m.role),
        ['contact', 'ai'],
      );
    }
    const keys = tools
      .requests((r) => r.path === '/order')
      .map((r) => r.headers['idempotency-key']);
    assert.ok(keys.length >= 2);
    assert.equal(new Set(keys).size, 1, 'asked again under the same key');
  });
};

describe('a stop while others do not answer', { skip }, () => {
  for (const store of STORES) describe(store, suite(store));
});
