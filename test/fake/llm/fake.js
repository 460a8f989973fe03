// The fake model server itself: routes, keys, the journal, and the control API of README.md.
import { Journal, queryJournal } from '../journal.js';
import { Fake, parseJson, readBody, replyJson } from '../listen.js';
import * as anthropic from './anthropic.js';
import { sendEvents, sendFault, sendWhole, spoil } from './deliver.js';
import { embeddingsOf } from './embed.js';
import * as openai from './openai.js';
import { Script } from './script.js';
import { Steps } from './steps.js';

const MODELS = ['claude-sonnet-5-5', 'claude-haiku-5-5', 'gpt-5.4', 'gpt-5.4-mini'];
const CREATED_S = 1_767_225_600;

// What a key's own text asks for, so that sign-in problems need no script.
const KEY_FAULTS = [
  { word: 'invalid', status: 401 },
  { word: 'forbidden', status: 403, message: 'Your key may not use this resource.' },
  { word: 'unpaid', status: 402, message: 'Your credit balance is too low to access the API.' },
];

export class FakeLlm extends Fake {
  #script = new Script();
  #steps = new Steps();
  #journal = new Journal();
  #cache = new Set();
  #ids = 0;
  #open = new Set();

  /** Starts a server; `script` is a scenario as of README.md. */
  static async start({ port = 0, script } = {}) {
    const fake = new FakeLlm();
    if (script) fake.load(script);
    return fake.serve((req, res, url) => fake.#handle(req, res, url), port);
  }

  close() {
    this.#abortAll();
    return super.close();
  }

  load(script) {
    this.#script.load(script);
    this.#steps.configure(this.#script.settings.clock);
  }

  reset() {
    this.#abortAll();
    this.#journal.reset();
    this.#cache.clear();
    this.#steps.reset();
    this.load({ builtin: 'echo' });
  }

  advance(steps = 1) {
    this.#steps.advance(steps);
  }

  /** Everything received, in order; `keep` filters. */
  requests(keep) {
    return this.#journal.list(keep);
  }

  /** Waits until `count` requests that `keep` accepts are there. */
  atLeast(count, keep) {
    return this.#journal.wait(count, keep);
  }

  #abortAll() {
    for (const call of [...this.#open]) call.leave('reset');
  }

  #nextId(prefix) {
    return `${prefix}_fake${String(++this.#ids).padStart(6, '0')}`;
  }

  async #handle(req, res, url) {
    if (url.pathname.startsWith('/control/')) return this.#control(req, res, url);
    // A base URL may carry a path of its own: only what follows its last /v1 counts.
    const path = url.pathname.slice(Math.max(0, url.pathname.lastIndexOf('/v1/')));
    const wire =
      req.headers['anthropic-version'] || path.startsWith('/v1/messages') ? anthropic : openai;
    const call = this.#openCall(req, res, wire);
    try {
      await this.#route(call, path);
    } finally {
      this.#open.delete(call);
    }
  }

