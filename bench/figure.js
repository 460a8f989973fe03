// One figure of a benchmark, as bench/figure.h tells it: a line on the terminal, and a row in the file
// that RAPPORT_BENCH_ROWS names. limit: none when left out.
import { appendFileSync } from 'node:fs';
import { basename } from 'node:path';

export function figure({ what, value, unit, limit = 0, atLeast = false, beside = '', cpuUs = 0 }) {
  const held = !limit || (atLeast ? value >= limit : value <= limit);
  const judged = limit
    ? ` ${atLeast ? '>=' : '<='} ${limit.toFixed(2).padStart(10)}  x${(value / limit).toFixed(2).padEnd(7)} ${held ? 'ok' : 'MISSED'}`
    : '';
  const from = beside ? `  (${beside})` : '';
  const cpu = cpuUs > 0 ? `  CPU ${cpuUs.toFixed(2)} us each` : '';
  console.log(`${what.padEnd(52)} ${value.toFixed(2).padStart(10)} ${unit.padEnd(8)}${judged}${from}${cpu}`);
  if (process.env.RAPPORT_BENCH_ROWS) {
    const kind = limit ? (atLeast ? 'least' : 'most') : 'none';
    const verdict = limit ? (held ? 'ok' : 'missed') : '';
    const bench = process.env.RAPPORT_BENCH || basename(process.argv[1], '.js').replace('bench_', '');
    const fields = [bench, what, value, unit, kind, limit, beside, cpuUs, verdict];
    appendFileSync(process.env.RAPPORT_BENCH_ROWS, `${fields.join('\t')}\n`);
  }
  return held;
}
