// What an operator sees: metrics, traces, logs, health, the API description.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeOtlp } from '../fake/otlp/fake.js';
import { Api, send, Visitor } from './api.js';
import { ADMIN, AGENT, skip, startRapport } from './rapport.js';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABELS = /^(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*$/;
const VALUE = /^([+-]?(\d+\.?\d*([eE][+-]?\d+)?|Inf)|NaN)$/;

/** Reads the text format 0.0.4 strictly: families with their type and samples. */
function readMetrics(text) {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map();
  let current = null;
  for (const line of text.slice(0, -1).split('\n')) {
    const meta = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (meta) {
      const [, what, name, rest] = meta;
      if (current?.name !== name) {
        assert.ok(!families.has(name), `${name} comes in two groups`);
        current = { name, samples: [] };
        families.set(name, current);
      }
      assert.ok(!(what in current), `${what} of ${name} comes twice`);
      current[what] = rest;
      continue;
    }
    if (line.startsWith('#')) continue;
    const [, name, , labels, value] =
      /^([^{\s]+)(\{(.*)\})? (\S+)$/.exec(line) ?? assert.fail(line);
    assert.match(name, NAME);
    assert.match(labels ?? '', LABELS);
    assert.match(value, VALUE);
    const base = name.replace(/_(bucket|sum|count)$/, '');
    assert.ok([name, base].includes(current?.name), `${line} is outside its family`);
    assert.ok(current.TYPE, `${name} has its TYPE first`);
    current.samples.push({
      name,
      labels: labels ?? '',
      value: Number(value.replace('Inf', 'Infinity')),
    });
  }
  return families;
}

function checkHistogram({ name, samples }) {
  const series = new Map();
  for (const sample of samples) {
    const key = sample.labels.replace(/,?le="[^"]*"/, '').replace(/^,|,$/g, '');
    const row = series.get(key) ?? { buckets: [] };
    if (sample.name.endsWith('_bucket'))
      row.buckets.push([/le="([^"]*)"/.exec(sample.labels)[1], sample.value]);
    else row[sample.name.slice(name.length + 1)] = sample.value;
    series.set(key, row);
  }
  for (const [key, { buckets, count, sum }] of series) {
    const at = `${name}{${key}}`;
    assert.equal(buckets.at(-1)[0], '+Inf', at);
    assert.equal(buckets.at(-1)[1], count, at);
    assert.ok(Number.isFinite(sum), at);
    const counts = buckets.map(([, value]) => value);
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => a - b),
      `${at} is cumulative`,
    );
    const bounds = buckets.slice(0, -1).map(([le]) => Number(le));
    assert.deepEqual(
      bounds,
      [...bounds].sort((a, b) => a - b),
      `${at} is ascending`,
    );
  }
}

