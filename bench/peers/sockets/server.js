#!/usr/bin/env node
// The peer of bench_sockets: the smallest server of ws. Greets each socket once it has said who it is,
// and on POST /burst sends every socket as many frames as asked for. Prints its port like the program.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const server = createServer((request, response) => {
  const asked = new URL(request.url, 'http://peer');
  const frame = 'x'.repeat(Number(asked.searchParams.get('bytes')));
  let left = Number(asked.searchParams.get('frames'));
  response.end('{}');
  const round = () => {
    for (const socket of sockets.clients) socket.send(frame);
    if (--left > 0) setImmediate(round);
  };
  round();
});
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => socket.once('message', () => socket.send('{"type":"ready"}')));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ ready: true, port: server.address().port })));
process.on('SIGTERM', () => process.exit(0));
