// A back-up made under load, and what comes back of it: everything acknowledged before it began,
// nothing twice, one organisation without touching the others.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Api, Visitor } from './api.js';
import { ADMIN, AGENT, BIN, HARBOUR, newData, runRapport, skip, startRapport } from './rapport.js';

const SLUG = AGENT.split('/')[0];
const SANITIZER = /Sanitizer|runtime error:/;

async function run(code, args) {
  const done = await runRapport(args);
  assert.ok(!SANITIZER.test(done.stderr), done.stderr);
  assert.equal(done.code, code, `rapport ${args.join(' ')}\n${done.stdout}\n${done.stderr}`);
  return done;
}

/** Client texts of a visitor's conversation, in order. */
const texts = async (visitor) =>
  (await visitor.poll()).items.filter((m) => m.role === 'contact').map((m) => m.text);

const again = (server, visitor) =>
  Visitor.start(server, { agent: AGENT, token: visitor.token });

describe('back-up', { skip }, () => {
  let data;
  let place;
  let server;
  let visitors;
  const acked = new Map(); // visitor -> texts acknowledged before the back-up began
  before(async () => {
    data = await newData();
    place = await mkdtemp(join(tmpdir(), 'rapport-backup-'));
    server = await startRapport({ data });
    visitors = await Promise.all(
      Array.from({ length: 4 }, () => Visitor.start(server, { agent: AGENT, contact: server.visitor })),
    );
  });
  after(async () => {
    await server?.stop();
    await rm(place, { recursive: true, force: true });
  });

  test('is made while messages come in', async () => {
    let ended = false;
    let count = 0;
    const talk = async (visitor) => {
      const sent = [];
      for (let i = 0; !ended && i < 200; i++) {
        const text = `What does plan ${i} cost?`;
        const answer = await visitor.post(text);
        assert.equal(answer.status, 201, answer.text);
        sent.push(text);
        count++;
        if (!acked.has(visitor)) visitor.sent = sent;
      }
      return sent;
    };
    const talks = visitors.map(talk);
    while (count < 20) await new Promise(setImmediate);
    for (const visitor of visitors) acked.set(visitor, [...visitor.sent]);
    const whole = await run(0, ['backup', join(place, 'whole'), '--data', data, '--json']);
    ended = true;
    await Promise.all(talks);
    const told = JSON.parse(whole.stdout);
    assert.ok(told.orgs.some((org) => org.slug === SLUG), whole.stdout);
    assert.ok(!(await readdir(join(place, 'whole'))).includes('master.key'));
    const one = join(place, 'one');
    await run(0, ['backup', one, '--data', data, '--org', SLUG, '--with-key']);
    assert.deepEqual(await readdir(join(one, 'store')), ['org']);
    assert.equal((await readdir(join(one, 'store/org'))).length, 1);
  });

  test('goes into a new folder only, and names what it cannot do', async () => {
    assert.match(
      (await run(4, ['backup', join(place, 'one'), '--data', data])).stderr,
      /not empty/,
    );
    const nobody = join(place, 'nobody');
    const refused = await run(1, ['backup', nobody, '--data', data, '--org', 'nobody']);
    assert.match(refused.stderr, /no organisation nobody/);
    await assert.rejects(readdir(nobody), /ENOENT/); // nothing half made
    const empty = join(place, 'empty');
    await mkdir(empty);
    assert.match((await run(1, ['restore', empty, '--data', nobody])).stderr, /backup\.json/);
    assert.match((await run(1, ['backup', nobody, '--data', empty])).stderr, /holds no data/);
  });

  test('a whole installation comes back with all that was acknowledged', async () => {
    const fresh = join(place, 'fresh');
    const whole = join(place, 'whole');
    assert.match((await run(1, ['restore', whole, '--data', fresh])).stderr, /--key/);
    const wrong = join(place, 'wrong.key');
    await writeFile(wrong, `${'ab'.repeat(32)}\n`, { mode: 0o600 });
    assert.match(
      (await run(4, ['restore', whole, '--data', fresh, '--key', wrong])).stderr,
      /another master key/,
    );
    await assert.rejects(readdir(join(fresh, 'store')), /ENOENT/);
    await run(0, ['restore', whole, '--data', fresh, '--key', join(data, 'master.key')]);
    const settings = (folder) => readFile(join(folder, 'rapport.yaml'), 'utf8');
    assert.equal(await settings(fresh), await settings(data));
    assert.match(
      (await run(4, ['restore', whole, '--data', fresh])).stderr,
      /holds data already/,
    );
    const restored = await startRapport({ data: fresh, demo: false });
    try {
      for (const visitor of visitors) {
        const back = await texts(await again(restored, visitor));
        const before = acked.get(visitor);
        assert.deepEqual(back.slice(0, before.length), before);
        assert.equal(new Set(back).size, back.length, 'a message came back twice');
      }
      const admin = await Api.login(restored, ADMIN);
      assert.ok((await admin.all('/agents')).length > 0);
      assert.equal((await admin.get('/audit-entries/check')).intact, true);
    } finally {
      await restored.stop();
    }
  });

  test('one organisation goes back, the others stay as they are', async () => {
    const admin = await Api.login(server, ADMIN);
    const harbour = await Api.login(server, HARBOUR);
    await admin.post('/documents', { title: 'Afterwards', text: 'Written after the back-up.' });
    await harbour.post('/documents', { title: 'Afterwards', text: 'Written after the back-up.' });
    const one = join(place, 'one');
    const args = ['restore', one, '--org', SLUG, '--data', data];
    assert.match((await run(4, args)).stderr, /in use/);
    await server.stop({ keep: true });
    await run(0, args);
    server = await startRapport({ data, demo: false });
    const after = await Api.login(server, ADMIN);
    const titles = async (api) => (await api.all('/documents')).map((d) => d.title);
    assert.ok(!(await titles(after)).includes('Afterwards'));
    assert.ok((await titles(await Api.login(server, HARBOUR))).includes('Afterwards'));
    const entries = await after.all('/audit-entries');
    assert.ok(entries.some((e) => e.action === 'org.restored'));
    assert.equal((await after.get('/audit-entries/check')).intact, true);
    const back = await texts(await again(server, visitors[0]));
    assert.ok(back.length >= acked.get(visitors[0]).length);
  });

  /** Runs `rapport restore` and kills it after so many milliseconds; whether it had ended before. */
  async function killedRestore(folder, afterMs) {
    const args = ['restore', join(place, 'one'), '--org', SLUG, '--data', folder];
    const child = spawn(BIN, args, { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
    const [code] = await ended;
    clearTimeout(timer);
    return code === 0;
  }

  /** Whether the org is as before the restore, after a start; the other one is as it was. */
  async function standing(folder) {
    const started = await startRapport({ data: folder, demo: false });
    try {
      const admin = await Api.login(started, ADMIN);
      const harbour = await Api.login(started, HARBOUR);
      const titles = async (api) => (await api.all('/documents')).map((d) => d.title);
      assert.equal((await admin.get('/audit-entries/check')).intact, true);
      assert.ok((await titles(harbour)).includes('Afterwards'));
      return { isOld: (await titles(admin)).includes('Later') };
    } finally {
      await started.stop({ keep: true });
    }
  }

  test('a restore that is killed leaves all of the old or all of the new, and can be repeated', async () => {
    await (await Api.login(server, ADMIN)).post('/documents', { title: 'Later', text: 'Not kept.' });
    await server.stop({ keep: true });
    const whole = join(place, 'timed');
    await cp(data, whole, { recursive: true });
    const began = performance.now();
    assert.ok(await killedRestore(whole, 60_000));
    const tookMs = performance.now() - began;
    for (const share of [0.5, 0.9]) {
      const folder = join(place, `killed-${share}`);
      await cp(data, folder, { recursive: true });
      const done = await killedRestore(folder, tookMs * share);
      const { isOld } = await standing(folder);
      assert.ok(!(done && isOld), 'it said that it was done');
      assert.ok(await killedRestore(folder, 60_000));
      assert.equal((await standing(folder)).isOld, false);
      await rm(folder, { recursive: true });
    }
    server = await startRapport({ data, demo: false });
  });

  test('a damaged back-up is refused before anything is touched', async () => {
    const one = join(place, 'one');
    const file = join(one, 'store/org', (await readdir(join(one, 'store/org')))[0]);
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(file, bytes);
    await server.stop({ keep: true });
    const refused = await run(1, ['restore', one, '--org', SLUG, '--data', data]);
    assert.match(refused.stderr, /is damaged/);
    server = await startRapport({ data, demo: false });
    assert.ok((await (await Api.login(server, ADMIN)).all('/agents')).length > 0);
  });
});