  #openCall(req, res, wire) {
    const abort = new AbortController();
    const requestId = this.#nextId('req');
    const call = {
      req,
      res,
      wire,
      requestId,
      steps: this.#steps,
      signal: abort.signal,
      headers: { [wire.idHeader]: requestId, ...wire.limitHeaders() },
      entry: this.#journal.add({
        wire: wire === anthropic ? 'anthropic' : 'openai',
        method: req.method,
        path: req.url,
        headers: req.headers,
        body: null,
        rule: null,
        outcome: 'open',
        events: 0,
        step: this.#steps.now,
      }),
      note: (outcome) => {
        if (['open', 'stalled'].includes(call.entry.outcome)) call.entry.outcome = outcome;
        this.#journal.changed();
      },
      sent: (count) => {
        call.entry.events = count;
        this.#journal.changed();
      },
      leave: (outcome) => {
        call.note(outcome);
        abort.abort();
        res.destroy();
      },
    };
    this.#open.add(call);
    res.once('close', () => {
      if (!res.writableFinished) call.note('client_closed');
      abort.abort();
    });
    return call;
  }

  #refuse(call, complaint) {
    const { status, headers, ...error } = complaint;
    call.note('refused');
    call.entry.refusal = error.message;
    const body = call.wire.errorBody(status, error, call.requestId);
    replyJson(call.res, status, body, { ...call.headers, ...headers });
  }

  async #route(call, path) {
    const { method } = call.req;
    const bytes = await readBody(call.req, call.wire.BODY_MAX_BYTES);
    const refused = call.wire.checkHeaders(call.req.headers, (key) => this.#keyFault(key));
    if (refused) return this.#refuse(call, refused);
    if (path === '/v1/models' || path.startsWith('/v1/models/')) return this.#models(call, path);
    const posts = {
      '/v1/messages': () => this.#chat(call),
      '/v1/messages/count_tokens': () => this.#count(call),
      '/v1/chat/completions': () => this.#chat(call),
      '/v1/embeddings': () => this.#embed(call),
    };
    if (!posts[path])
      return this.#refuse(call, {
        status: 404,
        code: null,
        message: `Invalid URL (${method} ${path})`,
      });
    if (method !== 'POST')
      return this.#refuse(call, { status: 405, message: `Not allowed to ${method} on ${path}` });
    if (!bytes)
      return this.#refuse(call, { status: 413, message: 'Request exceeds the maximum size' });
    if (!/^application\/json\b/.test(call.req.headers['content-type'] ?? ''))
      return this.#refuse(call, {
        status: 400,
        message: 'Content-Type: expected application/json',
      });
    const parsed = parseJson(bytes);
    if (parsed.error)
      return this.#refuse(call, {
        status: 400,
        message: `The request body is not valid JSON: ${parsed.error}`,
      });
    call.entry.body = parsed.value;
    return posts[path]();
  }

  #keyFault(key) {
    const { api_keys: keys } = this.#script.settings;
    if (keys && !keys.includes(key)) return { status: 401 };
    const row = KEY_FAULTS.find(({ word }) => key.includes(word));
    return row ? { status: row.status, ...(row.message && { message: row.message }) } : null;
  }

  async #chat(call) {
    const { wire, entry } = call;
    const complaint = wire.check(entry.body, this.#script.settings, entry.headers);
    if (complaint) return this.#refuse(call, complaint);
    const turn = wire.turnOf(entry.body);
    const { rule, reply: plain, fault } = this.#script.answer(turn);
    entry.rule = rule;
    this.#journal.changed();
    await this.#steps.wait(plain.first_byte_steps, call.signal);
    if (call.signal.aborted) return;
    if (sendFault(call, fault)) return;
    const reply = spoil(plain, fault);
    if (fault.huge_bytes) turn.max_tokens = Infinity;
    const usage = wire.inputUsage(entry.body, this.#cache);
    const answer = wire.messageOf(reply, turn, usage, (prefix) => this.#nextId(prefix));
    if (turn.stream) await sendEvents(call, wire.eventsOf(answer, reply), reply, fault);
    else await sendWhole(call, answer.message, fault);
  }

  #count(call) {
    const body = { max_tokens: 1, ...call.entry.body };
    const complaint = anthropic.check(body, this.#script.settings, call.req.headers);
    if (complaint) return this.#refuse(call, complaint);
    replyJson(call.res, 200, { input_tokens: anthropic.countTokens(body) }, call.headers);
    call.note('complete');
  }

  #embed(call) {
    const { status, body, complaint } = embeddingsOf(call.entry.body);
    if (complaint) return this.#refuse(call, { status, ...complaint });
    replyJson(call.res, status, body, call.headers);
    call.note('complete');
  }

  #models(call, path) {
    const ids = this.#script.settings.models ?? MODELS;
    const one = decodeURIComponent(path.slice('/v1/models/'.length));
    const shape = call.wire === anthropic ? anthropicModel : openaiModel;
    if (one && !ids.includes(one))
      return this.#refuse(call, { status: 404, message: `The model '${one}' does not exist` });
    const all = { data: ids.map(shape) };
    const paging = { has_more: false, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null };
    const list = call.wire === anthropic ? { ...all, ...paging } : { object: 'list', ...all };
    replyJson(call.res, 200, one ? shape(one) : list, call.headers);
    call.note('complete');
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
      'POST /control/reset': () => (this.reset(), { ok: true }),
      'POST /control/advance': async () => {
        const body = await readBody(req);
        this.advance(body?.length ? parseJson(body).value?.steps : 1);
        return { now: this.#steps.now };
      },
      'GET /control/state': () => ({
        now: this.#steps.now,
        waiting: this.#steps.waiting,
        open: this.#open.size,
        script: this.#script.settings.name ?? null,
      }),
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

const openaiModel = (id) => ({ id, object: 'model', created: CREATED_S, owned_by: 'fake' });
const anthropicModel = (id) => ({
  type: 'model',
  id,
  display_name: id,
  created_at: '2026-01-01T00:00:00Z',
});
