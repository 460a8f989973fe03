#!/usr/bin/env node
// A local model server that speaks both vendors' wire formats.
//   node test/fake/llm/server.js [--port N] [--script NAME|FILE.json|FILE.js] [--until-eof]
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readFlags, runAsProgram, stopAtEof } from '../listen.js';
import { FakeLlm } from './fake.js';
import { BUILTIN } from './script.js';

async function scriptOf(name) {
  if (name in BUILTIN) return { builtin: name };
  if (/\.m?js$/.test(name)) return (await import(pathToFileURL(resolve(name)))).default;
  return JSON.parse(await readFile(name, 'utf8'));
}

await runAsProgram('llm', async () => {
  const flags = readFlags(process.argv.slice(2), { port: '0', script: 'echo', until_eof: false });
  const started = await FakeLlm.start({ port: flags.port, script: await scriptOf(flags.script) });
  if (flags.until_eof) stopAtEof(started);
  return started;
});
