// The reference server of the protocol, `server-everything`, over both of its transports: its tools
// are listed, called and answered through a conversation.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Bench, EVERYTHING, NODE } from './mcp_use.js';
import { problem } from './api.js';
import { skip } from './rapport.js';

const WAIT_MS = 30_000;
const allow = ['echo', 'get-*', 'trigger-long-running-operation'];
const SERVERS = {
  stdio: () => ({ name: 'all', command: 'everything', allow }),
  http: (port) => ({
    name: 'all',
    url: `http://127.0.0.1:${port}/mcp`,
    allow_private: true,
    allow,
  }),
};

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** The server over HTTP; ready when it says on which port it listens. */
async function startHttp() {
  const port = await freePort();
  // It uses globalThis.crypto, which Debian 12's node 18 has behind this flag only.
  const child = spawn(NODE, ['--experimental-global-webcrypto', EVERYTHING, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error('server-everything did not start')), WAIT_MS);
    const look = (text) => String(text).includes('listening') && (clearTimeout(timer), done());
    child.stdout.on('data', look);
    child.stderr.on('data', look);
  });
  return { port, stop: () => child.kill('SIGKILL') };
}

for (const [transport, place] of Object.entries(SERVERS)) {
  describe(`server-everything over ${transport}`, { skip }, () => {
    let bench;
    let web;
    let server;
    before(async () => {
      if (transport === 'http') web = await startHttp();
      const programs = {
        everything: { argv: [NODE, EVERYTHING, 'stdio'], env: { GREETING: 'only this' } },
      };
      bench = await Bench.start({ programs });
      server = place(web?.port);
      await bench.apply('all', { timeout_s: 3, ...server, approve: { echo: 'never' } });
    });
    after(async () => {
      await bench?.stop();
      web?.stop();
    });

    test('the version pins what is allowed, and only that', async () => {
      const { items } = await bench.admin.get('/agents');
      const { id } = items.find((agent) => agent.slug === 'all');
      const { mcp_servers: servers } = await bench.admin.get(`/agents/${id}`);
      assert.equal(servers.length, 1);
      assert.equal(servers[0].state, 'open', JSON.stringify(servers));
      assert.match(servers[0].revision, /^20\d\d-\d\d-\d\d$/);
      const names = servers[0].tools.map((tool) => tool.name);
      for (const name of ['echo', 'get-sum', 'get-tiny-image']) assert.ok(names.includes(name));
      assert.ok(!names.some((name) => /^(toggle|gzip|simulate)/.test(name)), names.join());
      assert.ok(servers[0].tools.every((tool) => tool.status === 'same'));
    });

    test('a text comes back as it is', async () => {
      const { answer, call } = await bench.use('all', 'all__echo', { message: 'good "day"' });
      assert.equal(call.status, 'done', JSON.stringify(call));
      assert.equal(call.result, 'Echo: good "day"');
      assert.match(answer.text, /Echo: good "day"/);
      assert.ok(bench.offered().includes('all__get-sum'));
    });

    test('structured content is the result, checked against its schema', async () => {
      const { call } = await bench.use(
        'all',
        'all__get-structured-content',
        {
          location: 'Chicago',
        },
        { yes: true },
      );
      assert.equal(call.status, 'done', JSON.stringify(call));
      assert.deepEqual(Object.keys(call.result).sort(), ['conditions', 'humidity', 'temperature']);
    });

    test('an image is named, not shown to the model', async () => {
      const { call } = await bench.use('all', 'all__get-tiny-image', {}, { yes: true });
      assert.equal(call.status, 'done', JSON.stringify(call));
      assert.match(call.result, /\[image: image\/png, \d+ bytes, not shown\]/);
    });

    test('arguments that break the schema never leave', async () => {
      const { call, run } = await bench.use('all', 'all__get-sum', { a: 'one' });
      assert.equal(call, undefined);
      assert.match(JSON.stringify(run.steps), /"is_error":true|must be|invalid/);
    });

    test('a call that takes too long is called off', async () => {
      const args = { duration: 60, steps: 120 };
      // It says that it only reads, so nobody is asked, and it may be repeated: it failed.
      const { call } = await bench.use('all', 'all__trigger-long-running-operation', args);
      assert.equal(call.status, 'failed', JSON.stringify(call));
      assert.match(call.error, /no answer in time/);
      const { call: after } = await bench.use('all', 'all__echo', { message: 'still here' });
      assert.equal(after.result, 'Echo: still here');
    });

    if (transport === 'stdio')
      test('the program sees only the environment it is given', async () => {
        const { call } = await bench.use('all', 'all__get-env', {}, { yes: true });
        assert.equal(call.status, 'done', JSON.stringify(call));
        const env = JSON.parse(call.result);
        assert.deepEqual(Object.keys(env), ['GREETING']);
      });

    test('a tool that is not there is a fault with its place', async () => {
      const yaml = bench.yaml('missing', { ...server, allow: ['echo', 'no-such-tool'] });
      const answer = await bench.admin.call('POST', '/agents', { yaml, message: '' });
      const { detail, line } = problem(answer, 400, 'invalid');
      assert.match(detail, /no-such-tool/);
      assert.equal(line, yaml.split('\n').length - 1);
    });
  });
}
