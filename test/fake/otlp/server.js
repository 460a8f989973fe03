#!/usr/bin/env node
// An OTLP/HTTP JSON collector.
//   node test/fake/otlp/server.js [--port N] [--until-eof]
import { runAsProgram } from '../listen.js';
import { FakeOtlp } from './fake.js';

await runAsProgram('otlp', {}, ({ port }) => FakeOtlp.start({ port }));
