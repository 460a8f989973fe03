// Bad input over the wire: whatever arrives, the answer names what is wrong, nothing is half done,
// and the next request is served.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Api, problem, send, Socket, Visitor } from './api.js';
import { ADMIN, AGENT, HARBOUR, skip, startRapport, SUPPORT } from './rapport.js';

const KIB = 1024;

/** Writes raw bytes to the port and returns all that comes back until the peer closes. */
function rawRequest(port, bytes) {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1');
    const parts = [];
    socket.setTimeout(45_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (part) => parts.push(part));
    socket.on('error', (e) => (parts.length ? null : fail(e)));
    socket.on('close', () => done(Buffer.concat(parts).toString('latin1')));
    socket.write(bytes);
  });
}

describe('bad input', { skip }, () => {
  let server;
  let admin;
  before(async () => {
    server = await startRapport();
    admin = await Api.login(server, ADMIN);
  });
  after(async () => {
    await admin?.get('/auth/me'); // after all of it the program still serves
    await server?.stop();
  });
  const postRaw = (path, raw, headers = {}) =>
    send(admin.base + path, {
      method: 'POST',
      raw,
      token: admin.token,
      headers: { 'content-type': 'application/json', ...headers },
    });

  const MALFORMED = [
    ['cut', '{"email": "a'],
    ['a trailing comma', '{"a": 1,}'],
    ['two values', '{} {}'],
    ['a bare word', 'hello'],
    ['NaN', '{"a": NaN}'],
    ['a lone surrogate', '{"a": "\\ud800"}'],
    ['a control character', '{"a": "\u0001"}'],
    ['a duplicate key', '{"text": "a", "text": "b"}'],
    ['nothing at all', ''],
  ];
  for (const [why, raw] of MALFORMED)
    test(`JSON that is ${why}: 400 with line and column`, async () => {
      const said = problem(await postRaw('/auth/login', raw), 400);
      if (raw && why !== 'a duplicate key')
        assert.ok(said.line >= 1 && said.column >= 1, said.detail);
    });

  test('JSON that is too deep is refused before it is read to its end', async () => {
    const said = problem(await postRaw('/auth/login', '['.repeat(5000) + ']'.repeat(5000)), 413);
    assert.deepEqual([said.line, said.column], [1, 65]);
  });

  test('a place in the middle of a document is named exactly', async () => {
    const said = problem(
      await postRaw('/auth/login', '{\n  "email": "a",\n  "password" 7\n}'),
      400,
    );
    assert.deepEqual([said.line, said.column], [3, 14]);
  });

  test('bytes that are not UTF-8', async () => {
    const bad = Buffer.concat([
      Buffer.from('{"email":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ]);
    problem(await postRaw('/auth/login', bad), 400);
  });

  test('wrong types, missing and unknown fields name the field', async () => {
    const bodies = [
      [{ email: 7, password: 'x' }, 'email'],
      [{ email: 'a@b.example' }, 'password'],
      [{ email: 'a@b.example', password: 'x', session: 'forever' }, 'session'],
      [{ email: 'a@b.example', password: 'x', frobnicate: 1 }, 'frobnicate'],
    ];
    for (const [body, field] of bodies) {
      const said = problem(await admin.call('POST', '/auth/login', body), 400);
      assert.equal(said.field, field, JSON.stringify(said));
    }
  });

  test('another method, another path', async () => {
    const answer = await admin.call('DELETE', '/auth/login');
    problem(answer, 405);
    assert.match(answer.headers.get('allow'), /POST/);
    problem(await admin.call('GET', '/nowhere'), 404);
  });

  test('ids that are none and ids of nothing are both 404', async () => {
    for (const id of ['1', 'x'.repeat(300), '01890000-0000-7000-8000-000000000000'])
      for (const noun of ['agents', 'conversations', 'runs'])
        problem(await admin.call('GET', `/${noun}/${id}`), 404);
    for (const id of ['%00', '%zz', '..%2f..%2fetc'])
      assert.ok([400, 404].includes((await admin.call('GET', `/agents/${id}`)).status), id);
  });

  test('query values out of range name the parameter', async () => {
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=x', 'limit'],
      ['cursor=%21%21', 'cursor'],
    ])
      assert.equal(problem(await admin.call('GET', `/conversations?${query}`), 400).field, field);
  });

  test('a body over the limit is 413, told before it is read', async () => {
    const said = await rawRequest(
      server.port,
      'POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n' +
        `content-length: ${64 * KIB * KIB}\r\nconnection: close\r\n\r\n`,
    );
    assert.match(said, /^HTTP\/1\.1 413 /);
    assert.match(said, /application\/problem\+json/);
  });

  test('a chunked body over the limit is cut off', async () => {
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const said = await rawRequest(
      server.port,
      'POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n' +
        `transfer-encoding: chunked\r\n\r\n${chunk.repeat(200)}`,
    ).catch(() => 'HTTP/1.1 413 (connection reset while we were still sending)');
    assert.match(said, /^HTTP\/1\.1 413 /);
  });

  const HEADERS = [
    ['one huge header', `x-a: ${'a'.repeat(40 * KIB)}\r\n`, /^HTTP\/1\.1 431 /],
    ['very many headers', 'x-a: b\r\n'.repeat(500), /^HTTP\/1\.1 431 /],
    ['two lengths', 'content-length: 1\r\ncontent-length: 2\r\n', /^HTTP\/1\.1 400 /],
    [
      'a length and chunks',
      'content-length: 1\r\ntransfer-encoding: chunked\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    ['a folded header', 'x-a: b\r\n c\r\n', /^HTTP\/1\.1 400 /],
    ['a space before the colon', 'x-a : b\r\n', /^HTTP\/1\.1 400 /],
    ['a NUL in a header', 'x-a: b\0c\r\n', /^HTTP\/1\.1 400 /],
  ];
  for (const [why, lines, status] of HEADERS)
    test(`a request with ${why}`, async () => {
      const head = `GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines}\r\n`;
      assert.match(await rawRequest(server.port, head), status);
    });

  test('a path over the limit is 414, nonsense is 400', async () => {
    const long = `GET /${'a'.repeat(20 * KIB)} HTTP/1.1\r\nhost: x\r\n\r\n`;
    assert.match(await rawRequest(server.port, long), /^HTTP\/1\.1 (414|431) /);
    assert.match(await rawRequest(server.port, 'HELLO\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(
      await rawRequest(
        server.port,
        'GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      ),
      /^HTTP\/1\.1 40[04] /,
    );
  });

  test('WebSocket frames: too large closes with 1009, binary 1003, not UTF-8 1007', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    const closing = async (act) => {
      const socket = await visitor.socket();
      act(socket.ws);
      return (await socket.ended()).code;
    };
    assert.equal(await closing((ws) => ws.send('x'.repeat(KIB * KIB))), 1009);
    assert.equal(await closing((ws) => ws.send(Buffer.from([1, 2]))), 1003);
    const bad = Buffer.from([0x22, 0xff, 0x22]);
    assert.equal(
      await closing((ws) => ws._sender.sendFrame([Buffer.from([0x81, 0x83, 0, 0, 0, 0]), bad])),
      1007,
    );
    await visitor.ask('hello');
  });

  test('an idempotency key gives the first answer again, and refuses another body', async () => {
    const title = `once-${process.pid}`;
    const body = { title, text: 'x', media_type: 'text/plain', namespace: 'help' };
    const headers = { 'idempotency-key': `wire-${process.pid}` };
    const first = await admin.call('POST', '/documents', body, { headers });
    const again = await admin.call('POST', '/documents', body, { headers });
    assert.equal(first.status, 201, first.text);
    assert.equal(again.status, first.status);
    assert.deepEqual(again.body, first.body);
    const listed = (await admin.all('/documents')).filter((row) => row.title === title);
    assert.equal(listed.length, 1);
    problem(await admin.call('POST', '/documents', { ...body, text: 'y' }, { headers }), 409);
    const other = await Api.login(server, SUPPORT);
    const theirs = await other.call(
      'POST',
      '/conversations/x/messages',
      { text: 'x' },
      { headers },
    );
    assert.notDeepEqual(theirs.body, first.body, "another member's key is another key");
  });

  test('ten requests with one key at once do it once', async () => {
    const title = `race-${process.pid}`;
    const body = { title, text: 'x', media_type: 'text/plain', namespace: 'help' };
    const headers = { 'idempotency-key': `race-${process.pid}` };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => admin.call('POST', '/documents', body, { headers })),
    );
    for (const answer of answers) assert.ok([201, 409].includes(answer.status), answer.text);
    const listed = (await admin.all('/documents')).filter((row) => row.title === title);
    assert.equal(listed.length, 1);
  });

  test('text stays what it was: markup, emoji, right-to-left, zero width', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    const text = '<script>alert(1)</script> 🚚 שלום \u200b "quoted" \\ {{mustache}}';
    const sent = await visitor.post(text);
    assert.equal(sent.body.message.text, text);
    assert.equal((await visitor.messages()).find((m) => m.role === 'contact').text, text);
  });

  test('the live socket answers rubbish with an error and shows nothing', async () => {
    const live = await Socket.open(`${server.ws}/api/v1/live`);
    live.send('rubbish');
    live.send({ type: 'watch', conversation_id: '01890000-0000-7000-8000-000000000000' });
    await live.ended();
    assert.ok(
      live.all.every((frame) => frame.type === 'error'),
      JSON.stringify(live.all),
    );
  });

  test('who is slow on purpose is cut off: heads, bodies, sockets nobody signs in to', async () => {
    const drip = 'POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\n';
    const slowHead = rawRequest(server.port, `${drip}x-a: b`);
    const silent = rawRequest(server.port, '');
    const live = await Socket.open(`${server.ws}/api/v1/live`);
    const signed = await Socket.open(`${server.ws}/api/v1/live`);
    signed.send({ type: 'auth', token: admin.token });
    assert.match(await slowHead, /^HTTP\/1\.1 408 /);
    await silent; // who says nothing at all is cut off too
    assert.equal((await live.ended()).code, 4401);
    assert.equal(signed.ws.readyState, 1, 'who signed in stays');
    await signed.close();
  });

  test('slow requests keep nobody waiting', async () => {
    const yaml = (await admin.get('/agents/support')).yaml;
    const text = 'A sentence that has to be cut and weighed. '.repeat(20_000);
    const slow = Array.from({ length: 12 }, (_, i) =>
      i % 2
        ? admin.call('POST', '/agents/validate', { yaml })
        : admin.call('POST', '/documents', {
            title: `slow-${i}`,
            text,
            media_type: 'text/plain',
            namespace: 'slow',
          }),
    );
    let done = 0;
    slow.forEach((answer) => answer.then(() => done++));
    const began = Date.now();
    await admin.get('/auth/me');
    const took = Date.now() - began;
    const before = done;
    assert.ok(before < slow.length, `all ${slow.length} were done before anybody else got a turn`);
    assert.ok(took < 20_000, `${took} ms`);
    for (const answer of await Promise.all(slow)) assert.ok(answer.status < 300, answer.text);
  });
});