describe('observability', { skip }, () => {
  let otlp;
  let server;
  let admin;
  let answer;
  before(async () => {
    otlp = await FakeOtlp.start();
    server = await startRapport({ config: { traces: { otlp_url: otlp.url } } });
    admin = await Api.login(server, ADMIN);
    const visitor = await Visitor.start(server, { agent: AGENT, contact: server.visitor });
    answer = await visitor.ask('Show me my recent orders. My card is 4111 1111 1111 1111.');
  });
  after(async () => {
    await server?.stop();
    await otlp?.close();
  });

  test('metrics are the text format, to the letter', async () => {
    const res = await send(`${server.url}/metrics`);
    assert.equal(res.status, 200);
    assert.match(res.headers.get('content-type'), /^text\/plain; ?version=0\.0\.4/);
    const families = readMetrics(res.text);
    assert.ok(families.size >= 5, [...families.keys()].join(' '));
    for (const family of families.values()) {
      assert.ok(['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(family.TYPE));
      if (family.TYPE === 'histogram') checkHistogram(family);
      if (family.TYPE === 'counter')
        for (const { value } of family.samples) assert.ok(value >= 0, family.name);
    }
    assert.ok(!/brightwell|nordvik/i.test(res.text), 'no customer in a label');
  });

  test('counters only rise', async () => {
    const read = async () => {
      const families = readMetrics((await send(`${server.url}/metrics`)).text);
      const counters = [...families.values()].filter((family) => family.TYPE === 'counter');
      return new Map(
        counters.flatMap((f) => f.samples.map((s) => [`${s.name}{${s.labels}}`, s.value])),
      );
    };
    const first = await read();
    await admin.get('/agents');
    const second = await read();
    for (const [key, value] of first) assert.ok(second.get(key) >= value, key);
    assert.ok(
      [...second].some(([key, value]) => value > (first.get(key) ?? 0)),
      'something was counted',
    );
  });

  test('a turn is one trace: request, job, run, steps, tool call', async () => {
    await otlp.atLeast(1, (row) => row.spans > 0);
    assert.deepEqual(
      otlp.requests((row) => row.problems.length > 0),
      [],
    );
    const run = await admin.get(`/runs/${answer.run_id}`);
    const has = (span) => JSON.stringify(span).includes(run.id);
    const traceOf = (one) => otlp.spans.filter((span) => span.traceId === one?.traceId);
    const rootsOf = (all) => {
      const ids = new Set(all.map((span) => span.spanId));
      return all.filter((span) => !ids.has(span.parentSpanId));
    };
    // A span is told when it ends, its parent after it, and perhaps in a later export.
    const whole = (all) => {
      const [root, ...more] = rootsOf(all);
      return all.some((span) => span.name === 'job agent_turn' && span !== root) && !more.length;
    };
    await otlp.atLeast(1, () => whole(traceOf(otlp.spans.find(has))));
    const trace = traceOf(otlp.spans.find(has));
    assert.ok(trace.length >= 3, trace.map((span) => span.name).join(' '));
    const roots = rootsOf(trace);
    const job = trace.find((span) => span.name === 'job agent_turn');
    assert.ok(job, trace.map((span) => span.name).join(', '));
    assert.equal(job.parentSpanId, roots[0].spanId);
    assert.equal(trace.find((span) => span.name === 'turn').parentSpanId, job.spanId);
  });

  test("a caller's traceparent goes on", async () => {
    const traceId = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
    const headers = { traceparent: `00-${traceId}-bbbbbbbbbbbbbbbb-01` };
    await send(`${server.url}/api/v1/agents`, { token: admin.token, headers });
    await otlp.atLeast(1, () => otlp.spans.some((span) => span.traceId === traceId));
  });

  test('a collector that fails loses nothing and disturbs nobody', async () => {
    otlp.load({ faults: [{ status: 503, times: 2, headers: { 'retry-after': '0' } }] });
    const count = otlp.spans.length;
    assert.equal((await admin.call('GET', '/agents')).status, 200);
    await otlp.atLeast(1, () => otlp.spans.length > count);
  });

  test('logs are JSON lines and hold nothing personal', async () => {
    const lines = server.log.split('\n').filter((line) => line.startsWith('{'));
    assert.ok(lines.length > 3);
    for (const line of lines) JSON.parse(line);
    assert.ok(!server.log.includes('4111 1111'), 'a card number was logged');
    assert.ok(!server.log.includes(server.visitor.email), 'an address was logged');
    assert.ok(!server.log.includes('rapport-demo'), 'a password was logged');
  });

  test('health: live says it runs, ready says what of', async () => {
    assert.equal((await send(`${server.url}/health/live`)).status, 200);
    const ready = await send(`${server.url}/health/ready`);
    assert.equal(ready.status, 200);
    assert.ok(ready.body && typeof ready.body === 'object');
  });

  test('the API description is OpenAPI 3.1, complete and consistent', async () => {
    const { body: spec } = await send(`${server.url}/openapi.json`);
    assert.match(spec.openapi, /^3\.1\./);
    const ids = new Set();
    for (const [path, methods] of Object.entries(spec.paths))
      for (const [method, about] of Object.entries(methods)) {
        const at = `${method} ${path}`;
        assert.ok(about.summary, `${at} has a summary`);
        assert.ok(Object.keys(about.responses ?? {}).length, `${at} has responses`);
        if (about.operationId) assert.ok(!ids.has(about.operationId), `${at} has its own id`);
        ids.add(about.operationId);
        const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
        const given = (about.parameters ?? []).filter((p) => p.in === 'path').map((p) => p.name);
        assert.deepEqual(given.sort(), named.sort(), at);
      }
    const text = JSON.stringify(spec);
    for (const [, ref] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = ref.split('/').reduce((at, key) => at?.[key.replace('~1', '/')], spec);
      assert.ok(found, `#/${ref} is there`);
    }
    for (const path of [
      '/api/v1/auth/login',
      '/api/v1/conversations/{id}',
      '/api/v1/chat/sessions',
    ])
      assert.ok(spec.paths[path], path);
  });

  test('errors carry the id of their request', async () => {
    const answer404 = await admin.call('GET', '/nowhere');
    const id = answer404.body.request_id;
    assert.ok(id.length >= 16);
    assert.equal(answer404.headers.get('x-request-id') ?? id, id);
  });
});
