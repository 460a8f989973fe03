#!/usr/bin/env node
// The peer of bench_http: fastify answers with a small object, as its own documentation begins. Prints
// its port like the program.
import fastify from 'fastify';

const app = fastify({ logger: false });
const schema = {
  response: { 200: { type: 'object', properties: { status: { type: 'string' }, version: { type: 'string' } } } },
};
app.get('/', { schema }, async () => ({ status: 'ok', version: '0.1.0' }));
await app.listen({ port: 0, host: '127.0.0.1' });
console.log(JSON.stringify({ ready: true, port: app.server.address().port }));
process.on('SIGTERM', () => process.exit(0));
