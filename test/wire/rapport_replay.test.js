// `rapport replay`: recorded conversations through the whole product. The model says what was said,
// tools and databases stand on a server of their own; what the agent does, says and leaves behind
// must be what was recorded. RAPPORT_REPLAY_ALL=1 kills the program in every conversation.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runTool } from '../fake/tau/refusal.js';
import { changesOf } from '../fake/tau/fake.js';
import { linesOf } from '../replay/convert.js';
import {
  agentOf,
  asMcp,
  database,
  DOMAINS,
  httpTool,
  mcpAgentOf,
  missing,
  oracle,
  toolsOf,
  trajectories,
} from '../replay/tau.js';
import { ENV, LLM, SECRET, World } from '../replay/world.js';
import { agentYaml } from './agent_yaml.js';
import { Api, Visitor } from './api.js';
import { startMcpTau } from './mcp_tau.js';
import {
  ADMIN,
  HARBOUR,
  newData,
  OPERATOR,
  runRapport,
  skip,
  startRapport,
  STORES,
  SUPPORT,
} from './rapport.js';

const ALL = process.env.RAPPORT_REPLAY_ALL === '1';
const KILLED = ALL ? 60 : 1;

const rows = (stdout) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Plays a file; `{ code, items, totals }`. */
async function replay(file, agent, where, more = {}) {
  const args = ['replay', file, '--agent', agent, '--json', ...where, ...(more.args ?? [])];
  const done = await runRapport(args, { env: { ...ENV, ...more.env } });
  assert.ok(!/Sanitizer|runtime error:/.test(done.stderr), done.stderr);
  assert.ok(done.stdout, done.stderr);
  const items = rows(done.stdout);
  return { code: done.code, totals: items.pop(), items };
}

const differencesOf = (item) => item.turns.flatMap((turn) => turn.differences);

/* ---- a till, recorded by hand -------------------------------------------------------------- */

const ROUNDS = 14;

const TILL = {
  db: { drawers: { d1: { cents: 500 } } },
  tools: {
    look: (db, { drawer }) => db.drawers[drawer] ?? 'there is no such drawer',
    put: (db, { drawer, cents }) => {
      db.drawers[drawer].cents += cents;
      return db.drawers[drawer];
    },
  },
};

const look = (drawer, result) => ({ name: 'look', arguments: { drawer }, result });
const put = (cents, total) => ({
  name: 'put',
  arguments: { drawer: 'd1', cents },
  result: { cents: total },
});

const TALKS = {
  // What was looked up first is only said in the third turn: by then it comes from the past.
  known: [
    { contact: 'Please look.', calls: [look('d1', { cents: 500 })], answer: 'I have it.' },
    { contact: 'Thank you.', calls: [], answer: 'You are welcome.' },
    { contact: 'How much was it?', calls: [], answer: 'It was 500.' },
  ],
  many: [
    {
      contact: 'Put one in, again and again.',
      calls: Array.from({ length: ROUNDS }, (_, i) => put(1, 501 + i)),
      answer: 'It is done.',
    },
  ],
  text: [
    {
      contact: 'And the other drawer?',
      calls: [look('d9', 'there is no such drawer')],
      answer: 'There is none.',
    },
  ],
};

const recordingOf = ([name, turns]) => ({ name, contact: { name }, turns });

