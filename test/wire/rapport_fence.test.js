// A process stands still in the middle of a turn (SIGSTOP) for so long that another takes its work
// over, and then goes on as if nothing had been: it notices, and nothing is done or said twice.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { FakeLlm } from '../fake/llm/fake.js';
import { agentYaml } from './agent_yaml.js';
import { Api, Visitor } from './api.js';
import { told, until } from './degrade.js';
import { ADMIN, newData, OPERATOR, ROOT, skip, startRapport } from './rapport.js';

const MODEL = 'gpt-5.4';
const AGENT = 'brightwell/doer';
const LEASE_MS = 10 * 60_000; // longer than any
const ENV = { WIRE_KEY: 'sk-wire' };
const LOST = /taken over by another process/;

/** Orders by key. The answer to a key's first request is held back until `release`. */
class Shop {
  calls = [];
  held = [];

  static async open() {
    const shop = new Shop();
    shop.server = http.createServer((req, res) => {
      req.resume().on('end', () => {
        const key = req.headers['idempotency-key'];
        const again = shop.calls.includes(key);
        shop.calls.push(key);
        const answer = () => {
          res.writeHead(200, { 'content-type': 'application/json' });
          res.end(JSON.stringify({ number: `T-${key.length}` }));
        };
        if (again || !shop.holds) answer();
        else shop.held.push(answer);
      });
    });
    await once(shop.server.listen(0, '127.0.0.1'), 'listening');
    shop.url = `http://127.0.0.1:${shop.server.address().port}`;
    return shop;
  }

  release() {
    for (const answer of this.held.splice(0)) answer();
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

const toolOf = (shop) => ({
  name: 'order',
  description: 'Orders something.',
  parameters: { type: 'object', required: ['what'], properties: { what: { type: 'string' } } },
  status: 'implemented',
  timeout_s: 60,
  side_effects: true,
  confirm: false,
  run: { http: { method: 'POST', url: `${shop.url}/order`, allow_private: true, retries: 2 } },
});

/** The model orders, and tells the number; what it says first may be held back. */
const scriptOf = (held) => ({
  clock: { mode: held ? 'manual' : 'auto' },
  rules: [
    { when: { tool_result: { name: 'order' } }, reply: { text: 'It is ordered.' } },
    {
      when: { user: 'please order' },
      reply: {
        text: '',
        tool_calls: [{ name: 'order', arguments: { what: 'tea' } }],
        first_byte_steps: held ? 1 : 0,
      },
    },
  ],
  default: { text: 'I heard: {{user}}' },
});

const noPostgres = process.env.RAPPORT_TEST_POSTGRES ? false : 'no PostgreSQL';

const WHAT = 'a process that stood still while another took its work over';

describe(WHAT, { skip: skip || noPostgres }, () => {
  let llm;
  let shop;
  let data;
  let first; // stands still
  let second;
  const start = () => startRapport({ data, demo: false, env: ENV });

  before(async () => {
    llm = await FakeLlm.start();
    shop = await Shop.open();
    data = await newData();
    const provider = {
      name: 'doer',
      kind: 'openai',
      base_url: `${llm.url}/v1`,
      key_env: 'WIRE_KEY',
      allow_private: true,
      models: [{ name: MODEL, class: 'balanced' }],
    };
    const config = { llm: { providers: [provider] }, tools: { allow_private: true } };
    first = await startRapport({ data, store: 'postgres', config, env: ENV });
    const admin = await Api.login(first, ADMIN);
    const llmConfig = { provider: 'doer', model: MODEL };
    const yaml = agentYaml({ slug: 'doer', llm: llmConfig, tools: [toolOf(shop)] });
    await admin.post('/agents', { yaml, message: 'wire' });
  });
  afterEach(async () => {
    await second?.stop({ keep: true });
    second = null;
  });
  after(async () => {
    await first?.stop();
    await llm?.close();
    shop?.close();
  });

  /** Its sessions end, as a database ends those of a machine that is gone. */
  async function cutOff() {
    const settings = JSON.parse(await readFile(join(data, 'rapport.yaml'), 'utf8'));
    const name = new URL(settings.store.url.replace('@/', '@localhost/')).pathname.slice(1);
    await promisify(execFile)(join(ROOT, 'tools/postgres-test'), ['cut', name]);
  }

  /** Its sessions stay open; only time frees what it holds. */
  async function leasesEnd() {
    const operator = await Api.login(second, OPERATOR);
    await operator.post('/admin/clock', { advance_ms: LEASE_MS });
  }

  const asked = (count) => llm.atLeast(count, (entry) => Boolean(entry.body?.messages));

  for (const [where, how, lose] of [
    ['while a tool is called', 'its sessions were cut', cutOff],
    ['while the model is asked', 'its sessions were cut', cutOff],
    ['while the model is asked', 'its leases ran out', leasesEnd],
  ])
    test(`${where}; ${how}`, async () => {
      const inTool = /tool/.test(where);
      llm.reset();
      llm.load(scriptOf(!inTool));
      shop.calls = [];
      shop.holds = inTool;
      const noticed = told(first, LOST);
      const visitor = await Visitor.start(first, { agent: AGENT, contact: first.visitor });
      const sent = await visitor.post('please order tea');
      if (inTool) await until('the call', () => shop.held.length);
      else await asked(1);
      process.kill(first.pid, 'SIGSTOP');
      try {
        second = await start();
        await lose();
        if (inTool) await until('the call of the other', () => shop.calls.length > 1);
        else await asked(2);
        llm.advance(1);
        const other = await Visitor.start(second, { agent: AGENT, token: visitor.token });
        assert.equal((await other.answer(sent.body.message.seq, 60_000)).text, 'It is ordered.');
      } finally {
        process.kill(first.pid, 'SIGCONT');
      }
      shop.release();
      await until('it notices', () => told(first, LOST) > noticed);
      await visitor.ask('and thank you', 60_000);
      const said = (await visitor.messages()).filter((m) => m.role === 'ai' && m.run_id);
      assert.deepEqual(
        said.map((m) => m.text),
        ['It is ordered.', 'I heard: and thank you'],
      );
      assert.equal(new Set(shop.calls).size, 1, 'one order');
      assert.equal(shop.calls.length, inTool ? 2 : 1, 'who lost the run calls nothing more');
      const admin = await Api.login(second, ADMIN);
      const path = `/conversations/${visitor.conversation}/runs`;
      const runs = (await admin.get(path)).items;
      assert.deepEqual(
        runs.map((run) => run.status),
        ['done', 'done'],
      );
    });
});
