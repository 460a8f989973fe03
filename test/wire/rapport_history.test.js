// A conversation of hundreds of long messages: it opens with its newest page, and a stream brings all
// of it even to a reader that is slow, in portions it can take.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, Visitor } from './api.js';
import { AGENT, LIMITS, skip, startRapport, STORES, SUPPORT } from './rapport.js';

const MESSAGES = 220;
const TEXT_BYTES = 8000;

const suite = (store) => () => {
  let server;
  let visitor;
  before(async () => {
    // Who reads nothing for half a minute, or answers no ping, is cut off; a slow machine takes as
    // long for what is asked meanwhile.
    const patience = { write_timeout_ms: 600_000, ping_interval_ms: 600_000 };
    const config = { limits: { ...LIMITS, ...patience } };
    server = await startRapport({ store, config });
    const member = await Api.login(server, SUPPORT);
    visitor = await Visitor.start(server, { agent: AGENT });
    await visitor.api.post('/chat/handover', { token: visitor.token });
    await member.post(`/conversations/${visitor.conversation}/takeover`);
    for (let i = 0; i < MESSAGES; i++) {
      const text = `${i} `.padEnd(TEXT_BYTES, 'lorem ');
      await member.post(`/conversations/${visitor.conversation}/messages`, { text });
    }
  });
  after(() => server?.stop());

  test('it opens with its newest page', async () => {
    const session = await visitor.api.post('/chat/sessions', { token: visitor.token });
    assert.equal(session.messages.length, 50);
    assert.equal(session.cursor, MESSAGES);
    assert.equal(session.older_cursor, String(MESSAGES - 49));
  });

  for (const way of ['socket', 'events'])
    test(`a slow reader gets all of it by ${way}`, async () => {
      const stream = await visitor[way](0);
      const line = stream.ws?._socket ?? stream.req.socket;
      line.pause();
      // Meanwhile the server has all the time it wants to send more than it may keep for a peer.
      for (let i = 0; i < 40; i++) await visitor.poll(0);
      line.resume();
      await stream.next((frame) => frame.type === 'message' && frame.seq === MESSAGES, {
        what: 'the last message',
      });
      const seqs = stream.all.filter((f) => f.type === 'message').map((f) => f.seq);
      assert.deepEqual(
        seqs,
        Array.from({ length: MESSAGES }, (_, i) => i + 1),
      );
      await stream.close();
    });
};

for (const store of STORES) describe(`history on ${store}`, { skip }, suite(store));
