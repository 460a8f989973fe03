// The tool server behind recorded conversations: an airline's and a shop's tools over databases that
// are copied for every conversation, so that each begins where its recording began. Signed requests
// only; an effect happens once for each idempotency key.
import { isDeepStrictEqual } from 'node:util';
import { Fake, parseJson, readBody, replyJson } from '../listen.js';
import { signatureProblem } from '../webhook/signature.js';
import { runTool } from './refusal.js';

export class FakeTau extends Fake {
  #bases;
  #secrets;
  #anytime;
  #databases = new Map();
  #done = new Map();
  calls = [];
  /** Told of every call: ('before' | 'after', { base, name, conversation }). May take its time. */
  onCall = null;

  /**
   * `bases`: name -> { db, tools }. `secrets`: of which one must have signed a request, just now
   * unless `anytime`: the program's clock may be another.
   */
  constructor({ bases, secrets, anytime = false }) {
    super();
    this.#anytime = anytime;
    this.#bases = bases;
    this.#secrets = secrets;
  }

  static async start(options) {
    const fake = new FakeTau(options);
    return fake.serve((req, res, url) => fake.#handle(req, res, url));
  }

  get bases() {
    return this.#bases;
  }

  #database(base, conversation) {
    const key = `${base} ${conversation}`;
    if (!this.#databases.has(key)) this.#databases.set(key, structuredClone(this.#bases[base].db));
    return this.#databases.get(key);
  }

  /** The entities of a conversation's database that are not as they were: { table: { id: row } }. */
  changed(base, conversation) {
    return changesOf(this.#bases[base].db, this.#databases.get(`${base} ${conversation}`) ?? {});
  }

  /** Lets go of a conversation's database. */
  forget(base, conversation) {
    this.#databases.delete(`${base} ${conversation}`);
  }

  #refuse(res, status, detail) {
    this.calls.push({ refused: detail });
    replyJson(res, status, { detail });
  }

  async #handle(req, res, url) {
    const [, base, name] = url.pathname.split('/');
    const bytes = await readBody(req);
    const tool = this.#bases[base]?.tools[name];
    if (!tool || req.method !== 'POST') return this.#refuse(res, 404, `no tool ${url.pathname}`);
    const nowS = this.#anytime ? null : Date.now() / 1000;
    const problem = signatureProblem({
      headers: req.headers,
      body: bytes,
      secrets: this.#secrets,
      nowS,
    });
    if (problem) return this.#refuse(res, 401, problem);
    const conversation = req.headers['x-conversation-id'];
    const key = req.headers['idempotency-key'];
    if (!conversation || !key) return this.#refuse(res, 400, 'which conversation, which call?');
    const args = parseJson(bytes).value;
    replyJson(res, 200, await this.run({ base, name, conversation, key, arguments: args }));
  }

  /** Does a call, whichever way it came. */
  async run(call) {
    await this.onCall?.('before', call);
    const result = this.#once(call);
    await this.onCall?.('after', call);
    return result;
  }

  #once(call) {
    const known = this.#done.get(call.key);
    if (known) {
      known.asked++;
      return known.result;
    }
    const db = this.#database(call.base, call.conversation);
    // As sent over the wire: later changes to the row must not change what was answered.
    const result = structuredClone(
      runTool(this.#bases[call.base].tools, db, call.name, call.arguments),
    );
    this.#done.set(call.key, { result, asked: 1 });
    this.calls.push({ ...call, result });
    return result;
  }

  /** How often calls were asked for again under the same key. */
  get repeated() {
    return [...this.#done.values()].reduce((sum, { asked }) => sum + asked - 1, 0);
  }
}

/** What differs between two databases, row by row. Rows are JSON. */
export function changesOf(before, after) {
  const changed = {};
  for (const table of Object.keys(after))
    for (const [id, row] of Object.entries(after[table]))
      if (!isDeepStrictEqual(row, before[table][id]))
        (changed[table] ??= {})[id] = row;
  return changed;
}
