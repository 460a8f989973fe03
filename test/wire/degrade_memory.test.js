// Little memory: load that would need more is refused with a clear answer, what is small goes on,
// and it is over when the load is. A process that is ended for its memory loses nothing.
import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, test } from 'node:test';
import { Api, Visitor } from './api.js';
import { FRUGAL, limit, LONG, memory, shown, until } from './degrade.js';
import { ADMIN, AGENT, newData, skip, startRapport } from './rapport.js';

const MORE_MB = 60; // than it holds when it is idle
const BODY_BYTES = 8 << 20;
const AT_ONCE = 24;
const NO_MEMORY = /out of memory|failed to (mmap|allocate)/i; // ours; the sanitizer's

/** Sends most of a body and holds the rest back; `answer` when the server says something. */
function halfBody(server) {
  const req = http.request(`${server.url}/api/v1/auth/login`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'content-length': BODY_BYTES },
  });
  req.answer = new Promise((done) => {
    req.on('response', async (res) => {
      let text = '';
      for await (const piece of res.on('error', () => {})) text += piece;
      done({ status: res.statusCode, text, headers: res.headers });
    });
    req.on('error', () => done(null)); // hung up on while it was still sending
  });
  req.write(Buffer.alloc(BODY_BYTES - 1, ' '));
  return req;
}

describe('little memory', { skip: skip || shown }, () => {
  test('a load that needs more is refused, and the rest goes on', async (t) => {
    const data = await newData();
    let server = await startRapport({ data, env: FRUGAL });
    const idle = Math.ceil(await memory(server.pid));
    await server.stop({ keep: true });
    const env = { ...FRUGAL, RAPPORT_MEMORY_MB: String(idle + MORE_MB) };
    server = await startRapport({ data, demo: false, env });
    const admin = await Api.login(server, ADMIN);
    const all = Array.from({ length: AT_ONCE }, () => halfBody(server));
    const never = new Promise(() => {});
    const told = await Promise.race(all.map((req) => req.answer.then((a) => a ?? never)));
    assert.equal(told.status, 503);
    assert.match(told.text, /short of memory/);
    assert.ok(told.headers['retry-after']);
    assert.ok((await admin.get('/conversations')).items, 'reads go on');
    const most = await memory(server.pid);
    assert.ok(most < idle + MORE_MB + 64, `${idle} MiB idle, ${most} under load`);
    for (const req of all) req.destroy();
    await until('bodies are taken again', async () => {
      const body = JSON.stringify(ADMIN);
      const headers = { 'content-type': 'application/json' };
      const path = `${server.url}/api/v1/auth/login`;
      return (await fetch(path, { method: 'POST', body, headers })).status === 200;
    });
    t.diagnostic(`${idle} MiB idle, allowed ${idle + MORE_MB}, at most ${most.toFixed(0)}`);
    await server.stop();
  });

  test('a process that gets no memory ends, and the next one has everything', async (t) => {
    const data = await newData();
    let server = await startRapport({ data });
    const visitor = await Visitor.start(server, { agent: AGENT });
    const kept = [];
    const say = async (text) => {
      const sent = await visitor.post(text).catch(() => null);
      if (sent?.status === 201) kept.push(sent.body.message.id);
      return sent;
    };
    for (let i = 0; i < (LONG ? 50 : 5); i++) await say(`before ${i}`);
    if (!(await limit(server.pid, 'data', 1 << 20))) return t.skip('this system has no prlimit');
    let over = null;
    server.ended().then((how) => (over = how));
    // with what it has freed before it goes on a while; bodies want more than that
    for (let i = 0; i < 40 && !over; i++) await say('x'.repeat(7000));
    const all = Array.from({ length: AT_ONCE }, () => halfBody(server));
    await until('it ends by itself', () => over);
    for (const req of all) req.destroy();
    assert.ok(over.signal === 'SIGABRT' || over.code > 0, JSON.stringify(over));
    assert.ok(NO_MEMORY.test(server.log), server.log.slice(-2000));
    t.diagnostic('it ended for want of memory');
    server = await startRapport({ data, demo: false });
    visitor.api = new Api(server);
    visitor.server = server;
    const stored = new Set();
    for (let cursor = 0, page; (page = (await visitor.poll(cursor)).items).length; )
      for (const message of page) stored.add(message.id), (cursor = message.seq);
    for (const id of kept) assert.ok(stored.has(id), `${id} was acknowledged and is lost`);
    t.diagnostic(`${kept.length} acknowledged, none lost`);
    assert.ok((await visitor.post('and on')).status === 201);
    await server.stop();
    return null;
  });
});
