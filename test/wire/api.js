// The HTTP API as a client sees it: members, visitors, and streams of frames to wait for.
import assert from 'node:assert/strict';
import http from 'node:http';
import WebSocket from 'ws';

const WAIT_MS = 45_000;

/** One request; the body is parsed when it is JSON. */
export async function send(url, { method = 'GET', token, body, headers = {}, raw } = {}) {
  const sent = { accept: 'application/json', ...headers };
  if (token) sent.authorization = `Bearer ${token}`;
  if (body !== undefined) sent['content-type'] ??= 'application/json';
  const res = await fetch(url, {
    method,
    headers: sent,
    redirect: 'manual',
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  const text = await res.text();
  const isJson = /\bjson\b/.test(res.headers.get('content-type') ?? '');
  return { status: res.status, headers: res.headers, text, body: isJson ? JSON.parse(text) : null };
}

/** A member, or nobody: calls that are expected to succeed, and `call` for those that are not. */
export class Api {
  constructor(server, token = null) {
    this.base = `${server.url}/api/v1`;
    this.server = server;
    this.token = token;
  }

  static async login(server, who) {
    const api = new Api(server);
    const { access_token: token, ...rest } = await api.post('/auth/login', {
      ...who,
      session: 'token',
    });
    return Object.assign(new Api(server, token), rest);
  }

  call(method, path, body, more = {}) {
    return send(this.base + path, { method, body, token: this.token, ...more });
  }

  async #good(method, path, body, more) {
    const answer = await this.call(method, path, body, more);
    const said = `${method} ${path}: ${answer.status} ${answer.text}`;
    assert.ok(answer.status >= 200 && answer.status < 300, said);
    return answer.body;
  }

  get(path) {
    return this.#good('GET', path);
  }

  post(path, body = {}, more = {}) {
    return this.#good('POST', path, body, more);
  }

  put(path, body, more = {}) {
    return this.#good('PUT', path, body, more);
  }

  del(path) {
    return this.#good('DELETE', path);
  }

  /** All pages of a list. */
  async all(path) {
    const items = [];
    let cursor = null;
    do {
      const join = path.includes('?') ? '&' : '?';
      const page = await this.get(
        path + (cursor ? `${join}cursor=${encodeURIComponent(cursor)}` : ''),
      );
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return items;
  }
}

/** Asserts an RFC 9457 problem document and returns it. */
export function problem(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
  const { type, title, status: said, detail, request_id: id } = answer.body;
  for (const [name, value] of Object.entries({ type, title, detail, id }))
    assert.equal(typeof value, 'string', `${name} of ${answer.text}`);
  assert.equal(said, status);
  if (code) assert.equal(answer.body.code, code, answer.text);
  return answer.body;
}

/** Frames as they come, with a way to wait for the one that matters. */
export class Frames {
  all = [];
  #waiters = new Set();
  #ended = null;

  push(frame) {
    this.all.push(frame);
    for (const look of [...this.#waiters]) look();
  }

  end(why) {
    this.#ended = why;
    for (const look of [...this.#waiters]) look();
  }

  /** The first frame at or after index `from` that `wanted` accepts. */
  next(wanted, { from = 0, what = String(wanted), waitMs = WAIT_MS } = {}) {
    return new Promise((done, fail) => {
      const stop = (act, value) => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        act(value);
      };
      const give = (why) =>
        stop(fail, new Error(`${why} while waiting for ${what}; had ${JSON.stringify(this.all)}`));
      const look = () => {
        const found = this.all.slice(from).find(wanted);
        if (found) stop(done, found);
        else if (this.#ended) give(this.#ended);
      };
      const timer = setTimeout(() => give('time was up'), waitMs);
      this.#waiters.add(look);
      look();
    });
  }
}

/** A WebSocket whose frames are JSON. */
export class Socket extends Frames {
  static async open(url, options = {}) {
    const socket = new Socket();
    socket.ws = new WebSocket(url, options);
    socket.closed = new Promise((done) =>
      socket.ws.once('close', (code, reason) => {
        done({ code, reason: String(reason) });
        socket.end(`closed with ${code} ${reason}`);
      }),
    );
    socket.ws.on('message', (data) => socket.push(JSON.parse(data)));
    await new Promise((done, fail) => {
      socket.ws.once('open', done);
      socket.ws.once('error', fail);
    });
    socket.ws.on('error', (e) => socket.end(e.message));
    return socket;
  }

  /** How the peer closed it: `{ code, reason }`. */
  ended() {
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error('the socket stays open')), WAIT_MS);
      this.closed.then((how) => (clearTimeout(timer), done(how)));
    });
  }

  send(frame) {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  close() {
    this.ws.close();
    return this.closed;
  }
}

/** A stream of server-sent events whose data is JSON. */
export class EventStream extends Frames {
  static async open(url, { token, headers = {} } = {}) {
    const stream = new EventStream();
    const auth = token ? { authorization: `Bearer ${token}` } : {};
    const sent = { accept: 'text/event-stream', ...auth, ...headers };
    stream.req = http.get(url, { headers: sent });
    const res = await new Promise((done, fail) => {
      stream.req.once('response', done);
      stream.req.once('error', fail);
    });
    stream.req.on('error', () => stream.end('cut'));
    stream.type = res.headers['content-type'];
    assert.equal(res.statusCode, 200, `${url}: ${res.statusCode}`);
    stream.#read(res);
    return stream;
  }

  #read(res) {
    let rest = '';
    res.setEncoding('utf8');
    res.on('data', (piece) => {
      const blocks = (rest + piece).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      blocks.forEach((block) => this.#take(block));
    });
    res.on('error', () => this.end('cut'));
    res.once('close', () => this.end('ended'));
  }

  #take(block) {
    const fields = { event: 'message', data: [] };
    for (const line of block.split(/\r?\n/)) {
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (name === 'data') fields.data.push(value);
      else if (name) fields[name] = value;
    }
    if (!fields.data.length) return;
    this.push({ sse: fields, ...JSON.parse(fields.data.join('\n')) });
  }

  close() {
    this.req.destroy();
  }
}

/** A visitor of the chat page. */
export class Visitor {
  static async start(server, { agent, contact, ...more }) {
    const visitor = new Visitor();
    visitor.api = new Api(server);
    visitor.server = server;
    visitor.session = await visitor.api.post('/chat/sessions', { agent, contact, ...more });
    visitor.token = visitor.session.token;
    visitor.count = 0;
    return visitor;
  }

  get query() {
    return `token=${encodeURIComponent(this.token)}`;
  }

  get conversation() {
    return this.session.conversation_id;
  }

  nextId() {
    return `m-${process.pid}-${++this.count}`;
  }

  socket(after = 0) {
    return Socket.open(`${this.server.ws}/api/v1/chat/ws?${this.query}&after=${after}`);
  }

  events(after = 0, headers = {}) {
    return EventStream.open(`${this.api.base}/chat/events?${this.query}&after=${after}`, {
      headers,
    });
  }

  post(text, clientId = this.nextId()) {
    const body = { token: this.token, client_id: clientId, text };
    return this.api.call('POST', '/chat/messages', body);
  }

  /** Messages after a seq; waits for one for up to `wait` ms. */
  poll(after = 0, wait = 0) {
    return this.api.get(`/chat/messages?${this.query}&after=${after}&wait_ms=${wait}`);
  }

  /** Says something and returns the agent's next answer. */
  async ask(text, waitMs) {
    const sent = await this.post(text);
    assert.equal(sent.status, 201, sent.text);
    return this.answer(sent.body.message.seq, waitMs);
  }

  /** The agent's next answer after a seq. */
  answer(after, waitMs) {
    return this.reply(after, { roles: ['ai'], waitMs });
  }

  /** What the visitor is told next after a seq, be it by the agent or about the conversation. */
  async reply(after, { roles = ['ai', 'system', 'member'], waitMs, again = 3 } = {}) {
    const socket = await this.socket(after);
    const isReply = (f) => f.type === 'message' && roles.includes(f.message.role);
    try {
      const found = await socket.next(isReply, { what: `${roles} after ${after}`, waitMs });
      await socket.close();
      return found.message;
    } catch (e) {
      // A stream that outran us was cut: as the widget does, come back with the cursor.
      if (!/closed with 1006/.test(e.message) || again === 0) throw e;
      return this.reply(after, { roles, waitMs, again: again - 1 });
    }
  }

  async messages() {
    return (await this.poll()).items;
  }
}
