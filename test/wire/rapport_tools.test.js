// HTTP tools against a server of the org's own: signed, retried under one idempotency key, never
// sent where they may not go. The model is scripted to call what it is told to.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FakeLlm } from '../fake/llm/fake.js';
import { FakeWebhook } from '../fake/webhook/fake.js';
import { agentYaml } from './agent_yaml.js';
import { Api, Visitor } from './api.js';
import { ADMIN, skip, startRapport } from './rapport.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const MODEL = 'claude-sonnet-5-5';

function httpTool(name, url, more = {}) {
  return {
    name,
    description: `Calls ${name}.`,
    parameters: { type: 'object', properties: { cents: { type: 'integer' } } },
    result: { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' } } },
    status: 'implemented',
    timeout_s: 20,
    side_effects: false,
    ...more.tool,
    run: {
      http: {
        method: 'POST',
        url,
        allow_private: true,
        ...(more.http ?? { secret_ref: 'wire', sign: true, retries: 2 }),
      },
    },
  };
}

describe('HTTP tools', { skip }, () => {
  let llm;
  let hook;
  let server;
  let admin;
  before(async () => {
    llm = await FakeLlm.start();
    hook = await FakeWebhook.start();
    const provider = {
      name: 'anthropic',
      kind: 'anthropic',
      base_url: llm.url,
      key_env: 'WIRE_KEY',
      allow_private: true,
      models: [{ name: MODEL, class: 'balanced' }],
    };
    const tools = { allow_private: true };
    const env = { WIRE_KEY: 'sk-wire' };
    server = await startRapport({ config: { llm: { providers: [provider] }, tools }, env });
    admin = await Api.login(server, ADMIN);
    await admin.put('/secrets/wire', { value: SECRET });
    const list = [
      httpTool('refund', `${hook.url}/refund`),
      httpTool('hurried', `${hook.url}/refund`, { tool: { timeout_s: 3 } }),
      httpTool('balance', `${hook.url}/balance`, { http: { method: 'GET', secret_ref: 'wire' } }),
      httpTool('metadata', 'http://169.254.169.254/latest/', { http: { allow_private: false } }),
      httpTool('elsewhere', `${hook.url}/elsewhere`, { http: { allow_private: false } }),
    ];
    const yaml = agentYaml({
      slug: 'hook',
      tools: list,
      llm: { provider: 'anthropic', model: MODEL },
    });
    await admin.post('/agents', { yaml, message: 'wire' });
  });
  after(async () => {
    await server?.stop();
    await Promise.all([llm?.close(), hook?.close()]);
    assert.ok(!server?.log.includes(SECRET.slice(6)), 'the secret was logged');
  });
  beforeEach(() => {
    hook.reset();
    llm.reset();
    llm.load({
      rules: [
        {
          when: { last: 'user', user: 'call (\\w+)' },
          reply: { tool_calls: [{ name: '{{match.1}}', arguments: { cents: 100 } }] },
        },
        { when: { last: 'tool_result' }, reply: { text: 'It said {{result}}' } },
      ],
    });
  });

  /** What the model was told, and the journaled call. */
  async function use(tool) {
    const visitor = await Visitor.start(server, {
      agent: 'brightwell/hook',
      contact: server.visitor,
    });
    const answer = await visitor.ask(`call ${tool}`);
    const run = await admin.get(`/runs/${answer.run_id}`);
    return { answer, call: run.steps.flatMap((step) => step.tool_calls)[0] };
  }

  test('is signed, carries its key, and its result reaches the model', async () => {
    hook.load({
      secrets: [SECRET],
      now_s: 'real',
      rules: [{ reply: { json: { ok: true, n: 7 } } }],
    });
    const { answer, call } = await use('refund');
    assert.match(answer.text, /"n":7/);
    assert.equal(call.status, 'done');
    assert.deepEqual(call.result, { ok: true, n: 7 });
    const [row] = hook.requests();
    assert.equal(row.signature, 'good');
    assert.equal(row.headers['content-type'].split(';')[0], 'application/json');
    assert.equal(row.headers['idempotency-key'], call.idempotency_key);
    assert.deepEqual(row.body.cents ?? row.body.arguments?.cents ?? row.body.data?.cents, 100);
    assert.match(row.headers.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-\d\d$/);
  });

  test('a GET has no body, and the secret as its bearer token when it is not signed', async () => {
    hook.load({ rules: [{ reply: { json: { ok: true } } }] });
    await use('balance');
    const [row] = hook.requests();
    assert.equal(row.method, 'GET');
    assert.equal(row.raw, '');
    assert.equal(row.headers['webhook-signature'], undefined);
    assert.equal(row.headers.authorization, `Bearer ${SECRET}`);
    assert.match(row.path, /cents=100/);
  });

  test('500 twice, then an answer: asked three times under one key, done once', async () => {
    hook.load({ rules: [{ times: 2, fault: { status: 500 } }, { reply: { json: { ok: true } } }] });
    const { call } = await use('refund');
    assert.equal(call.status, 'done');
    assert.equal(hook.requests().length, 3);
    assert.equal(new Set(hook.requests().map((row) => row.key)).size, 1);
    assert.equal(hook.effects.length, 1);
  });

  test('an answer that is lost after the thing was done is not done twice', async () => {
    hook.load({
      rules: [
        { times: 1, fault: { reset: true, effect_first: true }, reply: { json: { ok: true } } },
      ],
    });
    const { call } = await use('refund');
    assert.equal(call.status, 'done');
    assert.equal(hook.effects.length, 1);
    assert.equal(hook.effects[0].asked, 2);
  });

  const FAILURES = [
    ['answers 500 without end', { status: 500 }, 3],
    ['refuses', { status: 400, json: { detail: 'No such refund.' } }, 1],
    ['answers with HTML', { body: '<p>', content_type: 'text/html' }, null],
    ['answers with broken JSON', { body: '{"ok":' }, null],
    ['breaks its schema', { body: '{"ok":"yes"}' }, null],
    ['answers with megabytes', { huge_bytes: 64_000_000 }, null],
    ['redirects to a private address', { redirect: 'http://169.254.169.254/' }, 1],
    ['redirects to itself', { redirect: '/refund' }, 1],
  ];
  for (const [why, fault, times] of FAILURES)
    test(`a tool that ${why} fails for the model to hear, and the turn goes on`, async () => {
      hook.load({ rules: [{ fault }] });
      const { answer, call } = await use('refund');
      assert.equal(call.status, 'failed', JSON.stringify(call));
      assert.match(call.error, /\S/);
      assert.match(answer.text, /\S/);
      if (times) assert.equal(hook.requests().length, times);
    });

  test('a tool that never answers fails in time, which is for all attempts', async () => {
    hook.load({ rules: [{ fault: { stall: true } }] });
    const { answer, call } = await use('hurried');
    assert.equal(call.status, 'failed', JSON.stringify(call));
    assert.match(answer.text, /\S/);
    assert.equal((await hook.atLeast(1, () => true)).length, 1);
  });

  for (const name of ['metadata', 'elsewhere'])
    test(`a private address that was not allowed is never connected to (${name})`, async () => {
      const { call } = await use(name);
      assert.equal(call.status, 'failed');
      assert.match(call.error, /private|not allowed|denied|refused/i);
      assert.equal(hook.requests().length, 0);
    });
});
