// A copilot's answer as it is written: the same words as the answer that comes at once, with the run
// behind it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Api, problem } from './api.js';
import { ADMIN, HARBOUR, ROOT, skip, startRapport, STORES, SUPPORT } from './rapport.js';

const TEXT = 'Which plans do we offer?';

/** Reads server-sent events to their end. */
async function events(response) {
  const all = [];
  for (const block of (await response.text()).split('\n\n')) {
    const name = /^event: (.*)$/m.exec(block)?.[1];
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (name && data) all.push({ name, ...JSON.parse(data) });
  }
  return all;
}

const suite = (store) => () => {
  let server;
  let member;
  let copilot;
  before(async () => {
    server = await startRapport({ store });
    member = await Api.login(server, SUPPORT);
    const { items } = await member.get('/agents');
    copilot = items.find((agent) => agent.product_type === 'copilot');
  });
  after(() => server?.stop());
  const ask = (body, headers = {}) =>
    fetch(`${member.base}/agents/${copilot.id}/ask`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${member.token}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    });

  test('it starts, takes steps, writes and ends with the answer', async () => {
    const response = await ask({ text: TEXT });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^text\/event-stream/);
    const all = await events(response);
    const names = all.map((event) => event.name);
    assert.equal(names[0], 'started', names.join(' '));
    assert.equal(names.at(-1), 'answer', JSON.stringify(all.at(-1)));
    assert.ok(names.includes('step') && names.includes('delta'), names.join(' '));
    const { run_id: id, answer, status } = all.at(-1);
    assert.equal(id, all[0].run_id);
    assert.equal(status, 'done');
    const written = all.filter((event) => event.name === 'delta' && event.turn === id);
    assert.equal(
      written
        .map((event) => event.text)
        .join('')
        .trim(),
      answer.text,
    );
    const run = await member.get(`/runs/${id}`);
    assert.equal(run.status, 'done');
    assert.equal(run.steps.length, names.filter((name) => name === 'step').length);
  });

  test('without the wish for a stream the answer comes whole', async () => {
    const response = await ask({ text: TEXT }, { accept: 'application/json' });
    assert.equal(response.status, 200);
    const { answer, run_id: id } = await response.json();
    assert.match(answer.text, /\S/);
    assert.match(id, /^[0-9a-f-]{36}$/);
  });

  test('a question that is none is told in the stream', async () => {
    const all = await events(await ask({ text: '   ' }));
    assert.deepEqual(
      all.map((event) => event.name),
      ['error'],
    );
    assert.equal(all[0].code, 'invalid');
  });

  test('who talks to contacts is no copilot', async () => {
    const { items } = await member.get('/agents');
    const chatbot = items.find((agent) => agent.product_type === 'chatbot');
    problem(await member.call('POST', `/agents/${chatbot.id}/ask`, { text: TEXT }), 409);
  });
};

for (const store of STORES) describe(`copilot on ${store}`, { skip }, suite(store));

describe('a copilot whose model says nothing', { skip }, () => {
  let model;
  let server;
  before(async () => {
    model = http.createServer(() => {}).listen(0, '127.0.0.1');
    await once(model, 'listening');
    const provider = {
      name: 'silent',
      kind: 'openai',
      base_url: `http://127.0.0.1:${model.address().port}/v1`,
      key_env: 'WIRE_KEY_SILENT',
      allow_private: true,
      models: [{ name: 'mute', class: 'balanced', price_in: 3, price_out: 15 }],
    };
    const env = { WIRE_KEY_SILENT: 'sk-silent' };
    server = await startRapport({ config: { llm: { providers: [provider] } }, env });
  });
  after(async () => {
    await server?.stop();
    model.closeAllConnections();
    model.close();
  });

  test('who leaves is not waited for: the model is let go', async () => {
    const admin = await Api.login(server, ADMIN);
    const sample = await readFile(join(ROOT, 'samples/brightwell/agents/success.yaml'), 'utf8');
    const yaml = sample
      .replace(/^slug: .*$/m, 'slug: mute')
      .replace(/^config_id: .*$/m, 'config_id: 01a1e1a7-4c00-7bf3-8000-000000000001')
      .replace(/^llm_config: .*$/m, 'llm_config: {provider: silent, model: mute, max_tokens: 500}');
    const agent = await admin.post('/agents', { yaml, message: 'wire' });
    const leaving = new AbortController();
    const asked = once(model, 'request');
    const response = await fetch(`${admin.base}/agents/${agent.id}/ask`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${admin.token}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify({ text: TEXT }),
      signal: leaving.signal,
    });
    assert.equal(response.status, 200);
    const [request] = await asked;
    const letGo = once(request.socket, 'close');
    const began = performance.now();
    leaving.abort();
    await letGo;
    const took = performance.now() - began;
    assert.ok(took < 10_000, `the model was held for ${took} ms`); // it may be silent for 20 s
  });

  test('one organisation leaves threads for the slow requests of others', async () => {
    const admin = await Api.login(server, ADMIN);
    const other = await Api.login(server, HARBOUR);
    const { items } = await admin.get('/agents');
    const { id } = items.find((agent) => agent.slug === 'mute');
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${admin.token}`, accept: 'text/event-stream' };
    const got = [];
    for (let i = 0; i < 6; i++)
      got.push(
        await fetch(`${admin.base}/agents/${id}/ask`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ text: TEXT }),
          signal: leaving.signal,
        }),
      );
    const refused = got.filter((response) => response.status === 429);
    assert.equal(refused.length, 3, got.map((response) => response.status).join());
    assert.equal((await refused[0].json()).code, 'limit');
    const text = 'Slow requests of others are answered meanwhile.';
    const stored = await other.call('POST', '/documents', { title: 'Fair', text });
    assert.equal(stored.status, 201, stored.text);
    leaving.abort();
  });
});
