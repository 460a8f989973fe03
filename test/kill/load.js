// People and systems that write all the time, and send again under the same id what was not
// acknowledged: four at the chat, in bursts, and two that send signed webhooks.
import { Visitor } from '../wire/api.js';
import { sign } from '../fake/webhook/signature.js';
import { AGENT, HOOK_SECRET } from './world.js';

const WRITERS = 4;
const HOOKS = 2;
const MESSAGES_PER_CONVERSATION = 8;
const BURST_MAX = 3;
const PAUSE_MAX_MS = 250;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class Load {
  #world;
  #random;
  #stopped = true;
  #loops = [];
  #count = 0;
  #starts = 0;
  /** What was asked: ref -> { kind, by, conversation, tries, acked }. */
  asked = new Map();
  /** Answers that neither acknowledge nor ask to come again: there must be none. */
  refused = [];

  constructor(world, random) {
    this.#world = world;
    this.#random = random;
  }

  start() {
    this.#stopped = false;
    this.#starts++;
    for (let i = 0; i < WRITERS; i++) this.#loops.push(this.#chat(i));
    for (let i = 0; i < HOOKS; i++) this.#loops.push(this.#hooks(i));
  }

  /** No new messages; what is under way is sent until it is acknowledged. */
  async stop() {
    this.#stopped = true;
    await Promise.all(this.#loops);
    this.#loops = [];
  }

  #ask(by) {
    const ref = `R${++this.#count}`;
    const kind = this.#count % 3 ? 'charge' : 'ticket';
    const entry = { ref, kind, by, conversation: null, tries: 0, acked: false };
    this.asked.set(ref, entry);
    return { entry, text: `Please ${kind} ${ref}` };
  }

  /** Tries until the answer is 2xx; a broken connection and 5xx mean "again". */
  async #until(entry, attempt) {
    for (;;) {
      const server = await this.#world.any();
      if (entry) entry.tries++;
      const answer = await attempt(server).catch((e) => ({ status: 0, text: String(e) }));
      if (answer.status >= 200 && answer.status < 300) return answer;
      if (answer.status >= 400 && answer.status < 500) {
        this.refused.push(`${entry?.ref}: ${answer.status} ${answer.text}`);
        return answer;
      }
      await pause(20);
    }
  }

  async #open() {
    let visitor;
    await this.#until(null, async (server) => {
      const contact = { name: `Visitor ${this.#count}` };
      visitor = await Visitor.start(server, { agent: AGENT, contact });
      return { status: 200 };
    });
    return visitor;
  }

  async #say(visitor) {
    const { entry, text } = this.#ask('chat');
    const body = { token: visitor.token, client_id: `c-${entry.ref}`, text };
    entry.conversation = visitor.conversation;
    const answer = await this.#until(entry, (server) => {
      visitor.api.base = `${server.url}/api/v1`;
      return visitor.api.call('POST', '/chat/messages', body);
    });
    entry.acked = answer.status < 300;
    entry.seq = answer.body?.message?.seq;
  }

  async #chat() {
    while (!this.#stopped) {
      const visitor = await this.#open();
      let said = 0;
      while (!this.#stopped && said < MESSAGES_PER_CONVERSATION) {
        const burst = 1 + Math.floor(this.#random() * BURST_MAX);
        const sent = [];
        for (let i = 0; i < burst; i++) sent.push(this.#say(visitor));
        await Promise.all(sent);
        said += burst;
        await pause(this.#random() * PAUSE_MAX_MS);
      }
    }
  }

  async #hooks(i) {
    for (let n = 0; !this.#stopped; n++) {
      const { entry, text } = this.#ask('hook');
      const id = `h-${entry.ref}`;
      const thread = `t-${this.#starts}-${i}-${Math.floor(n / MESSAGES_PER_CONVERSATION)}`;
      const body = JSON.stringify({ id, from: `system-${i}`, thread, text });
      const answer = await this.#until(entry, async (server) => {
        const time = Math.floor(Date.now() / 1000);
        const headers = {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(time),
          'webhook-signature': sign(HOOK_SECRET, id, time, body),
        };
        const url = `${server.url}${this.#world.source.path}`;
        const res = await fetch(url, { method: 'POST', headers, body });
        const said = await res.text();
        return { status: res.status, text: said, body: JSON.parse(said) };
      });
      entry.acked = answer.status < 300;
      entry.conversation = answer.body?.conversation_id ?? null; // not told when it is a duplicate
      await pause(this.#random() * PAUSE_MAX_MS);
    }
  }
}