describe('replay of recordings of our own', { skip }, () => {
  let world;
  let server;
  let data;
  const recordings = Object.entries(TALKS).map(recordingOf);
  const parameters = { type: 'object', properties: { drawer: { type: 'string' } } };
  const past = [];
  before(async () => {
    world = await World.start(recordings, { till: TILL });
    world.seen.onRequest = (messages) => past.push(messages);
    data = await newData();
    server = await startRapport({ data, config: world.config, env: ENV });
    const admin = await Api.login(server, ADMIN);
    await admin.put('/secrets/tau', { value: SECRET });
    const tools = Object.keys(TILL.tools).map((name) =>
      httpTool(
        { name, description: `Does ${name}.`, parameters },
        `${world.tools.url}/till/${name}`,
        name === 'put',
      ),
    );
    for (const [slug, llm] of [
      ['till', LLM],
      ['short', { ...LLM, tool_rounds: 3 }],
    ])
      await admin.post('/agents', {
        yaml: agentYaml({ slug, tools, llm, rules: [] }),
        message: 'wire',
      });
  });
  after(async () => {
    await server?.stop();
    await world?.close();
  });

  const play = (file, where = ['--data', data]) => replay(file, 'brightwell/till', where);
  const write = (name, list) => world.file(name, `${linesOf(list)}\n`);

  test('what holds is the same: many rounds, plain texts, changes nobody is asked about', async () => {
    const { code, totals, items } = await play(await write('same.jsonl', recordings));
    assert.deepEqual(items.flatMap(differencesOf), []);
    assert.equal(code, 0);
    assert.equal(totals.calls, ROUNDS + 2);
    assert.equal(totals.turns, 5);
    assert.deepEqual(world.seen.complaints, []);
    const { conversation_id: id } = items.find((item) => item.name === 'many');
    assert.deepEqual(world.tools.changed('till', id), {
      drawers: { d1: { cents: 500 + ROUNDS } },
    });
  });

  test('a model sees in later turns what its tools told in earlier ones', () => {
    const third = past.find((messages) => messages.at(-1).content === 'How much was it?');
    const told = third.filter((message) => message.role === 'tool');
    assert.deepEqual(JSON.parse(told[0].content), { cents: 500 });
    const asked = third.find((message) => message.tool_calls);
    assert.equal(asked.tool_calls[0].id, told[0].tool_call_id);
    const before = third.indexOf(asked);
    assert.equal(third[before - 1].content, 'Please look.');
    assert.equal(third[before + 2].content, 'I have it.');
  });

  test('a model that turns to its tools too often is stopped, and a person called', async () => {
    const file = await write('many.jsonl', [recordings[1]]);
    const { code, items, totals } = await replay(file, 'brightwell/short', ['--data', data]);
    assert.deepEqual([code, totals.calls], [1, 3]);
    const [{ conversation_id: id, turns }] = items;
    assert.match(turns[0].answer, /asked a colleague/);
    const admin = await Api.login(server, ADMIN);
    const { owner, escalation } = await admin.get(`/conversations/${id}`);
    assert.deepEqual([owner, escalation.reason], ['human', 'low_confidence']);
  });

  test('every kind of difference is told, and only it', async () => {
    const [known, , text] = recordings;
    const changed = (recording, name, change) => {
      const copy = structuredClone(recording);
      change(copy.turns[0]);
      return { ...copy, name, contact: recording.contact };
    };
    const list = [
      changed(known, 'answer', (turn) => (turn.answer = 'I do not have it.')),
      changed(known, 'arguments', (turn) => (turn.calls[0].arguments.drawer = 'd2')),
      changed(known, 'result', (turn) => (turn.calls[0].result.cents = 501)),
      changed(known, 'call', (turn) => turn.calls.push(look('d1', {}))),
      changed(text, 'none', (turn) => (turn.calls[0].result = '"there is no such drawer"')),
      changed(text, 'unsaid', (turn) => ['answer', 'calls'].forEach((key) => delete turn[key])),
    ];
    const { code, totals, items } = await play(await write('differs.jsonl', list));
    assert.equal(code, 1);
    assert.deepEqual(
      items.map((item) => differencesOf(item).map(({ what }) => what)),
      [['answer'], ['arguments'], ['result'], ['call'], [], []],
    );
    assert.deepEqual([totals.differing, totals.differences], [4, 4]);
    const [told] = differencesOf(items[2]);
    assert.deepEqual([told.want, told.got, told.call], [{ cents: 501 }, { cents: 500 }, 1]);
    const only = await replay(await write('answer.jsonl', list.slice(0, 1)), 'brightwell/till', [
      ...['--data', data],
      '--calls-only',
    ]);
    assert.equal(only.code, 0);
  });

  test('a recording that cannot be read is named with its line; nothing is said', async () => {
    const good = linesOf(recordings.slice(0, 1));
    const bad = [
      ['{"turns":[{"contact":"x"', /bad\.jsonl:2: /],
      ['{"turns":[]}', /bad\.jsonl:2: turns /],
      ['{"turns":[{"answer":"x"}]}', /bad\.jsonl:2: turns\[0\]/],
      ['{"turns":[{"contact":"x","calls":[{"name":"a"}]}]}', /turns\[0\]\.calls\[0\]/],
    ];
    for (const [line, what] of bad) {
      const path = await world.file('bad.jsonl', `${good}\n${line}\n`);
      const done = await runRapport(['replay', path, '--agent', 'brightwell/till', '--data', data]);
      assert.equal(done.code, 1, done.stderr);
      assert.match(done.stderr, what);
      assert.equal(done.stdout, '');
    }
    const usage = await runRapport(['replay', world.folder, '--agent', 'till', '--data', data]);
    assert.equal(usage.code, 2);
    assert.match(usage.stderr, /--agent ORGANISATION\/AGENT/);
    const empty = join(world.folder, 'empty');
    await mkdir(empty);
    const none = await runRapport(['replay', empty, '--agent', 'brightwell/till', '--data', data]);
    assert.match(none.stderr, /no recordings/);
    const file = await write('same.jsonl', recordings);
    const nobody = await runRapport(['replay', file, '--agent', 'brightwell/nobody', '--data', data]);
    assert.equal(nobody.code, 1);
  });

  test('what was held can be written down, and played again', async () => {
    const { items } = await play(await write('same.jsonl', recordings));
    const ids = items.map((item) => item.conversation_id);
    const where = ['--data', data, '--org', 'brightwell'];
    const done = await runRapport(['record', ...ids, ...where]);
    assert.equal(done.code, 0, done.stderr);
    const written = rows(done.stdout);
    assert.deepEqual(
      written.map((one) => one.turns),
      recordings.map((one) => one.turns),
    );
    assert.deepEqual(
      written.map((one) => one.contact.name),
      recordings.map((one) => one.name),
    );
    const again = await play(await world.file('written.jsonl', done.stdout));
    assert.deepEqual([again.code, again.totals.calls], [0, ROUNDS + 2]);
    const other = await runRapport(['record', ids[0], '--data', data, '--org', 'harbour']);
    assert.equal(other.code, 1);
    assert.equal(other.stdout, '');
  });

  test('a person, and what follows, is not recorded', async () => {
    const contact = { name: 'text' };
    const visitor = await Visitor.start(server, { agent: 'brightwell/till', contact });
    await visitor.ask(TALKS.text[0].contact);
    const hannah = await Api.login(server, SUPPORT);
    await hannah.post(`/conversations/${visitor.conversation}/takeover`);
    await visitor.post('Hello?');
    await visitor.post('Anybody?');
    await hannah.post(`/conversations/${visitor.conversation}/messages`, { text: 'I am here.' });
    const args = ['record', visitor.conversation, '--data', data, '--org', 'brightwell'];
    const [written] = rows((await runRapport(args)).stdout);
    assert.deepEqual(written.turns, TALKS.text);
  });

  test('without a server it works on the data folder', async () => {
    await server.stop({ keep: true });
    const { code, totals } = await play(await write('same.jsonl', recordings));
    assert.deepEqual([code, totals.differences, totals.turns], [0, 0, 5]);
    server = await startRapport({ data, demo: false, env: ENV });
  });
});

