// The fake tool server and the fake trace collector: a fake that accepts anything proves nothing.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Webhook } from 'standardwebhooks';
import { FakeOtlp } from '../fake/otlp/fake.js';
import { FakeWebhook } from '../fake/webhook/fake.js';
import { sign } from '../fake/webhook/signature.js';

const post = (url, body, headers = {}) =>
  fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });

describe('the tool server', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const old = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  let fake;
  before(async () => void (fake = await FakeWebhook.start()));
  after(() => fake.close());
  beforeEach(() => fake.reset());

  test('signs as the reference library of Standard Webhooks does', () => {
    const at = new Date(1_767_225_600_000);
    const body = '{"a":1}';
    assert.equal(
      sign(secret, 'msg_1', 1_767_225_600, body),
      new Webhook(secret).sign('msg_1', at, body),
    );
  });

  test('takes a good signature of any key, refuses every other', async () => {
    fake.load({ secrets: [secret, old], now_s: 1000 });
    const body = '{"a":1}';
    const send = (timestamp, signature) =>
      post(fake.url, body, {
        'webhook-id': 'm1',
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signature,
      });
    const good = sign(old, 'm1', 1000, body);
    assert.equal((await send(1000, `v1,bm8= ${good}`)).status, 200);
    for (const [why, timestamp, signature] of [
      [
        'another key',
        1000,
        sign(`whsec_${Buffer.alloc(32, 1).toString('base64')}`, 'm1', 1000, body),
      ],
      ['another body', 1000, sign(secret, 'm1', 1000, '{}')],
      ['another id', 1000, sign(secret, 'm2', 1000, body)],
      ['an old time', 600, sign(secret, 'm1', 600, body)],
      ['a time that was not signed', 1001, good],
    ])
      assert.equal((await send(timestamp, signature)).status, 401, why);
    assert.equal((await post(fake.url, body)).status, 401, 'no signature');
    assert.equal(fake.effects.length, 1);
  });

  test('does the thing once for each idempotency key', async () => {
    const key = (value) => ({ 'idempotency-key': value });
    const first = await post(`${fake.url}/refund`, { cents: 100 }, key('k1'));
    const again = await post(`${fake.url}/refund`, { cents: 100 }, key('k1'));
    await post(`${fake.url}/refund`, { cents: 100 }, key('k2'));
    assert.deepEqual(await again.json(), await first.json());
    assert.equal(again.headers.get('idempotent-replayed'), 'true');
    assert.deepEqual(
      fake.effects.map(({ key: k, asked }) => [k, asked]),
      [
        ['k1', 2],
        ['k2', 1],
      ],
    );
  });

  test('fails as asked, then works', async () => {
    fake.load({
      rules: [
        { path: '/refund', times: 2, fault: { status: 500 } },
        { path: '/away', fault: { redirect: 'http://169.254.169.254/' } },
        { path: '/odd', fault: { body: '<p>', content_type: 'text/html' } },
        { path: '/big', fault: { huge_bytes: 1_000_000 } },
        { path: '/refund', reply: { json: { refund: 7 } } },
      ],
    });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await post(`${fake.url}/refund`, {})).status);
    assert.deepEqual(statuses, [500, 500, 200]);
    const away = await post(`${fake.url}/away`, {});
    assert.equal(away.headers.get('location'), 'http://169.254.169.254/');
    assert.equal(await (await post(`${fake.url}/odd`, {})).text(), '<p>');
    const big = await (await post(`${fake.url}/big`, {})).text();
    assert.ok(big.length > 1_000_000 && Array.isArray(JSON.parse(big)));
  });

  test('may do the thing and lose the answer', async () => {
    fake.load({ rules: [{ times: 1, fault: { reset: true, effect_first: true } }] });
    const headers = { 'idempotency-key': 'k1' };
    await assert.rejects(post(fake.url, {}, headers));
    assert.equal((await post(fake.url, {}, headers)).headers.get('idempotent-replayed'), 'true');
    assert.equal(fake.effects.length, 1);
  });

  test('stalls until the caller gives up', async () => {
    fake.load({ rules: [{ fault: { stall: true } }] });
    const abort = new AbortController();
    const failed = assert.rejects(fetch(fake.url, { signal: abort.signal }));
    await fake.atLeast(1, (row) => row.outcome === 'stalled');
    abort.abort();
    await failed;
    await fake.atLeast(1, (row) => row.outcome === 'client_closed');
    assert.equal(fake.requests()[0].outcome, 'client_closed');
  });
});

const SPAN = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  name: 'turn',
  kind: 1,
  startTimeUnixNano: '1767225600000000000',
  endTimeUnixNano: '1767225600100000000',
  attributes: [{ key: 'gen_ai.usage.input_tokens', value: { intValue: '12' } }],
};
const exported = (span = {}, service = 'rapport') => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
      scopeSpans: [{ scope: { name: 'x' }, spans: [{ ...SPAN, ...span }] }],
    },
  ],
});

describe('the trace collector', () => {
  let fake;
  const send = (body, headers) => post(`${fake.url}/v1/traces`, body, headers);
  before(async () => void (fake = await FakeOtlp.start()));
  after(() => fake.close());
  beforeEach(() => fake.reset());

  test('keeps what is in shape, plain or zipped', async () => {
    assert.equal((await send(exported())).status, 200);
    const zipped = gzipSync(JSON.stringify(exported({ name: 'zipped' })));
    assert.equal((await send(zipped, { 'content-encoding': 'gzip' })).status, 200);
    assert.deepEqual(
      fake.spans.map((span) => span.name),
      ['turn', 'zipped'],
    );
    assert.equal(fake.spans[0].attributes['gen_ai.usage.input_tokens'], 12);
    assert.equal(fake.spans[0].resource['service.name'], 'rapport');
  });

  for (const [why, body, complaint] of [
    ['an id that is not hex', exported({ traceId: 'W47/95gDgQPSabYzgT/GDA==' }), /traceId/],
    ['an id of zeros', exported({ spanId: '0'.repeat(16) }), /spanId/],
    ['a snake_case name', exported({ trace_id: 'x' }), /trace_id/],
    ['an enum by name', exported({ kind: 'SPAN_KIND_SERVER' }), /kind/],
    ['an end before the start', exported({ endTimeUnixNano: '1' }), /ends before/],
    ['a time that is no integer', exported({ startTimeUnixNano: '1.5' }), /startTimeUnixNano/],
    ['a bare attribute', exported({ attributes: [{ key: 'a', value: 'b' }] }), /value/],
    ['a span without name', exported({ name: '' }), /name/],
    ['no service name', exported({}, ''), /service\.name/],
    ['no resourceSpans', {}, /resourceSpans/],
  ])
    test(`refuses ${why}`, async () => {
      const res = await send(body);
      assert.equal(res.status, 400);
      assert.match((await res.json()).message, complaint);
      assert.equal(fake.spans.length, 0);
    });

  test('refuses what is not JSON, and other routes', async () => {
    assert.equal((await send('{', {})).status, 400);
    assert.equal((await send('x', { 'content-type': 'application/x-protobuf' })).status, 415);
    assert.equal((await post(`${fake.url}/v2/traces`, {})).status, 404);
  });

  test('fails as asked, then takes it', async () => {
    fake.load({ faults: [{ status: 503, headers: { 'retry-after': '0' } }, { partial: true }] });
    assert.equal((await send(exported())).status, 503);
    assert.deepEqual(await (await send(exported())).json(), {
      partialSuccess: { rejectedSpans: '1', errorMessage: 'asked for' },
    });
    assert.equal((await send(exported())).status, 200);
  });
});
