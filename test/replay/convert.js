#!/usr/bin/env node
// Writes recordings that `rapport replay` reads, from the material of tau.js.
//   node test/replay/convert.js trajectories|airline|retail FILE.jsonl
// `trajectories` are conversations as they were held; a domain's name gives its ground-truth actions.
import { writeFile } from 'node:fs/promises';
import { missing, oracle, trajectories } from './tau.js';

export const recordingsOf = (what) => (what === 'trajectories' ? trajectories() : oracle(what));

/** What a replay needs of it; rewards and end states are the test's to check. */
export const linesOf = (recordings) =>
  recordings.map(({ name, contact, turns }) => JSON.stringify({ name, contact, turns })).join('\n');

if (process.argv[1]?.endsWith('convert.js')) {
  const [what, file] = process.argv.slice(2);
  if (!['trajectories', 'airline', 'retail'].includes(what) || !file || missing) {
    process.stderr.write(missing || 'usage: convert.js trajectories|airline|retail FILE.jsonl');
    process.stderr.write('\n');
    process.exit(2);
  }
  const all = await recordingsOf(what);
  await writeFile(file, `${linesOf(all)}\n`);
  process.stdout.write(`${all.length} recordings in ${file}\n`);
}
