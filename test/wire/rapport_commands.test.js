// The command line as a person and as a program uses it: through the running server and on the data
// folder alone, with exit codes that mean something.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Api } from './api.js';
import { ADMIN, newData, ROOT, runRapport, skip, startRapport } from './rapport.js';

const SAMPLE = join(ROOT, 'samples/brightwell/agents/support.yaml');
const SANITIZER = /Sanitizer|runtime error:/;

/** Runs a command and asserts how it ended. */
async function run(code, args, options) {
  const done = await runRapport(args, options);
  assert.ok(!SANITIZER.test(done.stderr), done.stderr);
  assert.equal(done.code, code, `rapport ${args.join(' ')}\n${done.stdout}\n${done.stderr}`);
  return done;
}

/** The one clear line on standard error. */
const said = ({ stderr }) => {
  const lines = stderr.trim().split('\n');
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0], /^rapport: /);
  return lines[0];
};

const freeze = (port) =>
  new Promise((done) => {
    const taken = createServer().listen(port, '127.0.0.1', () => done(taken));
  });

describe('command line without data', { skip }, () => {
  test('usage: unknown words suggest the nearest', async () => {
    assert.match(said(await run(2, ['srve'])), /did you mean "serve"/);
    assert.match(said(await run(2, ['agent', 'lsit'])), /did you mean "agent list"/);
    assert.match(said(await run(2, ['serve', '--prot', '1'])), /did you mean --port/);
    assert.match(said(await run(2, ['agent', 'apply', 'x.yaml'])), /-m/);
    assert.match(said(await run(2, ['serve', 'extra'])), /one too many/);
  });

  test('help, version and completion are whole', async () => {
    const { stdout } = await run(0, ['help']);
    for (const name of ['serve', 'chat', 'agent apply', 'kb search', 'nlu eval', 'doctor'])
      assert.ok(stdout.includes(name), name);
    assert.match((await run(0, ['help', 'serve'])).stdout, /--port N/);
    assert.match((await run(0, ['version'])).stdout, /^rapport \d+\.\d+\.\d+/);
    assert.ok(JSON.parse((await run(0, ['version', '--json'])).stdout).version);
    for (const shell of ['bash', 'zsh', 'fish'])
      assert.match((await run(0, ['completion', shell])).stdout, /complete/);
    await run(2, ['completion', 'tcsh']);
  });

  test('agents are checked with line and column', async () => {
    assert.match((await run(0, ['agent', 'validate', SAMPLE])).stdout, /: valid: /);
    const folder = await mkdtemp(join(tmpdir(), 'rapport-cli-'));
    const path = join(folder, 'bad.yaml');
    await writeFile(path, (await readFile(SAMPLE, 'utf8')).replace('slug: support', 'slug: 7 up'));
    const text = (await run(1, ['agent', 'validate', path])).stdout;
    assert.match(text, /bad\.yaml:\d+:\d+: error: slug/);
    const { stdout } = await run(1, ['agent', 'validate', path, '--json']);
    const [file] = JSON.parse(stdout).files;
    assert.equal(file.valid, false);
    assert.ok(file.errors[0].line > 1);
    await rm(folder, { recursive: true });
  });

  test('intents are measured, set by set, against a floor', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rapport-cli-'));
    const rows = Array.from({ length: 10 }, (_, i) => `where is parcel ${i},track\nstop order ${i},cancel`);
    await writeFile(join(folder, 'shop_train.csv'), `text,label\n${rows.join('\n')}\n`);
    await writeFile(join(folder, 'bank_train.csv'), `text,label\n${rows.join('\n')}\n`);
    const { stdout } = await run(0, ['nlu', 'eval', folder, '--floor', '90', '--json']);
    const { items } = JSON.parse(stdout);
    assert.deepEqual(items.map((item) => item.name), ['bank', 'shop']);
    assert.equal(items[0].report.scored_on, 'parts');
    assert.equal(items[0].report.threshold_from, 'training');
    const { stderr } = await run(1, ['nlu', 'eval', folder, '--floor', '90,101']);
    assert.match(stderr, /shop: in-scope accuracy is .* below the floor of 101/);
    assert.ok(!stderr.includes('bank:'), stderr);
    assert.match(said(await run(2, ['nlu', 'eval', folder, '--floor', 'high'])), /--floor/);
    await rm(folder, { recursive: true });
  });

  test('no data there: nothing is made', async () => {
    const folder = join(tmpdir(), `rapport-none-${process.pid}`);
    assert.match(said(await run(1, ['agent', 'list', '--data', folder])), /no data/);
    await assert.rejects(stat(folder));
    await run(0, ['doctor', '--data', folder]);
    await assert.rejects(stat(folder));
  });

  test('a start that cannot be: one line and its own code', async () => {
    const data = await newData();
    assert.match(said(await run(3, ['serve', '--data', data, '--demo', data])), /no demo/);
    const taken = await freeze(0);
    const port = String(taken.address().port);
    assert.match(said(await run(4, ['serve', '--data', data, '--port', port])), /is taken/);
    taken.close();
    await writeFile(join(data, 'rapport.yaml'), 'server:\n  prot: 1\n');
    assert.match(said(await run(3, ['serve', '--data', data])), /server\.prot.*line 2/);
    await writeFile(join(data, 'rapport.yaml'), '');
    assert.match(said(await run(3, ['serve', '--data', data, '--services', 'x'])), /"x"/);
    assert.match(said(await run(2, ['serve', '--data', data, '--port', '70000'])), /--port/);
    await writeFile(join(data, 'file'), '');
    const file = join(data, 'file', 'sub');
    assert.match(said(await run(5, ['serve', '--data', file])), /cannot/);
    await rm(data, { recursive: true });
  });
});

