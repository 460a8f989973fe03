// A slow disk: every flush takes its time. Reads do not wait for it, writes share it, what takes
// longer than its caller waits is a clear error that may be tried again, and nothing is lost or
// done twice. The delay is put between the running program and the system by strace.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { Api, Visitor } from './api.js';
import { LONG, shown, until } from './degrade.js';
import { ADMIN, AGENT, skip, startRapport } from './rapport.js';

const WRITERS = LONG ? 100 : 10;

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

  test('what takes longer than its caller waits says so, and is not done twice', async (t) => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    const body = { token: visitor.token, client_id: 'once', text: 'where is my order?' };
    const post = (headers) => visitor.api.call('POST', '/chat/messages', body, { headers });
    const fast = await slowDown(server.pid, 2500);
    if (!fast) return t.skip('strace is not here, or may not look at the program');
    const others = await Promise.all(
      Array.from({ length: 4 }, () => Visitor.start(server, { agent: AGENT })),
    );
    const busy = others.map((v) => v.post('me first'));
    const late = await post({ 'request-timeout': '1' });
    assert.ok([201, 503, 504].includes(late.status), late.text);
    if (late.status !== 201) assert.match(late.body.code, /^(timeout|unavailable)$/);
    await Promise.all(busy);
    await fast();
    await until('it goes through', async () => (await post({})).status === 201);
    const said = (await visitor.messages()).filter((m) => m.role === 'contact');
    assert.equal(said.length, 1, 'once');
    assert.ok(await visitor.answer(0, 60_000));
    t.diagnostic(`the hurried write got ${late.status}`);
    return null;
  });

  test('and it is as it was', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    assert.ok(await visitor.ask('where is my order?'));
  });
});
