// Start, idle memory, and how soon a changed agent is used: the whole release binary, as a user starts it.
// Prints each figure, its limit and the ratio. Node only drives; nothing of it is measured but the one
// round trip of the reload.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figure } from './figure.js';

const binary = process.env.RAPPORT_BIN;
const samples = new URL('../samples', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'rapport-bench-'));
const RUNS = 11;

function start() {
  const began = process.hrtime.bigint();
  const child = spawn(binary, ['serve', '--port', '0', '--data', folder, '--demo', samples, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, RAPPORT_REQUESTS_BURST: '0', RAPPORT_REQUESTS_PER_MINUTE: '0' },
  });
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', (code) => reject(new Error(`rapport ended with ${code}`)));
    child.stdout.on('data', (piece) => {
      text += piece;
      const line = text.split('\n').find((l) => l.includes('"ready":true'));
      if (!line) return;
      child.removeAllListeners('exit');
      const ms = Number(process.hrtime.bigint() - began) / 1e6;
      resolve({ child, ms, url: JSON.parse(line).url });
    });
  });
}

function stop({ child }) {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function call(url, method, path, body, token) {
  const answer = await fetch(url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: body ? JSON.stringify(body) : undefined,
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

function memory(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)[1]) / 1024;
}

async function reload(url) {
  const { access_token: token } = await call(url, 'POST', '/api/v1/auth/login', {
    email: 'ingrid@brightwell.example',
    password: 'rapport-demo',
  });
  const agent = await call(url, 'GET', '/api/v1/agents/support', null, token);
  const applied = [];
  const used = [];
  for (let i = 0; i < RUNS; i++) {
    const yaml = agent.yaml.replace(/^greeting:.*$/m, `greeting: "Hello ${i}"\nx-old-greeting: >-`);
    const t0 = process.hrtime.bigint();
    await call(url, 'PUT', '/api/v1/agents/support', { yaml, message: `bench ${i}` }, token);
    const t1 = process.hrtime.bigint();
    const chat = await call(url, 'POST', '/api/v1/chat/sessions', { agent: 'brightwell/support' });
    const t2 = process.hrtime.bigint();
    if (chat.agent.greeting !== `Hello ${i}`) throw new Error('an old version answered');
    applied.push(Number(t1 - t0) / 1e6);
    used.push(Number(t2 - t1) / 1e6);
  }
  return { applied: median(applied), worst: Math.max(...used) };
}

const spawned = [];
for (let i = 0; i < RUNS; i++) {
  const began = process.hrtime.bigint();
  spawnSync('/bin/true');
  spawned.push(Number(process.hrtime.bigint() - began) / 1e6);
}
const first = await start();
await stop(first);
const times = [];
for (let i = 0; i < RUNS; i++) {
  const run = await start();
  times.push(run.ms);
  await stop(run);
}
const run = await start();
await new Promise((resolve) => setTimeout(resolve, 3000));
const idle = memory(run.child.pid);
const { applied, worst } = await reload(run.url);
await stop(run);
figure({ what: 'cold start to ready, median of 11', value: median(times), unit: 'ms', limit: 50 });
figure({ what: 'starting /bin/true, median of 11', value: median(spawned), unit: 'ms' });
figure({ what: 'first start, the demo imported', value: first.ms, unit: 'ms' });
figure({ what: 'idle memory, every service on (PSS)', value: idle, unit: 'MiB', limit: 20 });
figure({ what: 'applying a version, training included, median', value: applied, unit: 'ms' });
figure({ what: 'version applied -> used, idle, worst of 11', value: worst, unit: 'ms', limit: 50 });
rmSync(folder, { recursive: true, force: true });
