// Starts the real program for a test file and talks to it: a fresh data folder, any free port, the
// ready line, and at the end a clean exit that leaked nothing.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const BIN = process.env.RAPPORT_BIN && resolve(process.env.RAPPORT_BIN);
/** For `describe(name, { skip }, ...)`: the program is needed, and only its absence excuses. */
export const skip = BIN ? false : 'RAPPORT_BIN is not set';
export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

const READY_MS = 180_000; // under a sanitizer the demo is seconds of work, on a busy machine minutes
const EXIT_MS = 30_000;
const REPORTS = /(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:/;

export const PASSWORD = 'rapport-demo';
export const AGENT = 'brightwell/support';
export const ADMIN = { email: 'ingrid@brightwell.example', password: PASSWORD, org: 'brightwell' };
export const SUPPORT = {
  email: 'hannah@brightwell.example',
  password: PASSWORD,
  org: 'brightwell',
};
export const HARBOUR = { email: 'carys@harbour.example', password: PASSWORD, org: 'harbour' };
export const OPERATOR = { email: 'olive@operator.example', password: PASSWORD, org: 'operator' };

class Rapport {
  #child;
  #exit;
  log = '';

  constructor(child, data) {
    this.#child = child;
    this.data = data;
    this.#exit = new Promise((done) =>
      child.once('exit', (code, signal) => done({ code, signal })),
    );
    child.stderr.setEncoding('utf8').on('data', (text) => (this.log += text));
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get ws() {
    return `ws://127.0.0.1:${this.port}`;
  }

  get pid() {
    return this.#child.pid;
  }

  /** However it ends. */
  ended() {
    return this.#exit;
  }

  /** Resolves at the ready line. Everything else on standard output joins the log. */
  ready() {
    return new Promise((done, fail) => {
      const tell = (why) => {
        this.#child.kill('SIGKILL'); // nobody else would: a test has no server to stop
        fail(new Error(`rapport ${why}\n${this.log.slice(-4000)}`));
      };
      const timer = setTimeout(() => tell('was not ready in time'), READY_MS);
      this.#exit.then(({ code, signal }) =>
        tell(`ended with ${signal ?? code} before it was ready`),
      );
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.log += `${line}\n`;
        if (!line.startsWith('{')) return;
        const parsed = JSON.parse(line);
        if (!parsed.ready) return;
        clearTimeout(timer);
        this.port = parsed.port;
        done(this);
      });
    });
  }

  /** SIGTERM, a clean exit, no report of a sanitizer; then the data folder goes. */
  async stop({ keep = false } = {}) {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), EXIT_MS);
    const { code, signal } = await this.#exit;
    clearTimeout(timer);
    if (!keep) await rm(this.data, { recursive: true, force: true });
    assert.ok(!REPORTS.test(this.log), this.log.slice(-8000));
    assert.equal(signal, null, `ended by ${signal}: it did not stop in ${EXIT_MS} ms`);
    assert.equal(code, 0, this.log.slice(-4000));
  }

  /** As a power cut would: nothing is flushed, nobody is told. The data folder stays. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exit;
    assert.ok(!REPORTS.test(this.log), this.log.slice(-8000));
  }
}

export const newData = () => mkdtemp(join(tmpdir(), 'rapport-wire-'));

// Tests are quicker than any person: only those about limits want them.
export const LIMITS = {
  requests_per_minute: 0,
  requests_burst: 0,
  public_requests_per_minute: 0,
  sign_ins_per_hour: 0,
};
const SETTINGS = { test: { clock: true }, limits: LIMITS };

/** What a suite that must hold on every database runs on. */
export const STORES = ['sqlite', ...(process.env.RAPPORT_TEST_POSTGRES ? ['postgres'] : [])];

let databases = 0;

async function storeConfig(store) {
  if (store !== 'postgres') return {};
  const name = `wire_${process.pid}_${++databases}`;
  const made = await promisify(execFile)(join(ROOT, 'tools/postgres-test'), ['database', name]);
  return { store: { kind: 'postgres', url: made.stdout.trim() } };
}

/**
 * Starts the program. `config` becomes `rapport.yaml` of the data folder (JSON is YAML too); `data`
 * reuses a folder, which keeps its settings, otherwise a fresh one gets the demo workspace.
 */
export async function startRapport(options = {}) {
  const { config, data, demo = true, store = 'sqlite', env = {}, args = [] } = options;
  const folder = data ?? (await newData());
  const model = process.env.RAPPORT_DEMO_FOLDER;
  // There --demo finds its workspace.
  if (demo && !data && store === 'sqlite' && model) await cp(model, folder, { recursive: true });
  const list = ['serve', '--port', '0', '--data', folder, '--json', ...args];
  if (demo) list.push('--demo', 'samples');
  if (demo || config) {
    const settings = { ...SETTINGS, ...(await storeConfig(store)), ...config };
    await writeFile(join(folder, 'rapport.yaml'), JSON.stringify(settings, null, 2));
  }
  const child = spawn(BIN, list, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = await new Rapport(child, folder).ready();
  // Whom the chat page of the demo signs in, with the proof of the address.
  const about = await (await fetch(`${server.url}/api/v1/demo`)).json();
  server.visitor = about.visitor;
  return server;
}

/** Runs another command of the program: `{ code, stdout, stderr }`. */
export function runRapport(args, { input = '', env = {} } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(BIN, args, { cwd: ROOT, env: { ...process.env, ...env } });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => (out.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (out.stderr += text));
    child.once('error', fail);
    child.once('close', (code) => done({ code, ...out }));
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input);
  });
}
