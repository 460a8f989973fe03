#!/usr/bin/env node
// A server that takes orders once per idempotency key, and is not easy to deal with.
//   node test/fake/ledger/server.js [--port N] [--seed N] [--secret whsec_...] [--until-eof]
import { runAsProgram } from '../listen.js';
import { FakeLedger } from './fake.js';

await runAsProgram('ledger', { seed: '1', secret: '' }, ({ port, seed, secret }) =>
  FakeLedger.start({ port, seed: Number(seed), secrets: secret ? [secret] : [] }),
);
