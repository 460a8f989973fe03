// Peers that are slow, silent or gone: each is given its time and no more, and nobody else waits
// for them.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Api, Visitor } from './api.js';
import { FRUGAL, LONG, memory, shown, system, until } from './degrade.js';
import { ADMIN, AGENT, skip, startRapport } from './rapport.js';

const LORIS = LONG ? 5000 : 400;
const READERS = LONG ? 400 : 40;
const HISTORY = 200; // messages of 7 KB
const READERS_MB = 250; // more than they may cost; 400 with a copy of the history each are 560
const SETTINGS = {
  connections: 200,
  header_timeout_ms: 3000,
  write_timeout_ms: 2000,
  ping_interval_ms: 1000,
  requests_per_minute: 0,
  requests_burst: 0,
  public_requests_per_minute: 0,
  sign_ins_per_hour: 0,
};

/** A connection of bytes; `ended` when the server hung up. */
function dial(server, { host = '127.0.0.1' } = {}) {
  const socket = net.connect({ port: server.port, host });
  socket.ended = new Promise((done) => socket.once('close', done));
  socket.heard = '';
  socket.on('error', () => {});
  socket.on('data', (bytes) => (socket.heard += bytes.toString('latin1')));
  socket.up = new Promise((done) => socket.once('connect', done));
  return socket;
}

/** A WebSocket's opening, and nothing after it. */
const handshake = (path) =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

async function connections(server) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^rapport_connections (\d+)/m.exec(text)[1]);
}

async function others(server, times) {
  for (let i = 0; i < times; i++) {
    const answer = await fetch(`${server.url}/health/live`, { headers: { connection: 'close' } });
    assert.equal(answer.status, 200, 'others are served');
    await answer.text();
  }
}

describe('slow and vanished peers', { skip }, () => {
  let server;
  let admin;
  before(async () => {
    server = await startRapport({
      config: { limits: SETTINGS, server: { address: '0.0.0.0' } },
      env: FRUGAL,
    });
    admin = await Api.login(server, ADMIN);
  });
  after(() => server?.stop());
  const quiet = (most) =>
    until(`at most ${most} connections`, async () => (await connections(server)) <= most);

  test('heads that arrive a byte at a time: more of them than there is room for', async (t) => {
    const all = [];
    let ended = 0;
    for (let i = 0; i < LORIS; i++) {
      const socket = dial(server);
      socket.ended.then(() => ended++);
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
      all.push(socket);
    }
    const drip = setInterval(() => all.forEach((s) => s.writable && s.write('a')), 100);
    await others(server, 50);
    assert.ok((await connections(server)) <= SETTINGS.connections + 1);
    await until('every slow one is cut', () => ended === LORIS);
    clearInterval(drip);
    await others(server, 5);
    const told = all.filter((s) => s.heard.startsWith('HTTP/1.1 408')).length;
    t.diagnostic(`${LORIS} slow heads, 50 others served meanwhile, ${told} heard 408`);
  });

  test('bodies that arrive a byte at a time make room as well', async () => {
    const all = Array.from({ length: SETTINGS.connections * 2 }, () => dial(server));
    for (const socket of all)
      socket.write('POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{');
    const drip = setInterval(() => all.forEach((s) => s.writable && s.write(' ')), 100);
    await others(server, 50);
    clearInterval(drip);
    for (const socket of all) socket.destroy();
    await quiet(10);
  });

  test('readers of a long history that do not read are cut, and cost little', async (t) => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    await visitor.post('hello');
    await admin.post(`/conversations/${visitor.conversation}/takeover`, {});
    const text = (i) => `${i} ${'x'.repeat(7000)}`;
    for (let i = 0; i < HISTORY; i++)
      await admin.post(`/conversations/${visitor.conversation}/messages`, { text: text(i) });
    const before = await memory(server.pid);
    const readers = Array.from({ length: READERS }, () => dial(server));
    for (const socket of readers) {
      await socket.up;
      socket.pause();
      socket.write(handshake(`/api/v1/chat/ws?${visitor.query}&after=0`));
    }
    let most = before;
    await until('all of them are cut', async () => {
      most = Math.max(most, await memory(server.pid));
      return (await connections(server)) <= 5;
    });
    assert.ok(most - before < READERS_MB, `${before} MiB became ${most}`);
    await others(server, 5);
    const socket = await visitor.socket(0); // one that reads gets it all
    const told = () => socket.all.filter((f) => f.type === 'message').map((f) => f.message.text);
    await socket.next((f) => f.message?.text === text(HISTORY - 1), { what: 'the last message' });
    const long = told().filter((t) => t.length > 7000);
    assert.deepEqual(long, Array.from({ length: HISTORY }, (_, i) => text(i)), 'all, in order');
    await socket.close();
    for (const reader of readers) reader.destroy();
    t.diagnostic(`${READERS} readers: ${before.toFixed(0)} MiB, at most ${most.toFixed(0)}`);
  });

  test('a WebSocket that answers no ping is cut', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    const silent = dial(server);
    silent.write(handshake(`/api/v1/chat/ws?${visitor.query}&after=0`));
    await silent.ended;
    assert.match(silent.heard, /^HTTP\/1.1 101/);
  });

  test('peers whose network is gone are found out and freed', async (t) => {
    if (!LONG) return t.skip('takes a minute: ./check --degrade');
    const ns = `rapport${process.pid % 10000}`;
    const peer = `r${process.pid % 10000}`;
    try {
      await system('ip', 'netns', 'add', ns);
      await system('ip', 'link', 'add', peer, 'type', 'veth', 'peer', 'name', 'eth9', 'netns', ns);
    } catch {
      return t.skip('this user may not make a network');
    }
    try {
      await system('ip', 'addr', 'add', '10.213.7.1/24', 'dev', peer);
      await system('ip', 'link', 'set', peer, 'up');
      const inside = (...args) => system('ip', 'netns', 'exec', ns, ...args);
      await inside('ip', 'addr', 'add', '10.213.7.2/24', 'dev', 'eth9');
      await inside('ip', 'link', 'set', 'eth9', 'up');
      const visitor = await Visitor.start(server, { agent: AGENT });
      const url = `http://10.213.7.1:${server.port}/api/v1/chat/events?${visitor.query}&after=0`;
      const clients = Array.from({ length: 10 }, () =>
        inside('curl', '-sN', '--max-time', '55', url).catch(() => {}),
      );
      await until('ten streams', async () => (await connections(server)) >= 10);
      await system('ip', 'link', 'set', peer, 'down'); // no FIN, no RST
      await quiet(3);
      t.diagnostic('ten streams without a network: freed');
      await Promise.all(clients);
    } finally {
      await system('ip', 'netns', 'del', ns);
    }
    return null;
  });
});

describe('many connections from one address', { skip: skip || shown }, () => {
  test('further ones are refused by name, and room comes back', async () => {
    const limits = { ...SETTINGS, connections_per_address: 20, header_timeout_ms: 60_000 };
    const server = await startRapport({ config: { limits } });
    const held = Array.from({ length: 30 }, () => dial(server));
    for (const socket of held) socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('all are answered', () => held.every((s) => s.heard.startsWith('HTTP/1.1 ')));
    const refused = held.filter((s) => s.heard.startsWith('HTTP/1.1 503'));
    assert.ok(refused.length >= 10 && refused.length < 20, `${refused.length} are refused`);
    for (const { heard } of refused) assert.match(heard, /too many connections from there/);
    for (const socket of held) socket.destroy();
    await until('room again', async () => {
      const answer = await fetch(`${server.url}/health/live`).catch(() => null);
      return answer?.status === 200;
    });
    await server.stop();
  });
});
