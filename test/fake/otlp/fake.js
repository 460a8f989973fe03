// An OTLP/HTTP collector for JSON traces: refuses what is out of shape, keeps every span it took.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Journal, queryJournal } from '../journal.js';
import { Fake, parseJson, readBody, replyJson } from '../listen.js';
import { checkTraces } from './shape.js';

const BODY_MAX_BYTES = 64 * 1024 * 1024;
const unzip = promisify(gunzip);

export class FakeOtlp extends Fake {
  #journal = new Journal();
  #spans = [];
  #faults = [];

  static async start({ port = 0 } = {}) {
    const fake = new FakeOtlp();
    return fake.serve((req, res, url) => fake.#handle(req, res, url), port);
  }

  reset() {
    this.#journal.reset();
    this.#spans = [];
    this.#faults = [];
  }

  /** `{ faults: [{ status, times, headers, partial }] }`, used up in order. */
  load({ faults = [] } = {}) {
    this.#faults = faults.flatMap(({ times = 1, ...fault }) => Array(times).fill(fault));
  }

  get spans() {
    return this.#spans;
  }

  requests(keep) {
    return this.#journal.list(keep);
  }

  /** Waits until `count` exports that `keep` accepts have arrived. */
  atLeast(count, keep) {
    return this.#journal.wait(count, keep);
  }

  async #handle(req, res, url) {
    if (url.pathname.startsWith('/control/')) return this.#control(req, res, url);
    const bytes = await readBody(req, BODY_MAX_BYTES);
    const entry = this.#journal.add({
      method: req.method,
      path: req.url,
      headers: req.headers,
      outcome: 'open',
      problems: [],
      spans: 0,
    });
    const end = (status, body, headers) => {
      replyJson(res, status, body, headers);
      entry.outcome = String(status);
      this.#journal.changed();
    };
    const refuse = (status, problem) => {
      entry.problems.push(problem);
      end(status, { code: 3, message: problem });
    };
    if (!/\/v1\/(traces|metrics|logs)$/.test(url.pathname)) return refuse(404, 'no such signal');
    if (req.method !== 'POST') return refuse(405, 'POST only');
    if (!bytes) return refuse(413, 'larger than 64 MiB');
    if (!/^application\/json\b/.test(req.headers['content-type'] ?? ''))
      return refuse(415, 'this collector reads application/json');
    const fault = this.#faults.shift();
    if (fault?.status) return end(fault.status, { code: 14, message: 'asked for' }, fault.headers);
    const zipped = req.headers['content-encoding'] === 'gzip';
    const parsed = parseJson(zipped ? await unzip(bytes) : bytes);
    if (parsed.error) return refuse(400, parsed.error);
    return this.#take(url, parsed.value, { entry, end, fault });
  }

  #take(url, body, { entry, end, fault }) {
    const isTraces = url.pathname.endsWith('/v1/traces');
    const { spans, problems } = isTraces ? checkTraces(body) : { spans: [], problems: [] };
    entry.problems = problems;
    if (problems.length) return end(400, { code: 3, message: problems.join('; ') });
    entry.spans = spans.length;
    this.#spans.push(...spans);
    if (!fault?.partial) return end(200, {});
    return end(200, { partialSuccess: { rejectedSpans: '1', errorMessage: 'asked for' } });
  }

  async #control(req, res, url) {
    const routes = {
      'POST /control/script': async () => {
        this.load(parseJson((await readBody(req)) ?? Buffer.alloc(0)).value);
        return { ok: true };
      },
      'GET /control/requests': async () => ({
        items: await queryJournal(this.#journal, url.searchParams),
      }),
      'GET /control/spans': () => ({ items: this.#spans }),
      'POST /control/reset': () => (this.reset(), { ok: true }),
    };
    const route = routes[`${req.method} ${url.pathname}`];
    if (!route) return replyJson(res, 404, { error: 'no such control route' });
    replyJson(res, 200, await route());
  }
}
