#!/usr/bin/env node
// A tool server for HTTP tools.
//   node test/fake/webhook/server.js [--port N] [--secret whsec_...] [--until-eof]
import { readFlags, runAsProgram, stopAtEof } from '../listen.js';
import { FakeWebhook } from './fake.js';

await runAsProgram('webhook', async () => {
  const flags = readFlags(process.argv.slice(2), { port: '0', secret: '', until_eof: false });
  const script = { secrets: flags.secret ? [flags.secret] : [] };
  const fake = await FakeWebhook.start({ port: flags.port, script });
  if (flags.until_eof) stopAtEof(fake);
  return fake;
});
