#!/usr/bin/env node
// A tool server for HTTP tools.
//   node test/fake/webhook/server.js [--port N] [--secret whsec_...] [--until-eof]
import { runAsProgram } from '../listen.js';
import { FakeWebhook } from './fake.js';

await runAsProgram('webhook', { secret: '' }, ({ port, secret }) =>
  FakeWebhook.start({ port, script: { secrets: secret ? [secret] : [] } }),
);