/* ---- the recorded material ----------------------------------------------------------------- */

/** A database after calls were made on it directly. */
function endOf(db, domain, calls) {
  const copy = structuredClone(db);
  for (const call of calls)
    runTool(DOMAINS[domain].tools, copy, call.name, call.arguments ?? call.kwargs);
  return JSON.parse(JSON.stringify(changesOf(db, copy)));
}

const callsOf = (recording) => recording.turns.flatMap((turn) => turn.calls);
const configOf = (admin, letter) => ({
  organization: admin.org.id,
  config: `01a1e1a7-4c00-7b${letter}0-8000-00000000abcd`,
  rules: [],
  guardrails: { facts: 'lenient' },
});
const sum = (numbers) => numbers.reduce((total, n) => total + n, 0);

/** Nothing differs, every result reached the model as recorded, every database ends as it must. */
function assertSame(world, domain, recordings, { code, totals, items }, endsOf) {
  assert.deepEqual(items.flatMap(differencesOf), []);
  assert.deepEqual(world.seen.complaints, []);
  assert.equal(code, 0);
  assert.equal(totals.conversations, recordings.length);
  assert.equal(totals.calls, sum(recordings.map((one) => callsOf(one).length)));
  for (const recording of recordings) {
    const { conversation_id: id } = items.find((item) => item.name === recording.name);
    const end = JSON.parse(JSON.stringify(world.tools.changed(domain, id)));
    for (const want of endsOf(recording)) assert.deepEqual(end, want, recording.name);
    world.tools.forget(domain, id);
  }
}

