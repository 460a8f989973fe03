// Tenancy bleed: every GET route of the API description, asked by a member of another org with this
// org's ids, answers 404 or an empty list, and never a word of this org.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, EventStream, Socket, Visitor } from './api.js';
import { ADMIN, AGENT, HARBOUR, skip, startRapport, STORES } from './rapport.js';

// Where the value of a path parameter comes from: the list whose items have it.
const SOURCES = {
  agents: '/agents',
  conversations: '/conversations',
  members: '/members',
  keys: '/keys',
  documents: '/documents',
  accounts: '/accounts',
  contacts: '/contacts',
  tickets: '/tickets',
  'dead-letters': '/dead-letters',
  jobs: '/jobs',
  orgs: '/orgs',
};
const MARK = 'zebra-crossing-4711';

const suite = (store) => () => {
  let server;
  let ours;
  let theirs;
  let ids;
  let routes;

  before(async () => {
    server = await startRapport({ store });
    ours = await Api.login(server, ADMIN);
    theirs = await Api.login(server, HARBOUR);
    await ours.post('/documents', {
      title: MARK,
      text: `The ${MARK} is only for Brightwell.`,
      media_type: 'text/markdown',
      namespace: 'help',
    });
    await ours.post('/keys', { name: MARK, scopes: ['conversations:read'] });
    const visitor = await Visitor.start(server, { agent: AGENT, contact: server.visitor });
    const answer = await visitor.ask(`Where is my order? ${MARK}`);
    ids = { runs: answer.run_id, conversations: visitor.conversation, orgs: ours.org.id };
    const spec = await (await fetch(`${server.url}/openapi.json`)).json();
    routes = Object.entries(spec.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method, path, about: methods[method] })),
    );
  });
  after(() => server?.stop());

  /** An id of ours for a path like /agents/{id}/versions/{n}. */
  async function idFor(path) {
    const noun = path.split('/').find((part) => part in SOURCES || part in ids);
    if (!noun) return null;
    ids[noun] ??= (await ours.get(SOURCES[noun])).items[0]?.id;
    return ids[noun];
  }

  async function fill(path) {
    const short = path.replace(/^\/api\/v1/, '');
    const id = await idFor(short);
    const kind = short.replace('{kind}', 'order');
    const record = kind.includes('/records/order/{')
      ? (await ours.get('/records/order')).items[0].id
      : id;
    let first = true;
    return kind.replace(/\{[^}]+\}/g, () => {
      if (!first) return '1';
      first = false;
      return record ?? '01890000-0000-7000-8000-000000000000';
    });
  }

  /** Nothing of ours: no id, no slug, no address, not the mark. */
  function assertClean(text, path) {
    const words = [MARK, 'brightwell', 'nordvik', ...Object.values(ids).filter(Boolean)];
    for (const word of words)
      assert.ok(!text.toLowerCase().includes(word.toLowerCase()), `${path} shows ${word}: ${text}`);
  }

  test('no GET route shows another org', async () => {
    const asked = routes.filter(
      ({ method, path }) => method === 'get' && path.startsWith('/api/v1/'),
    );
    assert.ok(asked.length >= 20, `${asked.length} routes in the description`);
    for (const { path } of asked) {
      const url = await fill(path);
      if (/^\/(chat|demo)\b/.test(url)) continue; // public, and about no org of the caller
      if (/\/(tail|live|events)$/.test(url) && !/runs/.test(url)) continue; // streams: below
      const answer = await theirs.call('GET', url, undefined, { headers: { accept: '*/*' } });
      const own = path.includes('{');
      if (own)
        assert.ok([403, 404].includes(answer.status), `${path}: ${answer.status} ${answer.text}`);
      else assert.ok(answer.status < 500, `${path}: ${answer.status} ${answer.text}`);
      // A path that names our id may quote it in its problem document.
      const { instance, detail, ...rest } = answer.body ?? {};
      assertClean(answer.status < 400 ? answer.text : JSON.stringify(rest), path);
    }
  });

  test('no id of ours can be changed or deleted by them', async () => {
    const before = JSON.stringify(await ours.get('/agents'));
    const changing = routes.filter(
      ({ method, path }) => method !== 'get' && path.includes('{') && path.startsWith('/api/v1/'),
    );
    assert.ok(changing.length >= 10, `${changing.length} routes in the description`);
    for (const { method, path } of changing) {
      const url = await fill(path);
      const body = { yaml: 'x', text: 'x', version: 1, reason: 'x', name: 'x', step: 1, roles: [] };
      const answer = await theirs.call(method.toUpperCase(), url, body);
      const good = [400, 403, 404, 422].includes(answer.status);
      assert.ok(good, `${method} ${path}: ${answer.status} ${answer.text}`);
    }
    assert.equal(JSON.stringify(await ours.get('/agents')), before);
    assert.equal((await ours.get(`/conversations/${ids.conversations}`)).id, ids.conversations);
  });

  test('search finds nothing of ours', async () => {
    const found = await theirs.post('/knowledge/search', { query: MARK, k: 10 });
    assertClean(JSON.stringify(found), 'search');
    const mine = await ours.post('/knowledge/search', { query: MARK, k: 10 });
    assert.ok(JSON.stringify(mine).includes(MARK), 'and we do find it');
  });

  test('their streams carry nothing of ours', async () => {
    const live = await Socket.open(`${server.ws}/api/v1/live`);
    live.send({ type: 'auth', token: theirs.token });
    await live.next((frame) => frame.type === 'ready');
    live.send({ type: 'watch', conversation_id: ids.conversations });
    const tail = await EventStream.open(`${theirs.base}/events/tail`, { token: theirs.token });
    const mine = await EventStream.open(`${ours.base}/events/tail`, { token: ours.token });
    const visitor = await Visitor.start(server, { agent: AGENT, contact: server.visitor });
    await visitor.ask(`hello ${MARK}`);
    await mine.next((frame) => JSON.stringify(frame).includes(visitor.conversation));
    const told = live.all.filter((frame) => frame.type !== 'error'); // an error quotes the request
    assertClean(JSON.stringify(told), 'live');
    assertClean(JSON.stringify(tail.all), 'tail');
    await Promise.all([live.close(), tail.close(), mine.close()]);
  });

  test("a visitor's token opens no other conversation and no member's route", async () => {
    const one = await Visitor.start(server, { agent: AGENT });
    const two = await Visitor.start(server, { agent: AGENT });
    await one.ask(`my secret is ${MARK}`);
    assertClean(JSON.stringify(await two.messages()), 'chat');
    for (const path of ['/conversations', '/agents', '/auth/me'])
      assert.equal((await new Api(server, one.token).call('GET', path)).status, 401);
  });
};

for (const store of STORES) describe(`tenancy on ${store}`, { skip }, suite(store));
