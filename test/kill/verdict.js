// What must be true once everything is quiet: each acknowledged message stored once and answered
// once, each thing done once, no run or job left, the event log without gap or double.
const POLL_MS = 150;
const EVIDENCE_MAX = 3;
const QUIET_MS = 240_000;
const REF = /\bR\d+\b/g;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const refsOf = (text) => text.match(REF) ?? [];

export class Verdict {
  #world;
  #load;
  #settled = new Set(); // conversations that were looked at to the end
  faults = [];
  evidence = [];
  counts = { messages: 0, webhooks: 0, resent: 0, answers: 0, conversations: 0, events: 0 };

  constructor(world, load) {
    this.#world = world;
    this.#load = load;
  }

  #fault(text) {
    this.faults.push(text);
  }

  /** Waits until nothing is to be done any more, then looks at all that is new. */
  async look() {
    const since = Date.now();
    await this.#quiet();
    const quietMs = Date.now() - since;
    const ids = await this.#conversations();
    for (const id of ids) await this.#conversation(id);
    await this.#effects();
    await this.#events();
    this.#refusals();
    return quietMs;
  }

  /** Until no turn is to be run and no event waits, or time is up; the checks say what is missing. */
  async #quiet() {
    const until = Date.now() + QUIET_MS;
    let calm = 0;
    while (calm < 2) {
      if (Date.now() > until) return this.#fault('work was left after four minutes');
      await pause(POLL_MS);
      const admin = await this.#world.admin();
      const left = [];
      for (const status of ['pending', 'running']) {
        const { items } = await admin.get(`/jobs?status=${status}&limit=200`);
        left.push(...items.filter((job) => job.kind === 'agent_turn'));
      }
      calm = left.length ? 0 : calm + 1;
    }
  }

  /** Conversations with something new, by their ids. */
  async #conversations() {
    const admin = await this.#world.admin();
    const all = await admin.all('/conversations?limit=200');
    return all.map((row) => row.id).filter((id) => !this.#settled.has(id));
  }

  async #conversation(id) {
    const admin = await this.#world.admin();
    const { items } = await admin.get(`/conversations/${id}/messages?limit=200`);
    const stored = items.filter((m) => m.role === 'contact');
    const refs = stored.flatMap((m) => refsOf(m.text));
    if (!refs.some((ref) => this.#load.asked.has(ref))) return;
    const before = this.faults.length;
    const answers = items.filter((m) => m.role === 'ai').map((m) => refsOf(m.text));
    for (const ref of refs) this.#message(ref, id, refs, answers);
    const seqs = items.map((m) => m.seq);
    if (seqs.some((seq, i) => i && seq !== seqs[i - 1] + 1))
      this.#fault(`${id}: the messages are numbered ${seqs}`);
    const runs = await admin.all(`/conversations/${id}/runs?limit=200`);
    for (const run of runs)
      if (!['done', 'cancelled'].includes(run.status))
        this.#fault(`${id}: run ${run.id} is ${run.status} ${run.error ?? ''}`);
    if (this.faults.length > before) await this.#keep(admin, id);
    this.#settled.add(id);
    this.counts.conversations++;
  }

  /** How a conversation reads, step by step; of the first that are not as they should be. */
  async #keep(admin, id) {
    if (this.evidence.length === EVIDENCE_MAX) return;
    const { items } = await admin.get(`/conversations/${id}/messages?limit=200`);
    const lines = items.map((m) => `${m.seq} ${m.role} ${m.created_at} ${m.text.slice(0, 200)}`);
    const runs = await admin.all(`/conversations/${id}/runs?limit=200`);
    for (const { id: run } of runs.reverse()) {
      const { status, started_at: at, steps } = await admin.get(`/runs/${run}`);
      lines.push(`run ${run} ${status} ${at}`);
      for (const step of steps) {
        const calls = step.tool_calls.map(
          (call) => `${JSON.stringify(call.arguments)} ${call.status} ${call.error ?? ''} ${call.attempt}`,
        );
        lines.push(`  ${step.node} ${step.status} ${step.started_at} ${step.duration_ms} ms ${calls}`);
        if (step.delta?.error || step.error) lines.push(`    ${JSON.stringify(step.error ?? step.delta)}`);
      }
    }
    this.evidence.push({ conversation: id, lines });
  }

  #message(ref, id, refs, answers) {
    const entry = this.#load.asked.get(ref);
    if (!entry) return this.#fault(`${ref} in ${id} was never sent`);
    if (entry.conversation && entry.conversation !== id)
      this.#fault(`${ref} was sent to ${entry.conversation} and is in ${id}`);
    const times = (list, one) => list.filter((other) => other === one).length;
    const stored = times(refs, ref);
    const answered = answers.filter((list) => list.includes(ref)).length;
    if (stored !== 1) this.#fault(`${ref} in ${id} is stored ${stored} times`);
    if (answered !== 1) this.#fault(`${ref} in ${id} is answered ${answered} times`);
    if (entry.seen) this.#fault(`${ref} is in ${entry.seen} and in ${id}`);
    entry.seen = id;
    this.counts.answers += answered;
  }

  async #effects() {
    const { orders, wrong } = await this.#world.ledger.state();
    const tickets = await (await this.#world.admin()).all('/tickets?limit=200');
    const done = new Map();
    const add = (ref) => done.set(ref, (done.get(ref) ?? 0) + 1);
    for (const order of orders) add(order.ref);
    for (const ticket of tickets) new Set(refsOf(JSON.stringify(ticket))).forEach(add);
    for (const text of wrong.splice(0)) this.#fault(`the outside server: ${text}`);
    Object.assign(this.counts, { messages: 0, webhooks: 0, resent: 0 });
    for (const entry of this.#load.asked.values()) {
      if (entry.acked && !entry.seen) this.#fault(`${entry.ref} was acknowledged and is gone`);
      if (entry.acked && done.get(entry.ref) !== 1) {
        const keys = orders.filter((order) => order.ref === entry.ref).map((order) => order.key);
        this.#fault(`${entry.kind} ${entry.ref} was done ${done.get(entry.ref) ?? 0} times ${keys}`);
        if (entry.seen && keys.length) await this.#keep(await this.#world.admin(), entry.seen);
      }
      this.counts[entry.by === 'hook' ? 'webhooks' : 'messages'] += entry.acked;
      this.counts.resent += entry.tries > 1;
    }
    this.counts.orders = orders.length;
    this.counts.orders_asked = orders.reduce((sum, order) => sum + order.asked, 0);
    this.counts.tickets = tickets.length;
  }

  /** The whole log since the last look: numbers without gap, no id twice, nothing given up. */
  async #events() {
    const admin = await this.#world.admin();
    const ids = new Set();
    for (;;) {
      const { items } = await admin.get(`/events?limit=200&after_seq=${this.#world.cursor}`);
      if (!items.length) break;
      for (const event of items) {
        if (event.seq !== this.#world.cursor + 1)
          this.#fault(`after event ${this.#world.cursor} comes ${event.seq}`);
        if (ids.has(event.event_id)) this.#fault(`event ${event.event_id} is there twice`);
        ids.add(event.event_id);
        this.#inOrder(event);
        this.#world.cursor = event.seq;
        this.counts.events++;
      }
    }
    for (const letter of (await admin.get('/dead-letters')).items)
      this.#fault(`a dead letter: ${letter.consumer} ${letter.error}`);
    for (const job of (await admin.get('/jobs?status=dead')).items)
      this.#fault(`a dead job: ${job.kind} ${job.error}`);
  }

  #lastSeq = new Map();

  /** Of one conversation, the events of its messages come as the messages do. */
  #inOrder({ type, key, payload }) {
    if (type !== 'message_received' && type !== 'message_sent') return;
    const seq = payload.seq ?? payload.message?.seq;
    if (seq === undefined) return;
    const last = this.#lastSeq.get(key) ?? 0;
    if (seq <= last) this.#fault(`${key}: the event of message ${seq} comes after that of ${last}`);
    this.#lastSeq.set(key, seq);
  }

  #refusals() {
    for (const text of this.#load.refused.splice(0)) this.#fault(`refused: ${text}`);
  }
}
