// The clock is set back. What was promised stays: tokens are good, messages keep their order,
// numbers of events grow, nothing that was done is done again, and what is due is done.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, Visitor } from './api.js';
import { shown, told } from './degrade.js';
import { ADMIN, AGENT, skip, startRapport, STORES } from './rapport.js';

const HOUR = 3_600_000;

const suite = (store) => () => {
  let server;
  let admin;
  before(async () => {
    server = await startRapport({ store });
    const signedIn = await Api.login(server, ADMIN);
    const { key } = await signedIn.post('/keys', { name: 'clock', scopes: ['*'] });
    admin = new Api(server, key);
  });
  after(() => server?.stop());
  const set = async (now) => (await admin.post('/admin/clock', { now })).now;

  for (const [what, back] of [
    ['a minute', 60_000],
    ['three hours', 3 * HOUR],
    ['ten days', 240 * HOUR],
  ])
    test(`by ${what}`, async (t) => {
      const { now } = await admin.post('/admin/clock', { advance_ms: 11 * 24 * HOUR });
      const member = await Api.login(server, ADMIN);
      const visitor = await Visitor.start(server, { agent: AGENT, contact: server.visitor });
      await visitor.ask('where is my order?');
      const events = async (after) =>
        (await admin.get(`/events?topic=conversation_events&after_seq=${after}&limit=200`)).items;
      const eventsBefore = await newest(events);
      const pending = await visitor.post('and when does it come?');

      await set(now - back);

      assert.ok(await visitor.answer(pending.body.message.seq), 'what was asked is answered');
      assert.equal((await member.call('GET', '/auth/me')).status, 200, 'tokens are good');
      const fresh = await Api.login(server, ADMIN);
      assert.equal((await fresh.call('GET', '/auth/me')).status, 200, 'new ones too');
      assert.ok(await visitor.ask('is it on its way?'), 'what is asked now is answered');
      const messages = await visitor.messages();
      const seqs = messages.map((m) => m.seq);
      assert.deepEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b), 'in their order, once each');
      const roles = messages.filter((m) => m.role === 'contact').map((m) => m.text);
      assert.deepEqual(roles, [
        'where is my order?',
        'and when does it come?',
        'is it on its way?',
      ]);
      const later = await events(eventsBefore);
      assert.ok(later.length > 0, 'events are told');
      later.reduce((last, e) => (assert.ok(e.seq > last), e.seq), eventsBefore);
      assert.equal((await admin.get('/dead-letters')).items.length, 0);
      const other = await Visitor.start(server, { agent: AGENT });
      assert.ok(await other.ask('hello'), 'new conversations too');
      const list = (await admin.get('/conversations?limit=200')).items.map((row) => row.id);
      assert.ok(list.includes(other.conversation) && list.includes(visitor.conversation));
      assert.equal(told(server, /"level":"error"/), 0, server.log.slice(-2000));
      await set(now);
      t.diagnostic(`${later.length} events after the step, in order`);
    });
};

/** The number of the last event there is. */
async function newest(events) {
  let last = 0;
  for (let page; (page = await events(last)).length; ) last = page.at(-1).seq;
  return last;
}

for (const store of STORES) {
  const absent = skip || (store !== 'sqlite' && shown);
  describe(`the clock is set back (${store})`, { skip: absent }, suite(store));
}
