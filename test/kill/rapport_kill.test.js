// A sample of kills.js: see there. RAPPORT_KILLS is how often the program is killed on each database,
// RAPPORT_SEED repeats a run; what it came to is appended to the file RAPPORT_KILL_REPORT.
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { test } from 'node:test';
import { skip, STORES } from '../wire/rapport.js';
import { killing } from './kills.js';

const KILLS = Number(process.env.RAPPORT_KILLS || 3);
const SEED = Number(process.env.RAPPORT_SEED || Date.now() % 1e6);

for (const store of STORES)
  test(`${KILLS} times kill -9 under load on ${store}`, { skip }, async () => {
    const tell = (text) => console.log(`# ${store}: ${text}`);
    const { evidence, ...report } = await killing({ store, kills: KILLS, seed: SEED, tell });
    if (process.env.RAPPORT_KILL_REPORT)
      await appendFile(process.env.RAPPORT_KILL_REPORT, `${JSON.stringify(report)}\n`);
    assert.deepEqual(report.faults, [], JSON.stringify({ ...report, evidence }, null, 1));
    assert.equal(report.kills, KILLS);
    assert.ok(report.messages > 0 && report.orders > 0 && report.webhooks > 0, 'nothing was asked');
  });
