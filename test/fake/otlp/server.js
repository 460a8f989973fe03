#!/usr/bin/env node
// An OTLP/HTTP JSON collector.
//   node test/fake/otlp/server.js [--port N] [--until-eof]
import { readFlags, runAsProgram, stopAtEof } from '../listen.js';
import { FakeOtlp } from './fake.js';

await runAsProgram('otlp', async () => {
  const flags = readFlags(process.argv.slice(2), { port: '0', until_eof: false });
  const fake = await FakeOtlp.start(flags);
  if (flags.until_eof) stopAtEof(fake);
  return fake;
});
