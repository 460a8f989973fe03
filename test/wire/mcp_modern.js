// A tool server on the official SDK that speaks revision 2026-07-28 (and the older ones), over both
// transports: `node mcp_modern.js FILE [--http]`. It books rooms. What it did, and how its tools are
// described, is in FILE, so that it survives being killed and a test can change its mind.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const [file, ...flags] = process.argv.slice(2);
const lines = () =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];
const note = (line) => appendFileSync(file, `${JSON.stringify(line)}\n`);
const last = (name) => lines().findLast((line) => name in line)?.[name];

const object = (properties, required = Object.keys(properties)) =>
  fromJsonSchema({ type: 'object', properties, required, additionalProperties: false });

function factory() {
  const server = new McpServer({ name: 'rooms', version: '1.0.0' });
  server.registerTool(
    'list_rooms',
    {
      description: last('describe') ?? 'The rooms of a house.',
      inputSchema: object({ house: { type: 'string', 'x-mcp-header': 'House' } }),
      outputSchema: object({ rooms: { type: 'array', items: { type: 'string' } } }),
      annotations: { readOnlyHint: true },
    },
    ({ house }) => {
      note({ did: 'list_rooms', house });
      const rooms = last('break') ? 'none' : [`${house} blue`, `${house} green`];
      return { content: [{ type: 'text', text: 'see structured' }], structuredContent: { rooms } };
    },
  );
  server.registerTool(
    'book_room',
    { description: 'Books a room.', inputSchema: object({ room: { type: 'string' } }) },
    async ({ room }, ctx) => {
      note({ did: 'book_room', room, key: ctx.mcpReq?._meta?.['rapport/idempotencyKey'] });
      if (room === 'crash') process.kill(process.pid, 'SIGKILL');
      if (room === 'slow') await sleep(60_000, undefined, { signal: ctx.mcpReq?.signal });
      if (room === 'taken')
        return { isError: true, content: [{ type: 'text', text: 'That room is taken.' }] };
      return { content: [{ type: 'text', text: `Booked ${room}.` }] };
    },
  );
  server.registerTool(
    'keep_room',
    {
      description: 'Keeps a room; again does no harm.',
      inputSchema: object({ room: { type: 'string' } }),
      annotations: { idempotentHint: true },
    },
    ({ room }) => {
      const again = lines().some((line) => line.did === 'keep_room' && line.room === room);
      note({ did: 'keep_room', room });
      if (room === 'crash' && !again) process.kill(process.pid, 'SIGKILL');
      return { content: [{ type: 'text', text: `Kept ${room}.` }] };
    },
  );
  return server;
}

if (flags.includes('--http')) {
  const handler = createMcpHandler(factory);
  const web = http.createServer(async (req, res) => {
    const { method, headers } = req;
    note({ headers, method });
    if (headers.authorization !== 'Bearer open sesame') return res.writeHead(401).end();
    const body = ['GET', 'HEAD'].includes(method) ? undefined : Readable.toWeb(req);
    const url = `http://${headers.host}${req.url}`;
    const aborting = new AbortController();
    res.on('close', () => aborting.abort());
    const answer = await handler.fetch(
      new Request(url, { method, headers, body, duplex: 'half', signal: aborting.signal }),
    );
    res.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body)
      Readable.fromWeb(answer.body)
        .on('error', () => res.end())
        .pipe(res);
    else res.end();
  });
  web.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: web.address().port })));
} else {
  serveStdio(factory);
}
