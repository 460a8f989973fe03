// Start and idle memory: the whole release binary, as a user starts it. Node only drives; nothing of it is
// measured.
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

function memory(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)[1]) / 1024;
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
await stop(run);
figure({ what: 'cold start to ready, median of 11', value: median(times), unit: 'ms', limit: 50 });
figure({ what: 'starting /bin/true, median of 11', value: median(spawned), unit: 'ms' });
figure({ what: 'first start, the demo imported', value: first.ms, unit: 'ms' });
figure({ what: 'idle memory, every service on (PSS)', value: idle, unit: 'MiB', limit: 20 });
rmSync(folder, { recursive: true, force: true });
