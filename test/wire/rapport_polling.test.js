// Polling where nothing else gets through: an answer waits for news, and those who wait hold nothing
// that others need.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, problem, Visitor } from './api.js';
import { AGENT, skip, startRapport, STORES, SUPPORT } from './rapport.js';

const WAITING = 60;

const suite = (store) => () => {
  let server;
  let member;
  before(async () => {
    server = await startRapport({ store });
    member = await Api.login(server, SUPPORT);
  });
  after(() => server?.stop());
  const visit = () => Visitor.start(server, { agent: AGENT });
  const timed = async (ask) => {
    const began = performance.now(); // before the request is on its way
    const value = await ask();
    return { value, ms: performance.now() - began };
  };

  test('a poll waits for the answer, then comes at once', async () => {
    const visitor = await visit();
    const { items } = await visitor.poll();
    assert.deepEqual(items, []);
    const waiting = timed(() => visitor.poll(0, 20_000));
    const sent = await visitor.post('How long can I return a scanner?');
    assert.equal(sent.status, 201);
    const first = await waiting;
    assert.equal(first.value.items[0].role, 'contact');
    assert.ok(first.ms < 19_000, `came after ${first.ms} ms`);
    const last = first.value.cursor;
    const next =
      first.value.items.at(-1).role === 'ai'
        ? first
        : await timed(() => visitor.poll(last, 20_000));
    assert.equal(next.value.items.at(-1).role, 'ai');
    assert.ok(next.ms < 19_000, `came after ${next.ms} ms`);
  });

  test('without news it comes when the time is up, empty', async () => {
    const visitor = await visit();
    const { value, ms } = await timed(() => visitor.poll(0, 300));
    assert.deepEqual(value.items, []);
    assert.equal(value.cursor, 0);
    assert.ok(ms >= 290 && ms < 15_000, `came after ${ms} ms`);
  });

  test('a takeover ends the wait too, and one that was missed ends it at once', async () => {
    const visitor = await visit();
    await visitor.post('hello');
    await visitor.answer(0);
    const { cursor, state } = await visitor.poll(0);
    const url = `/chat/messages?${visitor.query}&after=${cursor}&wait_ms=20000&state=${state}`;
    const waiting = timed(() => visitor.api.get(url)); // the takeover may overtake it
    await member.post(`/conversations/${visitor.conversation}/takeover`);
    const told = await waiting;
    assert.equal(told.value.owner, 'human');
    assert.match(told.value.member.name, /\S/);
    assert.ok(told.ms < 19_000, `came after ${told.ms} ms`);
    const late = await timed(() => visitor.api.get(url));
    assert.equal(late.value.owner, 'human');
    assert.ok(late.ms < 19_000, `came after ${late.ms} ms`);
  });

  test('many who wait keep nobody waiting', async () => {
    const visitor = await visit();
    const leaving = new AbortController();
    const polls = Array.from({ length: WAITING }, (_, i) =>
      i % 2
        ? visitor.poll(0, 20_000)
        : fetch(`${visitor.api.base}/chat/messages?${visitor.query}&after=0&wait_ms=20000`, {
            signal: leaving.signal,
          }).catch((e) => e.name),
    );
    let over = 0;
    for (const poll of polls) Promise.resolve(poll).then(() => (over += 1));
    await member.get('/conversations');
    assert.equal(over, 0, 'the console came after those who wait');
    leaving.abort();
    await visitor.post('hello');
    const answers = await Promise.all(polls);
    for (const [i, answer] of answers.entries())
      if (i % 2) assert.equal(answer.items[0].text, 'hello');
      else assert.equal(answer, 'AbortError');
  });

  test('a wait is a number of milliseconds', async () => {
    const visitor = await visit();
    const answer = await visitor.api.call(
      'GET',
      `/chat/messages?${visitor.query}&after=0&wait_ms=-1`,
    );
    assert.equal(problem(answer, 400).field, 'wait_ms');
  });

  test('a stop answers those who wait', async () => {
    const visitor = await visit();
    const waiting = timed(() => visitor.poll(0, 25_000));
    await member.get('/conversations');
    await server.stop();
    const { value, ms } = await waiting;
    assert.deepEqual(value.items, []);
    assert.ok(ms < 19_000, `came after ${ms} ms`);
    server = null;
  });
};

for (const store of STORES) describe(`polling on ${store}`, { skip }, suite(store));
