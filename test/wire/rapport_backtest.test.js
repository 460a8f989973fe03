// `rapport health backtest` on small files made here, and on the public churn set when it is there.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Api } from './api.js';
import { ADMIN, ROOT, runRapport, skip, startRapport } from './rapport.js';

const TELCO = join(process.env.RAPPORT_DATA ?? '../shared/data', 'churn/telco/train.csv');
const MAP =
  '{trend: .trend, open_tickets: (.tickets | tonumber), renewal_days: (.days | tonumber)}';

describe('health backtest', { skip }, () => {
  let folder;
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'rapport-backtest-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function backtest(lines, more = []) {
    const path = join(folder, 'accounts.csv');
    await writeFile(path, lines.join('\n'));
    return runRapport(['health', 'backtest', path, '--outcome', 'left=yes', '--map', MAP, ...more]);
  }

  const HEAD = 'id,trend,tickets,days,size,left';
  // Those whose usage falls leave; size says nothing.
  const rows = Array.from({ length: 60 }, (_, i) => {
    const falls = i % 3 === 0;
    return `a${i},${falls ? 'down' : 'up'},${i % 4},${i * 6},${(i * 7) % 11},${falls ? 'yes' : 'no'}`;
  });

  test('fixed weights beside trained ones', async () => {
    const done = await backtest([HEAD, ...rows], ['--leave', 'id', '--json']);
    assert.equal(done.code, 0, done.stderr);
    const report = JSON.parse(done.stdout);
    assert.equal(report.cases, 60);
    assert.equal(report.happened, 20);
    assert.equal(report.left_out, 0);
    assert.equal(report.fixed.auc, 1);
    assert.equal(report.trained_factors.auc, 1);
    assert.equal(report.trained_all.auc, 1);
    assert.ok(report.trained_weights.usage > 80);
    assert.equal(report.fixed.bands.length, 10);
    const text = await backtest([HEAD, ...rows], ['--leave', 'id']);
    assert.match(text.stdout, /fixed weights +1\.000/);
    assert.match(text.stdout, /Nothing was changed/);
  });

  test('what is missing is left out, never scored', async () => {
    const done = await backtest([HEAD, ...rows, 'b1,,1,20,3,yes', 'b2,up,-1,20,3,no'], ['--json']);
    assert.equal(JSON.parse(done.stdout).left_out, 2);
  });

  test('bad input names the place', async () => {
    const faults = [
      [[HEAD, 'a,up,1'], /accounts\.csv: 3 cells where the header has 6 \(line 2/],
      [[HEAD, ...rows, 'z,sideways,1,2,3,no'], /"sideways": up, flat or down \(line 62/],
      [[HEAD, ...rows, 'z,up,many,2,3,no'], /the mapping fails here: .*\(line 62/],
      [['id,trend', 'a,up'], /no column left/],
      [[HEAD, 'a,up,1,20,3,no', 'b,up,1,20,3,no'], /must have happened to some/],
      [[HEAD], /no rows/],
    ];
    for (const [lines, said] of faults) {
      const done = await backtest(lines);
      assert.equal(done.code, 1, `${lines.at(-1)}: ${done.stdout}`);
      assert.match(done.stderr, said);
    }
    await backtest([HEAD, ...rows]);
    const path = join(folder, 'accounts.csv');
    const none = await runRapport(['health', 'backtest', path, '--map', MAP]);
    assert.equal(none.code, 2);
  });

  test('trained weights are registered and chosen, each by a word of its own', async () => {
    const server = await startRapport();
    try {
      const where = ['--data', server.data, '--org', 'brightwell'];
      const registered = await backtest(
        [HEAD, ...rows],
        ['--leave', 'id', '--register', 'ours', ...where],
      );
      assert.equal(registered.code, 0, registered.stderr);
      assert.match(
        registered.stdout,
        /Nothing was changed[^]*Registered ours@1: usage \d+, tickets \d+, renewal \d+\./,
      );
      const admin = await Api.login(server, ADMIN);
      const { items } = await admin.get('/health-formulas');
      const [fixed, ours] = items;
      assert.deepEqual(
        [fixed.formula, fixed.active, ours.formula, ours.active],
        ['copilot_v1', true, 'ours@1', false],
      );
      assert.ok(ours.weights.usage > 0.8);
      const { usage, tickets, renewal } = ours.weights;
      assert.equal(Math.round((usage + tickets + renewal) * 100), 100);
      const bytes = await readFile(join(folder, 'accounts.csv'));
      const { data_sha256, cases, happened, outcome, auc } = ours.provenance;
      assert.equal(data_sha256, createHash('sha256').update(bytes).digest('hex'));
      assert.deepEqual(
        { cases, happened, outcome, auc },
        { cases: 60, happened: 20, outcome: 'left=yes', auc: 1 },
      );

      const before = await admin.get('/accounts/nordvik-logistics/health');
      assert.equal(before.formula, 'copilot_v1');
      assert.equal(before.beside[0].formula, 'ours@1');
      const used = await runRapport(['health', 'use', 'ours@1', '--reason', 'a test', ...where]);
      assert.equal(used.code, 0, used.stderr);
      const after = await admin.get('/accounts/nordvik-logistics/health');
      assert.equal(after.formula, 'ours@1');
      assert.equal(after.score, before.beside[0].score);
      assert.equal(after.beside[0].score, before.score);
      const list = await runRapport(['health', 'formulas', ...where]);
      assert.match(list.stdout, /copilot_v1 +false[^]*ours@1 +true/);
      const none = await runRapport(['health', 'use', 'theirs@1', ...where]);
      assert.equal(none.code, 1);
      assert.match(none.stderr, /there is no theirs@1/);
    } finally {
      await server.stop();
    }
  });

  test('where no factor says anything there is nothing to register', async () => {
    const blind = Array.from(
      { length: 60 },
      (_, i) => `a${i},flat,1,100,3,${i % 2 ? 'yes' : 'no'}`,
    );
    const done = await backtest([HEAD, ...blind], ['--register', 'ours', '--data', folder]);
    assert.equal(done.code, 1, done.stdout);
    assert.match(done.stderr, /nothing to register|too little happened/);
  });

  // The whole set is for people (docs/backtest.md); its first part says the same.
  test('the public churn set', async (t) => {
    let text;
    try {
      text = await readFile(TELCO, 'utf8');
    } catch {
      t.skip('the churn set is not here');
      return;
    }
    const path = join(folder, 'telco.csv');
    await writeFile(path, text.split('\n').slice(0, 1201).join('\n'));
    const map = join(ROOT, 'samples/backtest/telco.jq');
    const order = ['--outcome', 'Churn=Yes', '--map-file', map, '--leave', 'customerID', '--json'];
    const done = await runRapport(['health', 'backtest', path, ...order]);
    assert.equal(done.code, 0, done.stderr);
    const report = JSON.parse(done.stdout);
    assert.equal(report.cases, 1200);
    // All columns foretell much here; the fixed weights are far from it, and better than chance.
    assert.ok(report.trained_all.auc > 0.82, `${report.trained_all.auc}`);
    assert.ok(report.fixed.auc > 0.6 && report.fixed.auc < report.trained_factors.auc);
  });
});
