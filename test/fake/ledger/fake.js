// A server of somebody else's that takes orders and keeps them: what a tool with side effects calls.
// It does a thing once per idempotency key, and makes it hard to know that it did: it is slow now and
// then, answers 500 before or after it has acted, and cuts the connection after it has.
import { createHash } from 'node:crypto';
import { Fake, parseJson, readBody, replyJson } from '../listen.js';
import { signatureProblem } from '../webhook/signature.js';

const FAULTS_PER_KEY = 2; // so that a call with three tries comes through
const FAULTS = [
  [0.06, 'error_before'],
  [0.12, 'error_after'],
  [0.2, 'cut_after'],
];
const SLOW = [
  [0.6, 15],
  [0.92, 250],
  [1, 800],
];

export class FakeLedger extends Fake {
  #seed;
  #secrets;
  #orders = new Map(); // idempotency key -> { ref, body, asked, result }
  #wrong = [];

  static async start({ port = 0, seed = 1, secrets = [] } = {}) {
    const fake = new FakeLedger();
    fake.#seed = seed;
    fake.#secrets = secrets;
    return fake.serve((req, res, url) => fake.#handle(req, res, url), port);
  }

  /** What was done: `{ orders: [{ key, ref, asked }], wrong: [what no caller should do] }`. */
  get state() {
    const orders = [...this.#orders].map(([key, { ref, asked }]) => ({ key, ref, asked }));
    return { orders, wrong: this.#wrong };
  }

  /** A number in [0, 1) that depends on the seed, the key and how often it was asked for alone. */
  #chance(key, asked, what) {
    const hash = createHash('sha256').update(`${this.#seed} ${key} ${asked} ${what}`).digest();
    return hash.readUInt32BE(0) / 2 ** 32;
  }

  async #handle(req, res, url) {
    if (url.pathname === '/control/state') return replyJson(res, 200, this.state);
    const body = await readBody(req);
    const key = req.headers['idempotency-key'];
    const nowS = Math.floor(Date.now() / 1000);
    const problem = signatureProblem({ headers: req.headers, body, secrets: this.#secrets, nowS });
    const ref = parseJson(body).value?.ref;
    if (problem || !key || !ref) {
      this.#wrong.push(problem ?? `no key or ref: ${body}`);
      return replyJson(res, 400, { error: problem ?? 'an order has an Idempotency-Key and a ref' });
    }
    return this.#order(res, key, ref, String(body));
  }

  async #order(res, key, ref, body) {
    const asked = (this.#orders.get(key)?.asked ?? 0) + (this.#before.get(key) ?? 0) + 1;
    const chance = this.#chance(key, asked, 'fault');
    const fault = asked <= FAULTS_PER_KEY && FAULTS.find(([up]) => chance < up)?.[1];
    const slow = this.#chance(key, asked, 'slow');
    if (fault === 'error_before') {
      this.#before.set(key, (this.#before.get(key) ?? 0) + 1);
      return replyJson(res, 500, { error: 'try again' });
    }
    const order = this.#act(key, ref, body);
    await new Promise((done) => setTimeout(done, SLOW.find(([up]) => slow < up)[1]));
    if (fault === 'cut_after') return res.socket?.resetAndDestroy();
    if (fault === 'error_after') return replyJson(res, 500, { error: 'try again' });
    return replyJson(res, 200, order.result);
  }

  #before = new Map(); // key -> how often it was refused before anything was done

  #act(key, ref, body) {
    let order = this.#orders.get(key);
    if (!order) {
      order = { ref, body, asked: 0, result: { ok: true, ref, number: this.#orders.size + 1 } };
      this.#orders.set(key, order);
    }
    order.asked++;
    if (order.body !== body) this.#wrong.push(`${key}: ${order.body}, then ${body}`);
    return order;
  }
}
