// Rights end on open streams too: whoever would be refused at the door hears nothing more on a line
// that was opened before.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, EventStream, Socket, Visitor } from './api.js';
import { ADMIN, AGENT, OPERATOR, skip, startRapport, STORES, SUPPORT } from './rapport.js';

const suite = (store) => () => {
  let server;
  let admin;
  let operator;
  before(async () => {
    server = await startRapport({ store });
    admin = await Api.login(server, ADMIN);
    operator = await Api.login(server, OPERATOR);
  });
  after(() => server?.stop());
  const change = async (api, path, body) => {
    const answer = await api.call('PATCH', path, body);
    assert.equal(answer.status, 200, answer.text);
  };
  const setOrg = (status) => change(operator, `/orgs/${admin.org.id}`, { status });

  test('a chat that is open does not outlive its organisation', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    const socket = await visitor.socket();
    const other = await visitor.socket();
    const events = await visitor.events();
    for (const stream of [socket, other, events]) await stream.next((f) => f.type === 'hello');
    await setOrg('suspended');
    try {
      assert.equal((await socket.ended()).code, 4403);
      assert.equal((await other.ended()).code, 4403);
      assert.equal((await visitor.post('is anybody there')).status, 403);
    } finally {
      await setOrg('active');
    }
    assert.deepEqual(await visitor.messages(), []);
    events.close();
  });

  test('a chat that is silent ends with its organisation too', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    const socket = await visitor.socket();
    const events = await visitor.events();
    for (const stream of [socket, events]) await stream.next((f) => f.type === 'hello');
    await setOrg('suspended');
    try {
      assert.equal((await socket.ended()).code, 4403);
      await assert.rejects(events.next((f) => f.type === 'never'), /ended|closed|cut/);
    } finally {
      await setOrg('active');
    }
    assert.ok(await visitor.ask('is anybody there?'), 'and can be opened again after');
  });

  // Files have one process; a database has as many as it likes.
  const twice = { skip: store === 'sqlite' && 'one process' };
  test('a silent chat ends with its organisation in every process', twice, async () => {
    const other = await startRapport({ data: server.data, demo: false });
    try {
      const visitor = await Visitor.start(other, { agent: AGENT });
      const socket = await visitor.socket();
      await socket.next((f) => f.type === 'hello');
      await setOrg('suspended');
      try {
        assert.equal((await socket.ended()).code, 4403);
      } finally {
        await setOrg('active');
      }
    } finally {
      await other.stop({ keep: true });
    }
  });

  test('of many who start over at once one conversation is left, and all are in it', async () => {
    const visitor = await Visitor.start(server, { agent: AGENT });
    const restart = () => visitor.api.post('/chat/restart', { token: visitor.token });
    const begun = await Promise.all(Array.from({ length: 8 }, restart));
    const ids = begun.map((session) => session.conversation_id);
    const found = await Promise.all(ids.map((id) => admin.get(`/conversations/${id}`)));
    const open = found.filter((row) => row.status === 'active');
    assert.equal(open.length, 1, JSON.stringify(found.map((row) => row.status)));
    assert.equal((await visitor.poll()).conversation_id, open[0].id);
  });

  const watch = async (token) => {
    const live = await Socket.open(`${server.ws}/api/v1/live`);
    live.send({ type: 'auth', token });
    await live.next((frame) => frame.type === 'ready');
    return live;
  };
  const cutOff = async (live) => assert.equal((await live.ended()).code, 4401);

  test('a live view ends with the member who is suspended, by frame and by silence', async () => {
    const member = await Api.login(server, SUPPORT);
    const views = await Promise.all([watch(member.token), watch(member.token)]);
    const tail = await EventStream.open(`${member.base}/events/tail`, { token: member.token });
    const ended = assert.rejects(
      tail.next(() => false, { what: 'the end' }),
      /^Error: ended while/,
    );
    await change(admin, `/members/${member.member.id}`, { status: 'suspended' });
    try {
      views[0].send({ type: 'watch', conversation_id: admin.org.id });
      await Promise.all(views.map(cutOff));
      await ended;
    } finally {
      await change(admin, `/members/${member.member.id}`, { status: 'active' });
    }
  });

  test('a live view ends with its key, its organisation and its token', async () => {
    const scopes = ['events:read', 'conversations:read'];
    const made = await admin.post('/keys', { name: 'views', scopes });
    const byKey = await watch(made.key);
    const lasting = await watch(admin.token);
    await admin.del(`/keys/${made.id}`);
    await cutOff(byKey);
    assert.equal(lasting.ws.readyState, 1, 'whose rights last stays');
    await setOrg('suspended');
    try {
      await cutOff(lasting);
    } finally {
      await setOrg('active');
    }
    const late = await watch(admin.token);
    await operator.post('/admin/clock', { advance_ms: 2 * 3600 * 1000 });
    late.send({ type: 'watch', conversation_id: admin.org.id });
    await cutOff(late);
  });

  test('nobody takes over the view of another', async () => {
    const [one, two] = [await Api.login(server, ADMIN), await Api.login(server, SUPPORT)];
    const live = await watch(one.token);
    live.send({ type: 'auth', token: two.token });
    await cutOff(live);
  });
};

for (const store of STORES) describe(`cut off on ${store}`, { skip }, suite(store));
