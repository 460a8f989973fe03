#!/usr/bin/env node
// A server that takes orders once per idempotency key, and is not easy to deal with.
//   node test/fake/ledger/server.js [--port N] [--seed N] [--secret whsec_...] [--until-eof]
import { readFlags, runAsProgram, stopAtEof } from '../listen.js';
import { FakeLedger } from './fake.js';

await runAsProgram('ledger', async () => {
  const known = { port: '0', seed: '1', secret: '', until_eof: false };
  const flags = readFlags(process.argv.slice(2), known);
  const secrets = flags.secret ? [flags.secret] : [];
  const fake = await FakeLedger.start({ port: flags.port, seed: Number(flags.seed), secrets });
  if (flags.until_eof) stopAtEof(fake);
  return fake;
});
