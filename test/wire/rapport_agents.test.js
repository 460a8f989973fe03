// Agents as configuration: what is wrong has a line and a column, what is applied is used by the
// next conversation and by no running one.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { agentYaml } from './agent_yaml.js';
import { Api, problem, Visitor } from './api.js';
import { ADMIN, AGENT, ROOT, skip, startRapport, SUPPORT } from './rapport.js';

const SAMPLE = join(ROOT, 'samples/brightwell/agents/support.yaml');
const good = agentYaml();
/** The text with one line replaced, and that line's number. */
function broken(pattern, replacement) {
  const lines = good.split('\n');
  const at = lines.findIndex((line) => pattern.test(line));
  lines[at] = replacement;
  return { yaml: lines.join('\n'), line: at + 1 };
}

describe('agents', { skip }, () => {
  let server;
  let admin;
  before(async () => {
    server = await startRapport();
    admin = await Api.login(server, ADMIN);
  });
  after(() => server?.stop());
  const validate = (yaml) => admin.post('/agents/validate', { yaml });

  test('the demo agent and the small one are valid', async () => {
    for (const yaml of [await readFile(SAMPLE, 'utf8'), good]) {
      const { valid, errors } = await validate(yaml);
      assert.equal(valid, true, JSON.stringify(errors));
    }
  });

  const FAULTS = [
    ['an unknown key', broken(/^slug/, 'slog: wire'), /slog/],
    ['a wrong type', broken(/^channels/, 'channels: 7'), /channels/],
    ['an unknown channel', broken(/^channels/, 'channels: [pigeon]'), /pigeon|channels/],
    [
      'a tool name that is not snake_case',
      broken(/^tools/, 'tools: [{name: GetOrder}]'),
      /snake_case/,
    ],
    ['a duplicate key', broken(/^greeting/, 'name: again'), /name/],
    ['broken YAML', broken(/^channels/, 'channels: ]webchat'), /./],
    ['a tab for indentation', broken(/condition/, '\t- {condition: "true", action: x}'), /./],
    [
      'a condition that is not jq',
      broken(/condition/, '  - {condition: "a ==", action: immediate_handoff}'),
      /./,
    ],
    [
      'an unknown action',
      broken(/condition/, '  - {condition: "true", action: explode}'),
      /action/,
    ],
    ['a chatbot with voice keys', broken(/^channels/, 'voice_parameters: {}'), /voice_parameters/],
  ];
  for (const [why, { yaml, line }, message] of FAULTS)
    test(`${why} is an error at its line and column`, async () => {
      const { valid, errors } = await validate(yaml);
      assert.equal(valid, false);
      const fault = errors.find(
        (e) => e.severity === 'error' && message.test(`${e.path} ${e.message}`),
      );
      assert.ok(fault, JSON.stringify(errors));
      assert.ok(Math.abs(fault.line - line) <= 1, `line ${fault.line}, expected ${line}`);
      assert.ok(fault.column >= 1);
    });

  test('a YAML bomb is refused at once', async () => {
    const levels = ['a: &a [x,x,x,x,x,x,x,x,x]'];
    for (let i = 1; i < 10; i++) {
      const [name, ref] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)];
      levels.push(`${name}: &${name} [${Array(9).fill(`*${ref}`).join(',')}]`);
    }
    const { valid } = await validate(levels.join('\n'));
    assert.equal(valid, false);
  });

  test('an invalid agent is not applied, and the answer names the place', async () => {
    const { yaml } = broken(/^slug/, 'slog: wire');
    const before = (await admin.get('/agents')).items.length;
    const said = problem(await admin.call('POST', '/agents', { yaml, message: 'x' }), 400);
    assert.ok(said.line >= 1 && said.column >= 1, JSON.stringify(said));
    assert.equal((await admin.get('/agents')).items.length, before);
  });

  test('apply, change, diff, roll back: every version stays', async () => {
    const made = await admin.post('/agents', {
      yaml: agentYaml({ slug: 'steps' }),
      message: 'first',
    });
    const path = `/agents/${made.id}`;
    const first = await admin.call('GET', path);
    assert.equal(first.headers.get('etag'), '"v1"');
    const second = agentYaml({ slug: 'steps', greeting: 'Good day.' });
    const headers = { 'if-match': '"v1"' };
    await admin.put(path, { yaml: second, message: 'warmer' }, { headers });
    const stale = await admin.call('PUT', path, { yaml: good, message: 'x' }, { headers });
    assert.ok([409, 412].includes(stale.status), stale.text);
    const diff = await admin.get(`${path}/diff?from=1&to=2`);
    assert.match(diff.unified, /^-greeting: "Hello\."$/m);
    assert.match(diff.unified, /^\+greeting: "Good day\."$/m);
    assert.deepEqual(diff.changes, [
      { path: 'greeting', kind: 'changed', old: 'Hello.', new: 'Good day.' },
    ]);
    const rolled = await admin.post(`${path}/rollback`, { version: 1, reason: 'too warm' });
    assert.equal(rolled.version ?? rolled.active_version, 3);
    const versions = await admin.all(`${path}/versions`);
    assert.deepEqual(versions.map((v) => v.version).sort(), [1, 2, 3]);
    const sha = (n) => versions.find((v) => v.version === n).sha256;
    assert.equal(sha(3), sha(1), 'content-addressed');
    assert.equal((await admin.get(`${path}/versions/2`)).yaml, second);
  });

  test('a new conversation uses the new version, a running one keeps its own', async () => {
    const made = await admin.post('/agents', { yaml: agentYaml({ slug: 'hot' }), message: 'a' });
    const running = await Visitor.start(server, { agent: 'brightwell/hot' });
    const yaml = agentYaml({ slug: 'hot', greeting: 'New words.' });
    await admin.put(
      `/agents/${made.id}`,
      { yaml, message: 'b' },
      { headers: { 'if-match': '"v1"' } },
    );
    const fresh = await Visitor.start(server, { agent: 'brightwell/hot' });
    assert.equal(fresh.session.agent.greeting, 'New words.');
    await running.ask('hello');
    const version = async (v) =>
      (await admin.get(`/conversations/${v.conversation}`)).agent_version;
    assert.deepEqual([await version(running), await version(fresh)], [1, 2]);
  });

  test('applying a slug again is a new version; who builds nothing cannot apply', async () => {
    const post = (yaml) => admin.post('/agents', { yaml, message: 'x' });
    const first = await post(agentYaml({ slug: 'twice' }));
    const second = await post(agentYaml({ slug: 'twice', greeting: 'Again.' }));
    assert.deepEqual([second.id, second.active_version], [first.id, 2]);
    const support = await Api.login(server, SUPPORT);
    problem(await support.call('POST', '/agents', { yaml: good, message: 'x' }), 403);
    assert.equal((await support.post('/agents/validate', { yaml: good })).valid, true);
  });

  test('the demo agent is there, with its YAML byte for byte', async () => {
    const rows = await admin.all('/agents');
    const row = rows.find((agent) => `brightwell/${agent.slug}` === AGENT);
    assert.equal((await admin.get(`/agents/${row.id}`)).yaml, await readFile(SAMPLE, 'utf8'));
  });
});
