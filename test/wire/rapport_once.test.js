// A yes that is followed at once by another message: the turn that acted on the yes is superseded
// before its answer is sent. What it did must not be done again, and must still be told.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from './api.js';
import { ADMIN, AGENT, skip, startRapport } from './rapport.js';

const TRIALS = 8;
const SETTLED_MS = 400; // a second turn would have acted by then
const PAUSE_MS = 2; // between the yes and what follows; grows with every trial

describe('an approved change', { skip }, () => {
  let server;
  let admin;
  let anyone;
  before(async () => {
    server = await startRapport();
    admin = await Api.login(server, ADMIN);
    anyone = new Api(server);
  });
  after(() => server?.stop());

  const requests = async () => (await admin.get('/records/demo_request?limit=200')).items.length;

  const transcript = async (token) =>
    JSON.stringify((await anyone.get(`/chat/messages?token=${token}`)).items.map((m) => m.text));

  /** Sends and waits until the agent said something that fits. */
  async function say(token, text, pattern) {
    await anyone.post('/chat/messages', { token, client_id: `c-${Math.random()}`, text });
    for (let i = 0; pattern && i < 1800; i++) {
      const { items } = await anyone.get(`/chat/messages?token=${token}`);
      if (items.some((m) => m.role === 'ai' && pattern.test(m.text))) return items;
      await sleep(25);
    }
    if (pattern) assert.fail(`no answer like ${pattern} to "${text}": ${await transcript(token)}`);
  }

  test('happens once and is told, however soon the next message comes', async () => {
    const before = await requests();
    for (let i = 0; i < TRIALS; i++) {
      const session = await anyone.post('/chat/sessions', {
        agent: AGENT,
        contact: server.visitor,
      });
      const { token } = session;
      let items = await say(token, 'Book a demo of the Scale plan for 60 people', /\?/);
      if (!/all right/.test(items.at(-1).text)) {
        const missing = /buy/.test(items.at(-1).text) ? 'the Scale plan' : '60';
        items = await say(token, missing, /all right/);
      }
      await say(token, 'yes please');
      await sleep(i * PAUSE_MS);
      await say(token, 'How many days do I have to return a scanner?', /is with the sales team/);
      await sleep(SETTLED_MS);
      const { items: all } = await anyone.get(`/chat/messages?token=${token}`);
      const told = all.filter((m) => m.role === 'ai' && /is with the sales team/.test(m.text));
      assert.equal(told.length, 1, JSON.stringify(all.map((m) => m.text)));
    }
    assert.equal((await requests()) - before, TRIALS);
  });
});