/** What a held conversation must leave behind; a reward of 1 says it was the right thing. */
const heldEnds = (db) => (recording) => [
  endOf(db, 'airline', callsOf(recording)),
  ...(recording.reward === 1 ? [endOf(db, 'airline', recording.truth)] : []),
];

describe('replay of tau-bench', { skip: skip || missing, timeout: 1_800_000 }, () => {
  let world;
  let server;
  let data;
  let held;
  let truths;
  const bases = {};
  const agents = { airline: 'brightwell/replayed-airline', retail: 'harbour/replayed-retail' };
  before(async () => {
    held = await trajectories();
    truths = { airline: await oracle('airline'), retail: await oracle('retail') };
    for (const [domain, { tools }] of Object.entries(DOMAINS))
      bases[domain] = { db: await database(domain), tools };
    const all = [...held, ...truths.airline, ...asMcp(truths.airline), ...truths.retail];
    world = await World.start(all, bases);
    data = await newData();
    server = await startRapport({ data, config: world.config, env: ENV });
    for (const [domain, who] of Object.entries({ airline: ADMIN, retail: HARBOUR })) {
      const admin = await Api.login(server, who);
      await admin.put('/secrets/tau', { value: SECRET });
      const config = configOf(admin, domain === 'airline' ? 'a' : 'b');
      const yaml = await agentOf(domain, { url: world.tools.url, llm: LLM, config });
      await admin.post('/agents', { yaml, message: 'replayed' });
    }
  });
  after(async () => {
    await server?.stop();
    await world?.close();
  });

  const file = (name, recordings) => world.file(`${name}.jsonl`, `${linesOf(recordings)}\n`);

  test('60 conversations of an airline and the truth of a shop, two organisations at once', async () => {
    const [airline, retail] = await Promise.all([
      replay(await file('held', held), agents.airline, ['--data', data]),
      replay(await file('retail', truths.retail), agents.retail, ['--data', data]),
    ]);
    assertSame(world, 'airline', held, airline, heldEnds(bases.airline.db));
    assertSame(world, 'retail', truths.retail, retail, (recording) => [recording.changed]);
    assert.equal(airline.totals.calls, 337);
    assert.ok(held.filter((one) => one.reward === 1).length >= 20);
    const of = (domain) => world.tools.calls.filter((call) => call.base === domain);
    const where = (domain) => new Set(of(domain).map((call) => call.conversation));
    for (const id of where('airline')) assert.ok(!where('retail').has(id), 'a call went astray');
    assert.deepEqual(
      world.tools.calls.filter((call) => call.refused),
      [],
    );
    const harbour = await Api.login(server, HARBOUR);
    const [first] = airline.items;
    assert.equal((await harbour.call('GET', `/conversations/${first.conversation_id}`)).status, 404);
  });

  test('the truth of the airline', async () => {
    const path = await file('airline', truths.airline);
    const done = await replay(path, agents.airline, ['--data', data]);
    assertSame(world, 'airline', truths.airline, done, (recording) => [recording.changed]);
  });

  test('the truth of the airline with its tools on an MCP server', async () => {
    const { changes } = DOMAINS.airline;
    const mcp = await startMcpTau(world.tools, 'airline', {
      tools: await toolsOf('airline'),
      changes,
    });
    try {
      const admin = await Api.login(server, ADMIN);
      const config = configOf(admin, 'c');
      const yaml = await mcpAgentOf('airline', { url: mcp.url, llm: LLM, config });
      await admin.post('/agents', { yaml, message: 'replayed' });
      const path = await file('mcp', asMcp(truths.airline));
      const done = await replay(path, `${agents.airline}-mcp`, ['--data', data]);
      assertSame(world, 'airline', asMcp(truths.airline), done, (recording) => [recording.changed]);
    } finally {
      await mcp.close();
    }
  });
});

