#!/usr/bin/env node
// The peer of bench_ingest: the same service in JavaScript. fastify takes a signed webhook (Standard
// Webhooks), checks it over the raw body, stores it once with its event in SQLite, durably, and
// answers. PEER_COMMIT says how: `each` commits every request, `group` those of one turn of the event
// loop together. Prints its port like the program does.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fastify from 'fastify';

const folder = mkdtempSync(join(tmpdir(), 'rapport-bench-peer-'));
const key = Buffer.from(process.env.PEER_SECRET.slice('whsec_'.length), 'base64');
const db = new Database(join(folder, 'peer.db'));
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec(`
  CREATE TABLE delivery (event_id TEXT PRIMARY KEY, received_at INTEGER, body BLOB);
  CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER, topic TEXT, type TEXT, payload TEXT);`);
const addDelivery = db.prepare('INSERT INTO delivery VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
const addEvent = db.prepare('INSERT INTO event (at, topic, type, payload) VALUES (?, ?, ?, ?)');

function store({ id, body }) {
  const now = Date.now();
  if (!addDelivery.run(id, now, body).changes) return { duplicate: true };
  addEvent.run(now, 'communication_events', 'webhook_received', JSON.stringify({ event_id: id }));
  return { id };
}
const storeAll = db.transaction((all) => all.map(store));

let waiting = [];
function commit() {
  const group = waiting;
  waiting = [];
  try {
    const answers = storeAll(group.map((one) => one.request));
    group.forEach((one, i) => one.done(answers[i]));
  } catch (error) {
    group.forEach((one) => one.fail(error));
  }
}
const grouped = (request) =>
  new Promise((done, fail) => {
    if (!waiting.length) setImmediate(commit);
    waiting.push({ request, done, fail });
  });
const keep = process.env.PEER_COMMIT === 'group' ? grouped : (one) => storeAll([one])[0];

function isSigned(request) {
  const { 'webhook-id': id, 'webhook-timestamp': time } = request.headers;
  const given = request.headers['webhook-signature']?.split(' ') ?? [];
  const mac = createHmac('sha256', key).update(`${id}.${time}.`).update(request.body).digest();
  const fresh = Math.abs(Date.now() / 1000 - Number(time)) <= 300;
  const fits = given.some((one) => {
    const bytes = Buffer.from(one.slice('v1,'.length), 'base64');
    return bytes.length === mac.length && timingSafeEqual(bytes, mac);
  });
  return fresh && fits;
}

const app = fastify();
app.removeAllContentTypeParsers();
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) =>
  done(null, body),
);
app.post('/hook', async (request, reply) => {
  if (!isSigned(request)) return reply.code(401).send({ error: 'signature' });
  try {
    JSON.parse(request.body);
  } catch {
    return reply.code(400).send({ error: 'body' });
  }
  return keep({ id: request.headers['webhook-id'], body: request.body });
});

await app.listen({ port: 0, host: '127.0.0.1' });
process.on('SIGTERM', async () => {
  await app.close();
  db.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
console.log(JSON.stringify({ ready: true, port: app.server.address().port }));
