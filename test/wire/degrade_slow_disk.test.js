// A slow disk: every flush takes its time. Reads do not wait for it, writes share it, what takes
// longer than its caller waits is a clear error that may be tried again, and nothing is lost or
// done twice. The delay is put between the running program and the system by strace.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { Api, Visitor } from './api.js';
import { LONG, shown, until } from './degrade.js';
import { ADMIN, AGENT, skip, startRapport } from './rapport.js';

const WRITERS = LONG ? 100 : 10;
const TRIES = 5;

/** Every flush of the program takes so long, until `stop`. Null where that cannot be done. */
async function slowDown(pid, ms) {
  const inject = `inject=fdatasync,fsync:delay_enter=${ms * 1000}`;
  const args = ['-f', '-p', String(pid), '-e', 'trace=fdatasync,fsync', '-e', inject];
  const stdio = ['ignore', 'ignore', 'pipe'];
  const child = spawn('strace', [...args, '-o', '/dev/null'], { stdio });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const ended = new Promise((done) => {
    child.once('error', () => done(true));
    child.once('exit', () => done(true));
  });
  const there = () => said.includes('attached');
  const attached = until('strace', there, { tries: 100 }).catch(() => null);
  if ((await Promise.race([attached.then(() => false), ended])) || !there())
    return null;
  return async () => {
    child.kill('SIGINT');
    await ended;
  };
}

/** Whether a flush is being held right now: its thread is stopped by the tracer. */
async function isFlushing(pid) {
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '');
    if (/^ t /.test(stat.slice(stat.lastIndexOf(')') + 1))) return true;
  }
  return false;
}

describe('a slow disk', { skip: skip || shown }, () => {
  let server;
  let admin;
  before(async () => {
    server = await startRapport();
    admin = await Api.login(server, ADMIN);
  });
  after(() => server?.stop());

  test('reads go on, writes share a flush, and all of them are kept', async (t) => {
    const visitors = [];
    for (let i = 0; i < WRITERS; i++) visitors.push(await Visitor.start(server, { agent: AGENT }));
    const fast = await slowDown(server.pid, 300);
    if (!fast) return t.skip('strace is not here, or may not look at the program');
    let over = false;
    const writes = Promise.all(visitors.map((v) => v.post('where is my order?'))).finally(
      () => (over = true),
    );
    let reads = 0;
    while (!over) {
      assert.equal((await admin.call('GET', '/conversations')).status, 200);
      reads++;
    }
    for (const { status } of await writes) assert.equal(status, 201);
    assert.ok(reads > 0, 'reads do not wait for writes');
    await fast();
    for (const v of visitors) assert.ok(await v.answer(0, 60_000), 'all are answered');
    t.diagnostic(`${WRITERS} writes kept, ${reads} reads meanwhile`);
    return null;
  });

  test('who has waited too long for a turn is told so, and nothing is done twice', async (t) => {
    const start = () => Visitor.start(server, { agent: AGENT });
    const first = await start();
    const visitors = [];
    for (let i = 0; i < TRIES; i++) visitors.push(await start());
    const fast = await slowDown(server.pid, 3000);
    if (!fast) return t.skip('strace is not here, or may not look at the program');
    // A write that is in a commit already is answered when that is on disk. So this one is sent
    // while a flush is held, which may be over again before it arrives: then with the next one.
    const statuses = [];
    for (const visitor of visitors) {
      const busy = first.post('me first');
      await until('a flush', () => isFlushing(server.pid), { pause: 10 });
      const body = { token: visitor.token, client_id: 'once', text: 'where is my order?' };
      const late = await visitor.api.call('POST', '/chat/messages', body, {
        headers: { 'request-timeout': '1' },
      });
      statuses.push(late.status);
      assert.ok(late.status === 201 || late.body.code === 'timeout', late.text);
      await busy;
      if (late.status === 504) break;
    }
    await fast();
    assert.equal(statuses.at(-1), 504);
    for (const [i] of statuses.entries()) {
      assert.equal((await visitors[i].post('where is my order?', 'once')).status, 201);
      const said = (await visitors[i].messages()).filter((m) => m.role === 'contact');
      assert.equal(said.length, 1, 'once');
      assert.ok(await visitors[i].answer(0, 60_000));
    }
    t.diagnostic(`the hurried write got ${statuses}`);
    return null;
  });

  test('and it is as it was', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    assert.ok(await visitor.ask('where is my order?'));
  });
});
