// Prints what a visitor downloads and fails the build when a promise about size is broken.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
const gzipBytes = (path) => gzipSync(readFileSync(path)).length;
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

const limits = [
  { file: /^widget\.js$/, bytes: 60_000, why: 'the widget is loaded by other sites' },
  { file: /^assets\/editor-.*\.js$/, bytes: 220_000, why: 'loaded only with an agent editor' },
];
const files = [
  'widget.js',
  ...readdirSync(join(dist, 'assets')).map((name) => `assets/${name}`),
].filter((name) => /\.(js|css)$/.test(name));

let broken = 0;
for (const name of files.sort()) {
  const bytes = gzipBytes(join(dist, name));
  const limit = limits.find((row) => row.file.test(name));
  const over = limit && bytes > limit.bytes;
  if (over) broken += 1;
  console.log(
    `${kb(bytes).padStart(10)} gzip  ${name}${over ? `  OVER ${kb(limit.bytes)}: ${limit.why}` : ''}`,
  );
}
process.exit(broken ? 1 : 0);
