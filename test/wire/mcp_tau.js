// The tools of recorded conversations as an MCP server on the official SDK, over streamable HTTP:
// the same tools and databases as FakeTau's own HTTP address, in this process.
import http from 'node:http';
import { Readable } from 'node:stream';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';

/** What the SDK tells of a request that the program sent. */
const metaOf = (ctx, name) => ctx.mcpReq?._meta?.[`rapport/${name}`];

/** Every value as text; objects also as they are. */
function contentOf(result) {
  const isObject = result !== null && typeof result === 'object' && !Array.isArray(result);
  const text = typeof result === 'string' ? result : JSON.stringify(result);
  return { content: [{ type: 'text', text }], ...(isObject && { structuredContent: result }) };
}

function serverOf(fake, base, tools, changes) {
  const server = new McpServer({ name: base, version: '1.0.0' });
  for (const { name, description, parameters } of tools)
    server.registerTool(
      name,
      {
        description,
        inputSchema: fromJsonSchema(parameters),
        annotations: changes.has(name) ? { idempotentHint: true } : { readOnlyHint: true },
      },
      async (args, ctx) => {
        const conversation = metaOf(ctx, 'conversationId');
        const key = metaOf(ctx, 'idempotencyKey');
        return contentOf(await fake.run({ base, name, conversation, key, arguments: args }));
      },
    );
  return server;
}

/** Starts it for one base of a FakeTau: `{ url, close }`. */
export async function startMcpTau(fake, base, { tools, changes }) {
  const handler = createMcpHandler(() => serverOf(fake, base, tools, changes));
  const web = http.createServer(async (req, res) => {
    const { method, headers } = req;
    const body = ['GET', 'HEAD'].includes(method) ? undefined : Readable.toWeb(req);
    const url = `http://${headers.host}${req.url}`;
    const answer = await handler.fetch(new Request(url, { method, headers, body, duplex: 'half' }));
    res.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (!answer.body) return res.end();
    Readable.fromWeb(answer.body)
      .on('error', () => res.destroy())
      .pipe(res);
  });
  await new Promise((done) => web.listen(0, '127.0.0.1', done));
  const close = () =>
    new Promise((done) => {
      web.close(done);
      web.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${web.address().port}/mcp`, close };
}
