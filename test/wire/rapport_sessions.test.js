// A visitor's conversation with the built-in engine over each of the three ways in: WebSocket,
// server-sent events, polling. All of them tell the same story from the same cursor.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, problem, Socket, Visitor } from './api.js';
import { AGENT, skip, startRapport, STORES, SUPPORT } from './rapport.js';

const suite = (store) => () => {
  let server;
  let member;
  before(async () => {
    server = await startRapport({ store });
    member = await Api.login(server, SUPPORT);
  });
  after(() => server?.stop());
  const visit = (more) => Visitor.start(server, { agent: AGENT, contact: server.visitor, ...more });
  const isMessage = (role) => (frame) => frame.type === 'message' && frame.message.role === role;

  test('a session greets, offers suggestions and names the agent', async () => {
    const { session } = await visit();
    assert.match(session.agent.name, /\S/);
    assert.match(session.agent.greeting, /\S/);
    assert.ok(session.agent.suggestions.length >= 3);
    assert.equal(session.owner, 'ai');
    assert.ok(Array.isArray(session.messages));
    assert.equal(session.cursor, Math.max(0, ...session.messages.map((message) => message.seq)));
  });

  test('over a WebSocket the answer streams and then stands as a message', async () => {
    const visitor = await visit();
    const socket = await visitor.socket();
    await socket.next((frame) => frame.type === 'hello');
    socket.send({ type: 'message', client_id: 'a-1', text: 'How long can I return a scanner?' });
    const mine = await socket.next(isMessage('contact'));
    assert.equal(mine.message.text, 'How long can I return a scanner?');
    const answer = await socket.next(isMessage('ai'));
    const pieces = socket.all.filter((frame) => frame.type === 'delta');
    assert.ok(pieces.length > 0, 'it streamed');
    const said = pieces.filter((frame) => frame.turn === answer.message.run_id);
    assert.equal(said.map((frame) => frame.text).join(''), answer.message.text);
    assert.ok(answer.seq > mine.seq);
    await socket.close();
  });

  test('the same question over SSE and by polling gets the same kind of answer', async () => {
    const visitor = await visit();
    const events = await visitor.events();
    assert.match(events.type, /^text\/event-stream/);
    const sent = await visitor.post('How long can I return a scanner?');
    assert.equal(sent.status, 201);
    const bySse = (await events.next(isMessage('ai'))).message;
    const byPolling = await visitor.answer(sent.body.message.seq);
    assert.deepEqual(byPolling, bySse);
    assert.ok(bySse.citations.length > 0, JSON.stringify(bySse));
    const [first] = bySse.citations;
    for (const key of ['n', 'document_id', 'title', 'start', 'end', 'quote'])
      assert.ok(key in first, `citation has ${key}`);
    await events.close();
  });

  test('a client that comes back resumes at its cursor, on any way in', async () => {
    const visitor = await visit();
    const answer = await visitor.ask('Where is my order?');
    const all = await visitor.messages();
    const before = all.at(-2).seq;
    const socket = await visitor.socket(before);
    const [, resumed] = [
      await socket.next((f) => f.type === 'hello'),
      await socket.next(isMessage('ai')),
    ];
    assert.equal(resumed.message.id, answer.id);
    assert.ok(!socket.all.some((frame) => frame.type === 'message' && frame.seq <= before));
    const events = await visitor.events(before);
    assert.equal((await events.next(isMessage('ai'))).message.id, answer.id);
    assert.deepEqual(
      (await visitor.poll(before)).items.map((m) => m.id),
      [answer.id],
    );
    await Promise.all([socket.close(), events.close()]);
  });

  test('a browser resumes an event stream by Last-Event-ID', async () => {
    const visitor = await visit();
    await visitor.ask('Where is my order?');
    const events = await visitor.events();
    const first = await events.next(isMessage('contact'));
    assert.ok(first.sse.id, 'events carry ids');
    await events.close();
    const again = await visitor.events(0, { 'last-event-id': first.sse.id });
    await again.next(isMessage('ai'));
    assert.ok(!again.all.some(isMessage('contact')));
    await again.close();
  });

  test('a message sent twice under one client_id is one message and one answer', async () => {
    const visitor = await visit();
    const first = await visitor.post('Where is my order?', 'same');
    const again = await visitor.post('Where is my order?', 'same');
    assert.equal(again.body.message.id, first.body.message.id);
    await visitor.answer(first.body.message.seq);
    const roles = (await visitor.messages()).map((message) => message.role);
    assert.equal(roles.filter((role) => role === 'contact').length, 1);
    assert.equal(roles.filter((role) => role === 'ai').length, 1);
  });

  test('a burst is answered once, with all of it seen', async () => {
    const visitor = await visit();
    const socket = await visitor.socket();
    await socket.next((frame) => frame.type === 'hello');
    for (const [i, text] of ['hello', 'I have a question', 'where is my order?'].entries())
      socket.send({ type: 'message', client_id: `b-${i}`, text });
    await socket.next((frame) => isMessage('ai')(frame) && /BW-/.test(frame.message.text), {
      what: 'an answer to the last of the three',
    });
    const seqs = (await visitor.messages()).filter((m) => m.role === 'contact').map((m) => m.seq);
    const answers = (await visitor.messages()).filter((m) => m.role === 'ai' && m.seq > seqs[2]);
    assert.equal(answers.length, 1);
    await socket.close();
  });

  test('what a stream tells is what is stored, each message once and in order, whoever writes', async () => {
    const visitor = await visit();
    const socket = await visitor.socket();
    const path = `/conversations/${visitor.conversation}`;
    const write = async (client_id, text) => {
      socket.send({ type: 'message', client_id, text });
      return socket.next((f) => isMessage('contact')(f) && f.message.client_id === client_id);
    };
    await socket.next((frame) => frame.type === 'hello');
    await write('t-1', 'Where is my order?');
    await socket.next(isMessage('ai'));
    await member.post(`${path}/takeover`);
    const taken = await write('t-2', 'Is anybody there?'); /* maybe before the takeover is told */
    await member.post(`${path}/guidance`, { text: 'Only for us.' });
    await write('t-3', 'I would like to know.');
    await write('t-2', 'Is anybody there?'); /* again: nothing of it is new */
    await member.post(`${path}/messages`, { text: 'Yes.' });
    await socket.next(isMessage('member'));
    await write('t-4', 'Thank you.');
    const owners = socket.all.filter((frame) => frame.type === 'owner').map((f) => f.owner);
    assert.deepEqual(owners, ['human'], 'told once');
    const told = socket.all.filter((frame) => frame.type === 'message').map((f) => f.message);
    assert.deepEqual(told, await visitor.messages());
    assert.ok(told.at(-1).seq > taken.seq);
    await socket.close();
  });

  test('the order journey: slot question, tool, confirmation, person', async () => {
    const visitor = await visit();
    const [order] = (await member.all('/records/order?limit=200')).filter(
      (row) => row.account === 'nordvik-logistics' && row.status === 'processing',
    );
    assert.ok(order, 'the demo has an order that can be cancelled');
    assert.match((await visitor.ask('I want to cancel my order')).text, /BW-/);
    assert.match((await visitor.ask(order.number)).text, /\?/);
    const asked = await visitor.ask('We ordered it twice');
    assert.match(asked.text, new RegExp(`cancel order ${order.number}\\?`));
    assert.match((await visitor.ask('yes')).text, /is cancelled/);
    const after = (await member.all('/records/order?limit=200')).find(
      (row) => row.number === order.number,
    );
    assert.equal(after.status, 'cancelled');
    assert.equal(after.cancel_reason, 'We ordered it twice');
  });

  test('a request for a person hands over; the member takes over, writes, releases', async () => {
    const visitor = await visit();
    const socket = await visitor.socket();
    await socket.next((frame) => frame.type === 'hello'); /* what changes after it is told */
    socket.send({ type: 'handover' });
    await socket.next((frame) => frame.type === 'status' && frame.status === 'escalated');
    const path = `/conversations/${visitor.conversation}`;
    await member.post(`${path}/takeover`);
    const owner = await socket.next((frame) => frame.type === 'owner' && frame.owner === 'human');
    assert.match(owner.member.name, /Hannah/);
    await member.post(`${path}/messages`, { text: 'Hello, Hannah here.' });
    const said = await socket.next(isMessage('member'));
    assert.equal(said.message.text, 'Hello, Hannah here.');
    assert.match(said.message.author.name, /Hannah/);
    socket.send({ type: 'message', client_id: 'h-1', text: 'Where is my order?' });
    await socket.next((f) => isMessage('contact')(f) && f.message.text === 'Where is my order?');
    await member.post(`${path}/release`);
    await socket.next((frame) => frame.type === 'owner' && frame.owner === 'ai');
    const answer = await socket.next(isMessage('ai'), { what: 'the answer after the release' });
    assert.match(answer.message.text, /BW-/, 'what was asked meanwhile is answered');
    await socket.close();
  });

  test('while a person owns the conversation the agent stays silent', async () => {
    const visitor = await visit();
    await member.post(`/conversations/${visitor.conversation}/takeover`);
    const sent = await visitor.post('Where is my order?');
    await member.post(`/conversations/${visitor.conversation}/messages`, { text: 'One moment.' });
    const later = await visitor.poll(sent.body.message.seq, 1000);
    assert.deepEqual(
      later.items.map((message) => message.role),
      ['member'],
    );
  });

  test('notes and guidance stay inside', async () => {
    const visitor = await visit();
    await visitor.ask('hello');
    await member.post(`/conversations/${visitor.conversation}/guidance`, {
      text: 'Be kind to her.',
    });
    assert.ok(!JSON.stringify(await visitor.messages()).includes('Be kind'));
    const inside = await member.all(`/conversations/${visitor.conversation}/messages`);
    assert.ok(JSON.stringify(inside).includes('Be kind'));
  });

  test('a restart is a new conversation, the old one is over', async () => {
    const visitor = await visit();
    await visitor.ask('hello');
    const fresh = await visitor.api.post('/chat/restart', { token: visitor.token });
    assert.notEqual(fresh.conversation_id, visitor.conversation);
    const old = await member.get(`/conversations/${visitor.conversation}`);
    assert.ok(['completed', 'abandoned'].includes(old.status), old.status);
  });

  test('a second device continues with a pairing code, once', async () => {
    const visitor = await visit();
    await visitor.ask('hello');
    const { code } = await visitor.api.post('/chat/pairing', { token: visitor.token });
    const phone = await Visitor.start(server, { agent: AGENT, pairing_code: code });
    assert.equal(phone.conversation, visitor.conversation);
    assert.deepEqual(phone.session.messages, await visitor.messages());
    const third = await visitor.api.call('POST', '/chat/sessions', {
      agent: AGENT,
      pairing_code: code,
    });
    assert.ok(third.status >= 400 && third.status < 500, third.text);
  });

  test('a reload with its token finds the history', async () => {
    const visitor = await visit();
    await visitor.ask('hello');
    const again = await Visitor.start(server, { agent: AGENT, token: visitor.token });
    assert.equal(again.conversation, visitor.conversation);
    assert.deepEqual(again.session.messages, await visitor.messages());
  });

  test('typing is seen by the member, and nothing of it is kept', async () => {
    const visitor = await visit();
    const live = await Socket.open(`${server.ws}/api/v1/live`);
    live.send({ type: 'auth', token: member.token });
    await live.next((frame) => frame.type === 'ready');
    live.send({ type: 'watch', conversation_id: visitor.conversation });
    const socket = await visitor.socket();
    await socket.next((frame) => frame.type === 'hello');
    const before = (await visitor.messages()).length;
    socket.send({ type: 'typing' });
    await visitor.ask('hello');
    await live.next((frame) => frame.type === 'event' && /message/.test(frame.event_type));
    assert.ok((await visitor.messages()).length > before);
    await Promise.all([socket.close(), live.close()]);
  });

  test('every step of a turn is in the console: run, steps, tool calls, tokens', async () => {
    const visitor = await visit();
    const answer = await visitor.ask('Show me my recent orders');
    const runs = await member.all(`/conversations/${visitor.conversation}/runs`);
    const run = await member.get(`/runs/${answer.run_id}`);
    assert.ok(runs.some((row) => row.id === answer.run_id));
    assert.ok(run.steps.length >= 2);
    assert.deepEqual(
      run.steps.map((step) => step.seq),
      run.steps.map((_, i) => run.steps[0].seq + i),
    );
    const calls = run.steps.flatMap((step) => step.tool_calls);
    assert.equal(calls[0].name, 'list_orders');
    assert.equal(calls[0].status, 'done');
    assert.ok(calls[0].result.items.length > 0);
    const llm = run.steps.flatMap((step) => step.llm_calls);
    assert.ok(llm.some((row) => row.provider === 'builtin'));
  });

  const REFUSED = [
    ['an unknown agent', '/chat/sessions', { agent: 'brightwell/nobody' }, 404],
    ['an unknown org', '/chat/sessions', { agent: 'nowhere/support' }, 404],
    ['an agent that is no text', '/chat/sessions', { agent: 7 }, 400],
    ['no token', '/chat/messages', { client_id: 'x', text: 'y' }, 400],
    ['a made-up token', '/chat/messages', { token: 'abc', client_id: 'x', text: 'y' }, 401],
  ];
  for (const [why, path, body, status] of REFUSED)
    test(`refuses ${why}`, async () => {
      problem(await new Api(server).call('POST', path, body), status);
    });

  test('refuses an empty and an oversized message, and says which field', async () => {
    const visitor = await visit();
    for (const text of ['', '   ', 'x'.repeat(9000)]) {
      const said = problem(await visitor.post(text), 400);
      assert.equal(said.field, 'text');
    }
    assert.equal((await visitor.messages()).filter((m) => m.role === 'contact').length, 0);
  });

  test('a wrong frame gets an error frame and the socket lives', async () => {
    const visitor = await visit();
    const socket = await visitor.socket();
    await socket.next((frame) => frame.type === 'hello');
    for (const frame of ['{"type":', '[]', { type: 'dance' }, { type: 'message', text: 5 }]) {
      const from = socket.all.length;
      socket.send(frame);
      const answer = await socket.next((f) => f.type === 'error', { from, what: String(frame) });
      assert.match(answer.detail, /\S/);
    }
    socket.send({ type: 'message', client_id: 'ok', text: 'hello' });
    await socket.next(isMessage('ai'));
    await socket.close();
  });

  test('a socket with a wrong token is closed, and not a word before it', async () => {
    const visitor = await visit();
    visitor.token = `${visitor.token}x`;
    await assert.rejects(visitor.socket(), /401|Unexpected server response/);
  });
};

for (const store of STORES) describe(`chat on ${store}`, { skip }, suite(store));
