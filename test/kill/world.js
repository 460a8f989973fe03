// What is killed and what is not: one or more processes of the program on one database, and beside
// them a model and a server that takes orders, both in processes that live on.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { FakeLlm } from '../fake/llm/fake.js';
import { agentYaml } from '../wire/agent_yaml.js';
import { Api } from '../wire/api.js';
import { ADMIN, newData, ROOT, startRapport } from '../wire/rapport.js';
import { MODEL_SCRIPT } from './model.js';

export const TOOL_SECRET = `whsec_${Buffer.alloc(32, 11).toString('base64')}`;
export const HOOK_SECRET = `whsec_${Buffer.alloc(32, 12).toString('base64')}`;
export const AGENT = 'brightwell/doer';
const MODEL = 'gpt-5.4';
const run = promisify(execFile);

/** Numbers in [0, 1) from a seed (mulberry32), so that a run can be repeated. */
export function randomOf(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function startLedger(seed) {
  const file = join(ROOT, 'test/fake/ledger/server.js');
  const args = [file, '--seed', String(seed), '--secret', TOOL_SECRET, '--until-eof'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { url } = JSON.parse(line);
  return {
    url,
    state: async () => (await fetch(`${url}/control/state`)).json(),
    close: () => (child.stdin.end(), once(child, 'exit')),
  };
}

const tools = (ledger) => [
  {
    name: 'charge',
    description: 'Takes an order outside.',
    parameters: { type: 'object', required: ['ref'], properties: { ref: { type: 'string' } } },
    status: 'implemented',
    timeout_s: 20,
    side_effects: true,
    confirm: false,
    run: {
      http: {
        method: 'POST',
        url: `${ledger.url}/orders`,
        allow_private: true,
        secret_ref: 'ledger',
        sign: true,
        retries: 2,
      },
    },
  },
  {
    name: 'create_ticket',
    description: 'Opens a ticket.',
    parameters: {
      type: 'object',
      required: ['description'],
      properties: { description: { type: 'string', minLength: 10, maxLength: 2000 } },
    },
    status: 'implemented',
    side_effects: true,
    confirm: false,
    run: { builtin: 'create_ticket' },
  },
];

const MESSAGE =
  '{contact: .from, name: .from, external_id: .id, conversation: .thread, text: .text}';

export class World {
  #env = { KILL_KEY: 'sk-kill' };
  #turn = 0;
  servers = [];
  starts = 0;

  static async open({ store, processes, seed }) {
    const world = new World();
    world.store = store;
    world.llm = await FakeLlm.start();
    world.llm.load(MODEL_SCRIPT);
    world.ledger = await startLedger(seed);
    world.data = await newData();
    const models = [{ name: MODEL, class: 'balanced' }];
    const provider = {
      name: 'doer',
      kind: 'openai',
      base_url: `${world.llm.url}/v1`,
      key_env: 'KILL_KEY',
      allow_private: true,
      models,
    };
    const config = { llm: { providers: [provider], backoff_ms: 1 }, tools: { allow_private: true } };
    world.servers[0] = await startRapport({ data: world.data, store, config, env: world.#env });
    await world.#prepare();
    for (let i = 1; i < processes; i++) await world.restart(i);
    return world;
  }

  async #prepare() {
    const admin = await Api.login(this.servers[0], ADMIN);
    await admin.put('/secrets/ledger', { value: TOOL_SECRET });
    await admin.put('/secrets/hook', { value: HOOK_SECRET });
    const llm = { provider: 'doer', model: MODEL, tool_rounds: 24 };
    const yaml = agentYaml({ slug: 'doer', name: 'Doer', tools: tools(this.ledger), llm });
    await admin.post('/agents', { yaml, message: 'kill' });
    const source = { slug: 'orders', scheme: 'standard', secrets: ['hook'], per_minute: 0 };
    const more = { agent: 'doer', channel: 'orders', message: MESSAGE };
    this.source = await admin.post('/webhook-sources', { ...source, ...more });
    this.key = (await admin.post('/keys', { name: 'kill', scopes: ['*'] })).key;
    this.cursor = await this.lastEvent();
  }

  /** One of the processes that run; waits for one. */
  async any() {
    for (;;) {
      const alive = this.servers.filter(Boolean);
      if (alive.length) return alive[this.#turn++ % alive.length];
      await new Promise((next) => setTimeout(next, 5));
    }
  }

  async admin() {
    return new Api(await this.any(), this.key);
  }

  /** The seq of the org's newest event. */
  async lastEvent() {
    let after = 0;
    for (;;) {
      const { items } = await (await this.admin()).get(`/events?limit=200&after_seq=${after}`);
      if (!items.length) return after;
      after = items.at(-1).seq;
    }
  }

  /** kill -9. */
  async kill(i) {
    const server = this.servers[i];
    this.servers[i] = null;
    if (server) await server.kill();
  }

  async restart(i) {
    const server = await startRapport({ data: this.data, demo: false, env: this.#env });
    this.servers[i] = server;
    this.starts++;
  }

  async #postgres(...args) {
    const settings = JSON.parse(await readFile(join(this.data, 'rapport.yaml'), 'utf8'));
    const name = new URL(settings.store.url.replace('@/', '@localhost/')).pathname.slice(1);
    await run(join(ROOT, 'tools/postgres-test'), [...args, name]);
  }

  /** Every connection to the database ends, as an administrator or a proxy would do it. */
  cutConnections() {
    return this.#postgres('cut');
  }

  restartDatabase() {
    return this.#postgres('restart');
  }

  async close() {
    const running = this.servers.filter(Boolean);
    for (const [i, server] of running.entries())
      await server.stop({ keep: i < running.length - 1 });
    await Promise.all([this.llm.close(), this.ledger.close()]);
  }
}