describe('limits', { skip }, () => {
  let server;
  before(async () => {
    const limits = { requests_per_minute: 40, requests_burst: 0, public_requests_per_minute: 100 };
    server = await startRapport({ config: { limits } });
  });
  after(() => server?.stop());

  async function until429(send429, most) {
    for (let i = 0; i < most; i++) {
      const answer = await send429();
      if (answer.status === 429) return { answer, after: i };
      assert.ok(answer.status < 300, answer.text);
    }
    return assert.fail(`${most} requests and never a 429`);
  }

  test('an org that asks too often is told 429 and when to come back, no other is', async () => {
    const admin = await Api.login(server, ADMIN);
    const harbour = await Api.login(server, HARBOUR);
    const { answer, after: served } = await until429(() => admin.call('GET', '/agents'), 60);
    problem(answer, 429);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.ok(served >= 30, `${served} were served`);
    assert.equal((await harbour.call('GET', '/agents')).status, 200);
  });

  test('a visitor who writes too often is told 429, and nothing of it is stored', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    const { answer } = await until429(() => visitor.post('hello'), 200);
    problem(answer, 429);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  });
});

describe('limits of sockets', { skip }, () => {
  let server;
  before(async () => {
    server = await startRapport({ config: { limits: { public_requests_per_minute: 100 } } });
  });
  after(() => server?.stop());

  test('a socket on which too much is said is closed, and others are not', async () => {
    const live = await Socket.open(`${server.ws}/api/v1/live`);
    const calm = await Socket.open(`${server.ws}/api/v1/live`);
    for (let i = 0; i < 150; i++) live.send({ type: 'ping' });
    const { code, reason } = await live.ended();
    assert.deepEqual([code, reason], [1008, 'too many frames in a minute']);
    assert.ok(live.all.length <= 100, `${live.all.length} were answered`);
    calm.send({ type: 'ping' });
    assert.equal((await calm.next(() => true)).type, 'pong');
    await calm.close();
  });
});
