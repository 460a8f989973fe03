// Rights end on open streams too: whoever would be refused at the door hears nothing more on a line
// that was opened before.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, Socket, Visitor } from './api.js';
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
      socket.send({ type: 'message', client_id: 'late', text: 'is anybody there' });
      const told = await socket.next((frame) => frame.type === 'error');
      assert.equal(told.code, 'denied');
      assert.equal((await socket.ended()).code, 4403);
      other.send({ type: 'handover' });
      assert.equal((await other.ended()).code, 4403);
    } finally {
      await setOrg('active');
    }
    assert.deepEqual(await visitor.messages(), []);
    events.close();
  });
};

for (const store of STORES) describe(`cut off on ${store}`, { skip }, suite(store));