/* ---- killed in the middle ------------------------------------------------------------------- */

const LEASE_MS = 330_000;

const killed = (store) => () => {
  let world;
  let server;
  let data;
  let chosen;
  let port;
  let passedMs = 0;
  const agent = 'brightwell/replayed-airline';
  before(async () => {
    // Those that change most come first: what is done twice shows in their databases.
    const weight = (one) => callsOf(one).filter((c) => DOMAINS.airline.changes.has(c.name)).length;
    chosen = (await trajectories()).sort((a, b) => weight(b) - weight(a)).slice(0, KILLED);
    const airline = { db: await database('airline'), tools: DOMAINS.airline.tools };
    // A lease runs out by moving the program's clock.
    world = await World.start(chosen, { airline }, { anytime: store !== 'sqlite' });
    data = await newData();
    server = await startRapport({ data, store, config: world.config, env: ENV });
    port = String(server.port);
    const admin = await Api.login(server, ADMIN);
    await admin.put('/secrets/tau', { value: SECRET });
    const config = configOf(admin, 'a');
    const yaml = await agentOf('airline', { url: world.tools.url, llm: LLM, config });
    await admin.post('/agents', { yaml, message: 'replayed' });
  });
  after(async () => {
    await server?.stop();
    await world?.close();
  });

  async function restart() {
    server = await startRapport({ data, demo: false, env: ENV, args: ['--port', port] });
    if (store === 'sqlite') return; // alone on its folder, it takes over at once
    // On a shared database the dead process might live elsewhere: its leases have to run out.
    passedMs += LEASE_MS;
    const operator = await Api.login(server, OPERATOR);
    await operator.post('/admin/clock', { advance_ms: passedMs });
  }

  test(`at every request of ${KILLED} of the conversations: the same end`, async (t) => {
    const admin = await Api.login(server, ADMIN);
    const { key } = await admin.post('/keys', { name: 'replay', scopes: ['*'] });
    let count = 0;
    let busy = null;
    // Each moment once: when a request comes again, the program lives on.
    const moments = new Set();
    const strike = (moment) => {
      if (busy || moments.has(moment)) return;
      moments.add(moment);
      count++;
      busy = server
        .kill()
        .then(restart)
        .finally(() => (busy = null));
    };
    world.seen.onRequest = (messages) => strike(JSON.stringify(messages.slice(-2)));
    world.tools.onCall = (when, call) => strike(`${when} ${call.key}`);
    const path = await world.file('killed.jsonl', `${linesOf(chosen)}\n`);
    const done = await replay(path, agent, ['--url', `http://127.0.0.1:${port}`], {
      env: { RAPPORT_KEY: key },
      args: ['--patience', '60'],
    });
    world.seen.onRequest = world.tools.onCall = null;
    await busy;
    assertSame(world, 'airline', chosen, done, heldEnds(world.tools.bases.airline.db));
    t.diagnostic(`killed ${count} times, ${world.tools.repeated} calls asked for again`);
    assert.ok(count >= 2 * sum(chosen.map((one) => one.turns.length)), `killed ${count} times`);
    assert.ok(world.tools.repeated > 0, 'no call was ever cut off');
  });
};

for (const store of STORES)
  describe(`replay and kill -9 on ${store}`, { skip: skip || missing, timeout: 1_800_000 }, killed(store));
