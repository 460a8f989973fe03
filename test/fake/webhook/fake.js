// A tool server: what an org's own HTTP endpoint would be. It answers by script, checks
// signatures, and does every side effect once per idempotency key.
import { Journal, queryJournal } from '../journal.js';
import { Fake, parseJson, readBody, replyJson } from '../listen.js';
import { signatureProblem } from './signature.js';

const HUGE_UNIT = Buffer.from(`{"filler":"${'x'.repeat(65_500)}"},`);

export class FakeWebhook extends Fake {
  #journal = new Journal();
  #effects = new Map();
  #rules = [];
  #secrets = [];
  #nowS = null;
  #stalled = new Set();

  static async start({ port = 0, script } = {}) {
    const fake = new FakeWebhook();
    if (script) fake.load(script);
    return fake.serve((req, res, url) => fake.#handle(req, res, url), port);
  }

  /**
   * `{ secrets, now_s, rules: [{ path, times, skip, reply, fault }] }`. Without secrets nothing is
   * verified; with `now_s: "real"` the time of the signature is, too.
   */
  load({ rules = [], secrets = [], now_s: nowS = null } = {}) {
    this.#rules = rules.map((rule) => ({ ...rule, seen: 0 }));
    this.#secrets = secrets;
    this.#nowS = nowS;
  }

  reset() {
    for (const res of this.#stalled) res.destroy();
    this.#stalled.clear();
    this.#journal.reset();
    this.#effects.clear();
    this.load();
  }

  requests(keep) {
    return this.#journal.list(keep);
  }

  atLeast(count, keep) {
    return this.#journal.wait(count, keep);
  }

  /** How often something really happened: at most once for each idempotency key. */
  get effects() {
    return [...this.#effects.entries()].map(([key, effect]) => ({ key, ...effect }));
  }

  async #handle(req, res, url) {
    if (url.pathname.startsWith('/control/')) return this.#control(req, res, url);
    const bytes = await readBody(req);
    const key = req.headers['idempotency-key'] ?? req.headers['webhook-id'] ?? null;
    const entry = this.#journal.add({
      method: req.method,
      path: req.url,
      headers: req.headers,
      raw: bytes?.toString('utf8') ?? null,
      body: parseJson(bytes ?? Buffer.alloc(0)).value ?? null,
      key,
      ...this.#verify(req, bytes),
      outcome: 'open',
    });
    res.once('close', () => {
      if (!res.writableFinished) this.#note(entry, 'client_closed');
    });
    if (entry.signature === 'bad') {
      replyJson(res, 401, { error: 'bad_signature', detail: entry.problem });
      return this.#note(entry, 'refused');
    }
    return this.#answer({ req, res, url, entry });
  }

  #note(entry, outcome) {
    if (entry.outcome === 'open' || entry.outcome === 'stalled') entry.outcome = outcome;
    this.#journal.changed();
  }

  #verify(req, body) {
    if (!this.#secrets.length) return { signature: 'unchecked' };
    const nowS = this.#nowS === 'real' ? Date.now() / 1000 : this.#nowS;
    const problem = signatureProblem({ headers: req.headers, body, secrets: this.#secrets, nowS });
    return { signature: problem === null ? 'good' : 'bad', problem };
  }

  #ruleFor(url) {
    for (const rule of this.#rules) {
      if (rule.path && !new RegExp(rule.path, 'u').test(url.pathname)) continue;
      rule.seen++;
      const skip = rule.skip ?? 0;
      if (rule.seen > skip && rule.seen <= skip + (rule.times ?? Infinity)) return rule;
    }
    return {};
  }

  #answer(call) {
    const { res, entry } = call;
    const { reply, fault = {} } = this.#ruleFor(call.url);
    if (fault.effect_first) this.#effect(entry, reply);
    if (fault.stall) {
      this.#stalled.add(res);
      return this.#note(entry, 'stalled');
    }
    if (fault.reset) return this.#end(entry, 'reset', () => res.socket.resetAndDestroy());
    if (fault.redirect) return this.#redirect(call, fault);
    if (fault.huge_bytes) return this.#huge(call, fault.huge_bytes);
    if (fault.status) {
      replyJson(res, fault.status, { error: 'asked_for', ...fault.json }, fault.headers);
      return this.#note(entry, 'error');
    }
    if (fault.body !== undefined) {
      res.writeHead(200, { 'content-type': fault.content_type ?? 'application/json' });
      res.end(fault.body);
      return this.#note(entry, 'raw');
    }
    const { result, replayed } = this.#effect(entry, reply);
    replyJson(res, 200, result, replayed ? { 'idempotent-replayed': 'true' } : {});
    return this.#note(entry, 'complete');
  }

  #end(entry, outcome, act) {
    this.#note(entry, outcome);
    act();
  }

  /** Does the thing, or finds that it was done already. Reading is no effect. */
  #effect(entry, reply) {
    const result = reply?.json ?? { ok: true, echo: entry.body, path: entry.path };
    if (entry.method === 'GET') return { result, replayed: false };
    const key = entry.key ?? `no-key-${entry.n}`;
    const known = this.#effects.get(key);
    if (known) {
      known.asked++;
      return { result: known.result, replayed: true };
    }
    this.#effects.set(key, { path: entry.path, result, asked: 1 });
    return { result, replayed: false };
  }

  #redirect({ res, entry }, { redirect, status = 307 }) {
    res.writeHead(status, { location: redirect, 'content-length': 0 });
    res.end();
    this.#note(entry, 'redirected');
  }

  async #huge({ res, entry }, bytes) {
    res.writeHead(200, { 'content-type': 'application/json' });
    res.write('[');
    for (let sent = 0; sent < bytes && !res.destroyed; sent += HUGE_UNIT.length)
      if (!res.write(HUGE_UNIT))
        await new Promise((resolve) => {
          res.once('drain', resolve);
          res.once('close', resolve);
        });
    res.end('{}]');
    this.#note(entry, res.destroyed ? 'client_closed' : 'complete');
  }

  async #control(req, res, url) {
    const routes = {
      'POST /control/script': async () => {
        const parsed = parseJson((await readBody(req)) ?? Buffer.alloc(0));
        if (parsed.error) throw new Error(parsed.error);
        this.load(parsed.value);
        return { ok: true };
      },
      'GET /control/requests': async () => ({
        items: await queryJournal(this.#journal, url.searchParams),
      }),
      'GET /control/effects': () => ({ items: this.effects }),
      'POST /control/reset': () => (this.reset(), { ok: true }),
    };
    const route = routes[`${req.method} ${url.pathname}`];
    if (!route) return replyJson(res, 404, { error: 'no such control route' });
    try {
      replyJson(res, 200, await route());
    } catch (e) {
      replyJson(res, 400, { error: e.message });
    }
  }
}
