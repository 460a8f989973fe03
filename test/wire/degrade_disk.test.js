// A full disk: writes are refused with a clear code, nothing that was acknowledged is lost, reads
// go on, the log says it once, and it is over by itself when there is room again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, Visitor, problem } from './api.js';
import { Disk, limit, LONG, shown, told, until } from './degrade.js';
import { ADMIN, AGENT, newData, skip, startRapport } from './rapport.js';

const REFUSED = LONG ? 5000 : 300; // messages while the disk is full
const WORDS = 'x'.repeat(2000);

/** Two ways to have no room: a small disk, and files that may not grow. */
const ways = {
  'a full disk': async (context) => {
    context.disk = await Disk.make(96);
    if (!context.disk) return 'this user may not mount a file system';
    context.server = await startRapport({ data: context.disk.folder });
    context.fill = () => context.disk.fill();
    context.free = () => context.disk.free();
    context.end = () => context.disk.remove();
    return null;
  },
  'files that may not grow': async (context) => {
    context.server = await startRapport({ data: await newData() });
    if (!(await limit(context.server.pid, 'fsize', 'unlimited')))
      return 'this system has no prlimit';
    context.fill = () => limit(context.server.pid, 'fsize', 4096);
    context.free = () => limit(context.server.pid, 'fsize', 'unlimited');
    context.end = () => {};
    return null;
  },
};

for (const [way, make] of Object.entries(ways))
  describe(way, { skip: skip || (way === 'a full disk' && shown) }, () => {
    const context = {};
    let absent;
    let admin;
    let visitor;
    const kept = []; // acknowledged
    before(async () => {
      absent = await make(context);
      if (absent) return;
      admin = await Api.login(context.server, ADMIN);
      visitor = await Visitor.start(context.server, { agent: AGENT });
    });
    after(async () => {
      await context.server?.stop({ keep: true });
      await context.end?.();
    });

    const say = async (text) => {
      const answer = await visitor.post(text);
      if (answer.status === 201) kept.push(answer.body.message.id);
      return answer;
    };
    const ready = async () => (await fetch(`${context.server.url}/health/ready`)).json();

    const question = (v) => v.ask('where is my order?', 60_000);

    test('is told, keeps what it acknowledged, and recovers by itself', async (t) => {
      if (absent) return t.skip(absent);
      const early = await Visitor.start(context.server, { agent: AGENT });
      for (let i = 0; i < 5; i++) assert.equal((await say(`before ${i}`)).status, 201);
      assert.equal((await ready()).status, 'ok');

      const asked = await early.post('where is my order?');
      await context.fill();
      const refused = await until('a write that is refused', async () => {
        const answer = await say(WORDS);
        return answer.status !== 201 && answer;
      });
      problem(refused, 507, 'full');
      for (let i = 0; i < REFUSED; i++) {
        const { status } = await say(WORDS);
        assert.ok(status === 507 || status === 201, `${status}`);
      }
      const { items } = await admin.get('/conversations');
      assert.ok(items.length > 0, 'reads go on');
      assert.ok((await visitor.messages()).length > 0);
      const state = await ready();
      assert.equal(state.status, 'degraded', JSON.stringify(state));
      assert.ok(Object.values(state.checks).includes('full'));
      const lines = told(context.server, /"level":"(warn|error)".*full/);
      assert.ok(lines >= 1 && lines <= 3, `${lines} lines of the log say it`);

      await context.free();
      await until('a write that goes through', async () => (await say('after')).status === 201);
      await until('ready', async () => (await ready()).status === 'ok');
      assert.match(context.server.log, /there is room on the disk again/);
      const stored = new Set();
      for (let cursor = 0, page; (page = (await visitor.poll(cursor)).items).length; )
        for (const message of page) stored.add(message.id), (cursor = message.seq);
      for (const id of kept) assert.ok(stored.has(id), `${id} was acknowledged and is lost`);
      t.diagnostic(`${kept.length} acknowledged, none lost; ${lines} lines of the log`);
      const answer = await early.answer(asked.body.message.seq, 60_000);
      assert.ok(answer.text, 'what was asked before is answered, sooner or later');
      const other = await Visitor.start(context.server, { agent: AGENT });
      assert.ok((await question(other)).text, 'questions are answered again');
    });

    test('and after a restart everything is there', async (t) => {
      if (absent) return t.skip(absent);
      const { data } = context.server;
      await context.server.stop({ keep: true });
      context.server = await startRapport({ data, demo: false });
      const again = await Api.login(context.server, ADMIN);
      const list = await again.get(`/conversations/${visitor.conversation}/messages?limit=200`);
      assert.ok(list.items.length > 0);
    });
  });
