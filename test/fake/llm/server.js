#!/usr/bin/env node
// A local model server that speaks both vendors' wire formats.
//   node test/fake/llm/server.js [--port N] [--script NAME|FILE.json|FILE.js] [--until-eof]
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runAsProgram } from '../listen.js';
import { FakeLlm } from './fake.js';
import { BUILTIN } from './script.js';

async function scriptOf(name) {
  if (name in BUILTIN) return { builtin: name };
  if (/\.m?js$/.test(name)) return (await import(pathToFileURL(resolve(name)))).default;
  return JSON.parse(await readFile(name, 'utf8'));
}

await runAsProgram('llm', { script: 'echo' }, async ({ port, script }) =>
  FakeLlm.start({ port, script: await scriptOf(script) }),
);