describe('command line with data', { skip }, () => {
  let server;
  before(async () => {
    server = await startRapport();
  });
  after(() => server?.stop());
  const rapport = (code, ...args) => run(code, [...args, '--data', server.data]);
  const json = async (...args) => JSON.parse((await rapport(0, ...args, '--json')).stdout);

  test('the folder belongs to one server, which left its address there', async () => {
    const { mode } = await stat(join(server.data, 'run.json'));
    assert.equal(mode & 0o777, 0o600);
    assert.match(said(await rapport(4, 'serve', '--port', '0')), /in use/);
  });

  test('several organisations: the command asks which', async () => {
    const text = said(await rapport(2, 'agent', 'list'));
    assert.match(text, /--org brightwell or --org harbour/);
    const { items } = await json('org', 'list');
    assert.deepEqual(items.map((o) => o.slug).sort(), ['brightwell', 'harbour', 'operator']);
  });

  test('an organisation is erased when it is shut and its name is said again', async () => {
    const gone = async () => {
      for (let tries = 0; tries < 300; tries++) {
        const { items } = await json('org', 'list');
        if (!items.some((o) => o.slug === 'short')) return true;
        await new Promise((done) => setTimeout(done, 100));
      }
      return false;
    };
    const { id } = await json('org', 'create', 'Short', '--slug', 'short');
    assert.match(said(await rapport(4, 'org', 'erase', 'short', '--yes')), /suspended/);
    assert.match((await rapport(0, 'org', 'suspend', 'short')).stdout, /nobody of it gets in/);
    assert.match((await rapport(0, 'org', 'resume', 'short')).stdout, /active again/);
    await rapport(0, 'org', 'suspend', 'short');
    assert.match(said(await rapport(1, 'org', 'erase', 'short')), /not confirmed/);
    await rapport(0, 'org', 'erase', 'short', '--yes');
    assert.ok(await gone());
    const left = await readdir(server.data, { recursive: true });
    assert.deepEqual(left.filter((name) => name.includes(id)), []);
    await rapport(1, 'org', 'erase', 'short', '--yes');
  });

  test('an agent is applied, compared and rolled back', async () => {
    const org = ['--org', 'brightwell'];
    const folder = await mkdtemp(join(tmpdir(), 'rapport-cli-'));
    const path = join(folder, 'support.yaml');
    const yaml = await readFile(SAMPLE, 'utf8');
    await writeFile(path, yaml.replace(/^name: .*/m, 'name: Robina'));
    assert.match((await rapport(0, 'agent', 'apply', path, '-m', 'renamed', ...org)).stdout, /2/);
    assert.match((await rapport(0, 'agent', 'apply', path, '-m', 'x', ...org)).stdout, /unchanged/);
    assert.match((await rapport(0, 'agent', 'diff', 'support', ...org)).stdout, /\+name: Robina/);
    const back = await json('agent', 'rollback', 'support', '--reason', 'no', ...org);
    assert.equal(back.active_version, 3);
    assert.match((await rapport(0, 'agent', 'show', 'support', '2', ...org)).stdout, /Robina/);
    await rapport(1, 'agent', 'show', 'nobody', ...org);
    await rm(folder, { recursive: true });
  });

  test('a member comes, signs in and goes', async () => {
    const org = ['--org', 'harbour', '--data', server.data];
    const who = 'wilma@harbour.example';
    const add = ['member', 'add', who, '--name', 'Wilma', '--role', 'support', ...org];
    await run(0, add, { input: 'a-long-password\n' });
    assert.match(said(await run(4, add, { input: 'a-long-password\n' })), /there is a member/);
    await Api.login(server, { email: who, password: 'a-long-password', org: 'harbour' });
    await run(0, ['member', 'password', who, ...org], { input: 'another-password\n' });
    await Api.login(server, { email: who, password: 'another-password', org: 'harbour' });
    await run(0, ['member', 'remove', who, ...org]);
    await run(1, ['member', 'remove', who, ...org]);
  });

  test('a key works from elsewhere, for what it may', async () => {
    const made = await json('key', 'create', 'ci', '-s', 'agents:read', '--org', 'brightwell');
    const env = { RAPPORT_KEY: made.key };
    const { stdout } = await run(0, ['agent', 'list', '--url', server.url], { env });
    assert.match(stdout, /support/);
    await run(5, ['member', 'list', '--url', server.url], { env });
    await rapport(0, 'key', 'revoke', made.id, '--org', 'brightwell');
    await run(5, ['agent', 'list', '--url', server.url], { env });
    await run(7, ['agent', 'list', '--url', 'http://127.0.0.1:1'], { env });
  });

  test('knowledge: only what changed is imported again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rapport-cli-'));
    await mkdir(join(folder, 'deep'));
    await writeFile(
      join(folder, 'deep', 'fox.md'),
      '# Foxes\n\nThe quick brown fox lives in Delft.\n',
    );
    await writeFile(join(folder, 'zebra.txt'), 'Zebras are striped.');
    await writeFile(join(folder, 'photo.png'), 'not text');
    const load = () => json('kb', 'import', folder, '--org', 'harbour');
    assert.deepEqual(await load(), { new: 2, replaced: 0, unchanged: 0, failed: 0 });
    await writeFile(join(folder, 'zebra.txt'), 'Zebras are striped, mostly.');
    assert.deepEqual(await load(), { new: 0, replaced: 1, unchanged: 1, failed: 0 });
    const { items } = await json('kb', 'search', 'where does the fox live', '--org', 'harbour');
    assert.match(items[0].text, /Delft/);
    await writeFile(join(folder, 'bad.txt'), Buffer.from([0xff, 0xfe]));
    const failed = await rapport(1, 'kb', 'import', folder, '--org', 'harbour');
    assert.match(failed.stderr, /bad\.txt: it is not UTF-8/);
    await rm(folder, { recursive: true });
  });

  test('events are listed', async () => {
    const { items } = await json('events', 'list', '-t', 'config_events', '--org', 'brightwell');
    assert.ok(items.some((e) => e.event_type === 'config_deployed'));
    await rapport(1, 'events', 'list', '-t', 'no_such', '--org', 'brightwell');
  });

  test('doctor finds it healthy', async () => {
    const { healthy, checks } = await json('doctor');
    assert.equal(healthy, true, JSON.stringify(checks.filter((c) => c.status === 'fail')));
    assert.ok(checks.some((c) => c.check === 'audit log' && /intact/.test(c.text)));
  });

  const talk = (...args) =>
    run(0, ['chat', '--data', server.data, ...args], {
      input: 'where is my order BW-10421?\n/person\n',
    });

  test('a chat in the terminal', async () => {
    const { stdout } = await talk();
    assert.match(stdout, /Robin: Order \*\*BW-10421\*\*/);
    assert.match(stdout, /a person answers/);
    const lines = (await talk('--json')).stdout.trim().split('\n').map(JSON.parse);
    assert.equal(lines.find((m) => m.role === 'ai').seq, 2);
    assert.match((await talk('--stranger', '--agent', 'harbour/reception')).stdout, /Pearl/);
  });

  test('with the server gone, the same on the folder', async () => {
    await server.stop({ keep: true });
    await assert.rejects(stat(join(server.data, 'run.json')));
    assert.match((await talk()).stdout, /Robin: Order \*\*BW-10421\*\*/);
    const { items } = await json('member', 'list', '--org', 'brightwell');
    assert.ok(items.some((m) => m.email === ADMIN.email));
    assert.match(said(await rapport(7, 'events', 'tail', '--org', 'brightwell')), /no server/);
    const { orgs } = await json('migrate');
    assert.equal(orgs, 3);
    assert.equal((await json('doctor')).healthy, true);
  });
});

describe('the demo workspace', { skip }, () => {
  test('goes into a new folder only, and whoever asks again is told so', async () => {
    const own = await startRapport({ demo: false });
    assert.equal((await fetch(`${own.url}/api/v1/demo`)).status, 404);
    await own.stop({ keep: true });
    const again = await startRapport({ data: own.data, config: {} });
    assert.equal((await fetch(`${again.url}/api/v1/demo`)).status, 404);
    assert.match(again.log, /rapport: --demo is passed over: .* holds 1 organisation already/);
    await again.stop();
  });

  test('that is there already is no matter for a word', async () => {
    const first = await startRapport();
    await first.stop({ keep: true });
    const again = await startRapport({ data: first.data });
    assert.equal((await fetch(`${again.url}/api/v1/demo`)).status, 200);
    assert.doesNotMatch(again.log, /passed over/);
    await again.stop();
  });
});
