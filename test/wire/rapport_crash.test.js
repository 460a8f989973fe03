// The program is killed between any two lines: what was acknowledged is there after the restart,
// and answered once.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, Visitor } from './api.js';
import { ADMIN, AGENT, newData, skip, startRapport, STORES } from './rapport.js';

const ROUNDS = 6;

const suite = (store) => () => {
  let data;
  let server;
  before(async () => {
    data = await newData();
    server = await startRapport({ data, store });
  });
  after(() => server?.stop());
  // Alone on its folder, it takes over at once; on a shared database within seconds.
  const restart = async () => {
    server = await startRapport({ data, demo: false });
  };

  /** The same visitor against the program that runs now. */
  const again = async (visitor) => {
    const next = await Visitor.start(server, { agent: AGENT, token: visitor.token });
    next.count = visitor.count;
    return next;
  };

  /** Sends until the connection breaks; returns the client ids that were acknowledged. */
  async function flood(visitor, acked) {
    for (let i = 0; ; i++) {
      const id = visitor.nextId();
      try {
        const answer = await visitor.post(`Where is my order? (${id})`, id);
        if (answer.status === 201) acked.set(id, answer.body.message);
        else if (answer.status === 429) return;
        else assert.fail(answer.text);
      } catch (e) {
        if (e instanceof assert.AssertionError) throw e;
        return;
      }
    }
  }

  test('no acknowledged message is lost, none is answered twice', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const visitors = await Promise.all(
        Array.from({ length: 4 }, () =>
          Visitor.start(server, { agent: AGENT, contact: server.visitor }),
        ),
      );
      const acked = visitors.map(() => new Map());
      const floods = visitors.map((visitor, i) => flood(visitor, acked[i]));
      // Killed once enough was acknowledged, at a different moment every round.
      while (acked[0].size < 2 + round) await new Promise((next) => setImmediate(next));
      await server.kill();
      await Promise.all(floods);
      await restart();
      for (const [i, visitor] of visitors.entries())
        await checkAfter(await again(visitor), acked[i]);
    }
  });

  async function checkAfter(visitor, acked) {
    const last = Math.max(...[...acked.values()].map((message) => message.seq));
    const done = await visitor.ask('and the last one');
    const messages = await visitor.messages();
    const byId = new Map(messages.map((message) => [message.id, message]));
    for (const [id, message] of acked) {
      assert.ok(byId.has(message.id), `${id} was acknowledged and is gone`);
      assert.equal(byId.get(message.id).seq, message.seq);
    }
    const seqs = messages.map((message) => message.seq);
    assert.equal(new Set(seqs).size, seqs.length, 'no seq twice');
    const answers = messages.filter((message) => message.role === 'ai');
    assert.equal(new Set(answers.map((m) => m.run_id)).size, answers.length, 'one answer per run');
    assert.ok(done.seq > last);
    // Every answer is to something new. Who writes on and on is answered while the next message is
    // already there (after three answers were dropped for that), so two answers may stand in a row.
    let unanswered = 0;
    for (const message of messages) {
      if (message.role === 'contact') unanswered++;
      if (message.role === 'ai')
        assert.ok(unanswered-- > 0, `${message.text} answers nothing new`);
    }
    assert.equal(messages.at(-1).role, 'ai', 'nothing is left unanswered');
  }

  test('what was sent again after the crash is one message', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT, contact: server.visitor });
    const first = await visitor.post('Where is my order?', 'resent');
    await server.kill();
    await restart();
    const back = await again(visitor);
    const second = await back.post('Where is my order?', 'resent');
    assert.equal(second.body.message.id, first.body.message.id);
    await back.answer(first.body.message.seq);
    const texts = (await back.messages()).filter((message) => message.role === 'contact');
    assert.equal(texts.length, 1);
  });

  /** Answers what is still asked, and says yes. */
  async function confirmed(visitor, asked) {
    let answer = asked;
    if (/why/i.test(answer.text)) answer = await visitor.ask('We ordered it twice');
    assert.match(answer.text, /Shall I cancel/);
    return visitor.ask('yes');
  }

  test('a question of confirmation survives, and the tool runs once', async () => {
    const admin = await Api.login(server, ADMIN);
    const order = (await admin.all('/records/order?limit=200')).find(
      (row) => row.account === 'nordvik-logistics' && row.status === 'processing',
    );
    const visitor = await Visitor.start(server, { agent: AGENT, contact: server.visitor });
    const asked = await visitor.ask(`Cancel order ${order.number}, we ordered it twice`);
    await server.kill();
    await restart();
    const back = await again(visitor);
    const answer = await confirmed(back, asked);
    assert.match(answer.text, /^Done/);
    const fresh = await Api.login(server, ADMIN);
    const rows = await fresh.all('/records/order?limit=200');
    assert.equal(rows.find((row) => row.id === order.id).status, 'cancelled');
  });

  test('a version that was applied is there, sign-ins go on', async () => {
    const admin = await Api.login(server, ADMIN);
    const { token } = admin;
    const before = await admin.all('/agents');
    await server.kill();
    await restart();
    assert.deepEqual(await new Api(server, token).all('/agents'), before);
  });
};

for (const store of STORES) describe(`kill -9 on ${store}`, { skip }, suite(store));
