// A contact who writes faster than the agent answers: after three answers that were dropped the
// fourth is sent although there is something new, and what comes next knows it was said.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeLlm } from '../fake/llm/fake.js';
import { agentYaml } from './agent_yaml.js';
import { Api, Visitor } from './api.js';
import { ADMIN, HARBOUR, skip, startRapport } from './rapport.js';

const MODEL = 'gpt-5.4';
const PATIENCE = 3; // answers dropped in a row

const textOf = (content) =>
  typeof content === 'string' ? content : content.map((part) => part.text).join('');

describe('an answer that comes late', { skip }, () => {
  let llm;
  let server;
  let admin;
  before(async () => {
    llm = await FakeLlm.start();
    const provider = {
      name: 'slow',
      kind: 'openai',
      base_url: `${llm.url}/v1`,
      key_env: 'WIRE_KEY',
      allow_private: true,
      models: [{ name: MODEL, class: 'balanced' }],
    };
    const config = { llm: { providers: [provider] } };
    server = await startRapport({ config, env: { WIRE_KEY: 'sk-wire' } });
    admin = await Api.login(server, ADMIN);
    const yaml = agentYaml({ slug: 'slow', llm: { provider: 'slow', model: MODEL } });
    await admin.post('/agents', { yaml, message: 'wire' });
  });
  after(async () => {
    await server?.stop();
    await llm?.close();
  });

  test('is in the history of the next turn, before what is still to be answered', async () => {
    llm.load({
      clock: { mode: 'manual' },
      rules: [{ reply: { text: 'I heard: {{user}}', first_byte_steps: 1 } }],
    });
    const visitor = await Visitor.start(server, {
      agent: 'brightwell/slow',
      contact: server.visitor,
    });
    const isAsked = (entry) => Boolean(entry.body?.messages);
    const asking = async (n) => {
      await llm.atLeast(n, isAsked);
      const waits = async () =>
        (await (await fetch(`${llm.url}/control/state`)).json()).waiting > 0;
      while (!(await waits())) await new Promise(setImmediate);
      return llm.requests(isAsked).at(-1).body;
    };
    await visitor.post('first word');
    for (let n = 1; n <= PATIENCE + 1; n++) {
      await asking(n);
      await visitor.post(`word number ${n}`);
      llm.advance(1);
    }
    const { messages } = await asking(PATIENCE + 2);
    llm.advance(1);
    const said = messages
      .filter((m) => m.role !== 'system')
      .map((m) => [m.role, textOf(m.content)]);
    const [role, last] = said.at(-1);
    assert.equal(role, 'user');
    assert.equal(last.trim(), `word number ${PATIENCE + 1}`);
    assert.equal(said.at(-2)[0], 'assistant');
    assert.match(said.at(-2)[1], /^I heard/);
    const answers = async () => (await visitor.messages()).filter((m) => m.role === 'ai');
    while ((await answers()).length < 2) await visitor.poll((await answers()).at(-1).seq, 5000);
    assert.equal((await answers()).length, 2);
  });

  test('its run is followed by whoever has its id, recorded or not', async () => {
    llm.load({
      clock: { mode: 'manual' },
      rules: [{ reply: { text: 'One thing after the other.', first_byte_steps: 1 } }],
    });
    const visitor = await Visitor.start(server, {
      agent: 'brightwell/slow',
      contact: server.visitor,
    });
    const socket = await visitor.socket();
    await visitor.post('What comes first?');
    const begins = (frame) => frame.type === 'typing' && frame.turn;
    const { turn } = await socket.next(begins, { what: 'the turn that answers' });
    const path = `/runs/${turn}`;
    const other = await Api.login(server, HARBOUR);
    assert.equal((await other.call('GET', `${path}/events`)).status, 404);
    const events = await fetch(`${admin.base}${path}/events`, {
      headers: { authorization: `Bearer ${admin.token}` },
    });
    assert.equal(events.status, 200);
    let told = '';
    const reading = (async () => {
      for await (const piece of events.body) told += Buffer.from(piece).toString();
    })();
    while (!/^event: ended$/m.test(told)) {
      llm.advance(1);
      await new Promise((go) => setTimeout(go, 20));
    }
    await reading;
    const nodes = [...told.matchAll(/"node":"(\w+)"/g)].map((found) => found[1]);
    assert.equal(nodes.at(-1), 'deliver', nodes.join(' '));
    assert.equal((await admin.get(path)).status, 'done');
    socket.close();
  });
});
