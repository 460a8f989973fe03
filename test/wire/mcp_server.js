// A tool server without a library, of revision 2025-06-18 over HTTP, that misbehaves as told. The
// official SDKs do not cut streams, forget sessions or ask for what they were not offered.
import http from 'node:http';

const TOOLS = [
  {
    name: 'count',
    description: 'Counts.',
    inputSchema: { type: 'object', properties: { to: { type: 'integer' } } },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'pay',
    description: 'Pays.',
    inputSchema: { type: 'object', properties: {} },
    outputSchema: { type: 'object', required: ['paid'], properties: { paid: { type: 'boolean' } } },
  },
];

export class McpServer {
  static async start() {
    const server = new McpServer();
    server.web = http.createServer((req, res) => server.#take(req, res));
    await new Promise((done) => server.web.listen(0, '127.0.0.1', done));
    server.url = `http://127.0.0.1:${server.web.address().port}/mcp`;
    server.reset();
    return server;
  }

  reset() {
    this.seen = []; // {method, headers, message}
    this.sessions = new Set();
    this.tools = structuredClone(TOOLS);
    this.revision = '2025-06-18';
    this.how = {}; // what goes wrong
  }

  stop() {
    this.web.closeAllConnections();
    return new Promise((done) => this.web.close(done));
  }

  /** What was received of a kind: requests and notifications by method, answers under 'answer'. */
  got(method) {
    return this.seen.filter(({ message }) => (message?.method ?? 'answer') === method);
  }

  async #take(req, res) {
    let text = '';
    for await (const piece of req) text += piece;
    const message = text ? JSON.parse(text) : null;
    this.seen.push({ method: req.method, headers: req.headers, message });
    if (this.how.status) return res.writeHead(this.how.status).end();
    if (req.method === 'GET') return this.#resume(req, res);
    if (req.method === 'DELETE') return res.writeHead(200).end();
    if (!('id' in message)) return res.writeHead(202).end();
    if (!message.method) {
      this.how.onAnswer?.(message);
      return res.writeHead(202).end();
    }
    if (message.method === 'initialize') return this.#initialize(message, res);
    const session = req.headers['mcp-session-id'];
    if (!session)
      return this.#json(
        res,
        { id: message.id, error: { code: -32000, message: 'No session' } },
        400,
      );
    if (!this.sessions.has(session)) return res.writeHead(404).end();
    if (message.method === 'tools/list') return this.#list(message, res);
    if (message.method === 'tools/call') return this.#call(message, res);
    return this.#json(res, { id: message.id, error: { code: -32601, message: 'What?' } });
  }

  #json(res, message, status = 200, headers = {}) {
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  #initialize(message, res) {
    const session = `session-${this.sessions.size + 1}-${Date.now()}`;
    this.sessions.add(session);
    const result = {
      protocolVersion: this.revision,
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'odd', version: '1' },
    };
    this.#json(res, { id: message.id, result }, 200, { 'mcp-session-id': session });
  }

  /** One tool a page, or as many as told. */
  async #list(message, res) {
    this.how.onList?.();
    await this.how.held;
    const at = Number(message.params?.cursor ?? 0);
    const a = this.how.page ?? 1;
    const nextCursor = at + a < this.tools.length ? String(at + a) : undefined;
    const tools = this.tools.slice(at, at + a);
    this.#json(res, { id: message.id, result: { tools, nextCursor } });
  }

  #event(res, message, id) {
    const data = JSON.stringify({ jsonrpc: '2.0', ...message });
    res.write(`${id ? `id: ${id}\n` : ''}event: message\ndata: ${data}\n\n`);
  }

  #answer(message) {
    const { name, arguments: args } = message.params;
    const text = this.how.text ?? `${name} ${JSON.stringify(args)}`;
    const result = { content: [{ type: 'text', text }] };
    if (name === 'pay') result.structuredContent = { paid: this.how.paid ?? true };
    if (name === 'pay' && this.how.note) result.structuredContent.notes = [{ of: this.how.note }];
    if (this.how.error) return { id: message.id, error: { code: -32000, message: this.how.error } };
    return { id: message.id, result };
  }

  async #call(message, res) {
    const how = this.how;
    if (how.cut) return res.destroy();
    if (how.type) return res.writeHead(200, { 'content-type': how.type }).end('<p>hello');
    if (!how.stream) return this.#json(res, this.#answer(message));
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const said of how.stream) {
      const wait = new Promise((done) => (how.onAnswer = done));
      this.#event(res, said);
      if ('id' in said) await wait;
    }
    const { progressToken } = message.params._meta;
    if (how.progress)
      this.#event(res, {
        method: 'notifications/progress',
        params: { progressToken, progress: 1, message: how.progress },
      });
    if (how.never) return;
    if (how.break) {
      this.kept = this.#answer(message);
      res.write('retry: 20\nid: kept-1\ndata:\n\n');
      return res.end();
    }
    this.#event(res, this.#answer(message), 'last');
    if (!how.open) res.end();
  }

  #resume(req, res) {
    if (req.headers['last-event-id'] !== 'kept-1' || !this.kept) return res.writeHead(405).end();
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    this.#event(res, this.kept, 'kept-2');
    res.end();
  }
}
