// Evaluations of the success copilot over the demo accounts: right answers pass, and a fact that is
// bent makes the answers that tell it fail.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeLlm } from '../fake/llm/fake.js';
import { Api } from './api.js';
import { until } from './degrade.js';
import { ADMIN, HARBOUR, runRapport, skip, STORES, startRapport } from './rapport.js';

const ACCOUNTS = ['nordvik-logistics', 'hafenkontor'];

for (const store of STORES) {
  describe(`evaluations on ${store}`, { skip }, () => {
    let server;
    let admin;
    before(async () => {
      server = await startRapport({ store });
      admin = await Api.login(server, ADMIN);
    });
    after(() => server?.stop());

    async function run(order) {
      const made = await admin.post('/eval-sessions', order);
      assert.equal(made.status, 'running');
      await until(`the end of evaluation ${made.id}`, async () => {
        return (await admin.get(`/eval-sessions/${made.id}`)).status !== 'running';
      });
      return admin.get(`/eval-sessions/${made.id}/export`);
    }

    const wrong = (session) =>
      session.results.flatMap((r) =>
        r.checks
          .filter((c) => !c.ok)
          .map((c) => `${r.task} ${r.account?.slug}: ${c.check} ${c.detail}`),
      );

    test('every task passes with the built-in engine', async () => {
      const { items } = await admin.get('/eval-tasks');
      const tasks = items.map((task) => task.name);
      assert.ok(tasks.includes('renewal') && tasks.includes('refusal'));
      const session = await run({ accounts: ACCOUNTS, tasks });
      assert.deepEqual(wrong(session), []);
      assert.equal(session.status, 'done');
      assert.equal(session.done, session.total);
      assert.equal(session.passed, session.total);
      assert.equal(session.results.length, session.total);
      assert.deepEqual(
        session.results.map((r) => r.n),
        session.results.map((_, i) => i + 1),
      );
      const page = await admin.get(`/eval-sessions/${session.id}?after=${session.total - 2}`);
      assert.equal(page.results.length, 2);
    });

    test('a bent fact makes the answers that tell it fail', async () => {
      const bent = {
        'usage.trend': ['usage', 'usage.trend'],
        'tickets.open_tickets': ['tickets', 'tickets.open_tickets'],
        'contract.arr_cents': ['contract', 'contract.arr_cents'],
        'contract.renewal_date_ms': ['contract', 'contract.renewal_date_ms'],
        'health.score': ['health', 'health.score'],
      };
      for (const [falsify, [task, check]] of Object.entries(bent)) {
        const session = await run({ accounts: ACCOUNTS, tasks: [task, 'refusal'], falsify });
        assert.equal(session.falsify, falsify);
        const told = session.results.filter((r) => r.task === task);
        assert.ok(
          told.every((r) => r.status === 'failed'),
          `${falsify} was not noticed`,
        );
        assert.ok(told.every((r) => r.checks.some((c) => c.check === check && !c.ok)));
        assert.ok(session.results.every((r) => r.task === task || r.status === 'passed'));
      }
    });

    test('orders that make no sense name the field; sessions are the org’s own', async () => {
      const refused = async (order, field) => {
        const answer = await admin.call('POST', '/eval-sessions', order);
        assert.equal(answer.status, 400, answer.text);
        assert.equal(answer.body.field, field);
      };
      await refused({ accounts: ['nobody'], tasks: ['health'] }, 'accounts');
      await refused({ accounts: [], tasks: ['health'] }, 'accounts');
      await refused({ accounts: ACCOUNTS, tasks: ['dance'] }, 'tasks');
      await refused({ accounts: ACCOUNTS, tasks: ['health'], falsify: 'name' }, 'falsify');

      const session = await run({ accounts: ACCOUNTS, tasks: ['health'] });
      const other = await Api.login(server, HARBOUR);
      assert.equal((await other.call('GET', `/eval-sessions/${session.id}`)).status, 404);
      assert.equal((await admin.call('DELETE', `/eval-sessions/${session.id}`)).status, 204);
      assert.equal((await admin.call('GET', `/eval-sessions/${session.id}`)).status, 404);
    });

    test('an account that is removed leaves nothing behind', async () => {
      const { account } = await admin.post('/accounts', { name: 'Short Lived Ltd' });
      const accounts = [account.slug, ACCOUNTS[0]];
      const session = await run({ accounts, tasks: ['health', 'at_risk'] });
      assert.ok(JSON.stringify(session).includes('Short Lived Ltd'));
      assert.equal((await admin.call('DELETE', `/accounts/${account.id}`)).status, 204);
      const left = await admin.get(`/eval-sessions/${session.id}/export`);
      assert.ok(!JSON.stringify(left).includes('Short Lived Ltd'));
      assert.deepEqual(
        left.accounts.map((a) => a.slug),
        [ACCOUNTS[0]],
      );
      assert.equal(left.total, session.total - 1);
      assert.ok(left.results.some((r) => r.account?.slug === ACCOUNTS[0]));
    });

    test('from the command line', async () => {
      const order = [
        '--data',
        server.data,
        '--org',
        'brightwell',
        '--accounts',
        ACCOUNTS.join(','),
      ];
      const good = await runRapport(['eval', '--tasks', 'health,email', ...order]);
      assert.equal(good.code, 0, good.stderr + good.stdout);
      assert.match(good.stdout, /4 of 4 passed/);
      const bad = await runRapport([
        'eval',
        '--tasks',
        'usage',
        '--falsify',
        'usage.trend',
        ...order,
      ]);
      assert.equal(bad.code, 1);
      assert.match(bad.stdout, /failed +usage/);
      assert.match(bad.stdout, /usage\.trend: the data say "down", the answer says "up"/);
    });
  });
}

// ---- with a model ----------------------------------------------------------------------------

const NAME = 'Nordvik Logistics AB';
const PLAN = {
  summary: 'Look at what is asked for.',
  steps: [
    { tool: 'calculate_health', reason: 'The score.' },
    { tool: 'get_contract_info', reason: 'The date.' },
  ],
};
const HONEST = {
  summary: `${NAME} scores {{figure.score}} and renews on {{figure.renewal_date}}.`,
  email: {
    subject: `Your renewal, ${NAME}`,
    body: `Hello,\n\nyour renewal is due on {{figure.renewal_date}}. Shall we look together at how your team uses the product, and at what is still open on our side?\n\nBest wishes`,
  },
};

describe('evaluations with a model', { skip }, () => {
  let fake;
  let server;
  before(async () => {
    fake = await FakeLlm.start();
    const provider = {
      name: 'anthropic',
      kind: 'anthropic',
      base_url: fake.url,
      key_env: 'WIRE_KEY',
      allow_private: true,
      models: [{ name: 'claude-sonnet-5-5', class: 'balanced', price_in: 3, price_out: 15 }],
    };
    const llm = { providers: [provider], backoff_ms: 1 };
    server = await startRapport({ config: { llm }, env: { WIRE_KEY: 'sk-wire-1' } });
  });
  after(async () => {
    await server?.stop();
    await fake?.close();
  });

  // a draft only where one is asked for: more than is asked for is no answer
  const wanted = ({ summary, email }, turn) => ({
    ...(summary && { summary }),
    ...(turn.user.includes('"email_draft"') && { email }),
  });

  /** What `rapport eval --json` ends with, the model saying `words`. */
  async function evaluate(words, tasks) {
    fake.load({
      rules: [
        { when: { system: 'Choose the tools' }, reply: { json: PLAN } },
        { when: { system: 'Word the answer' }, reply: (turn) => ({ json: wanted(words, turn) }) },
      ],
    });
    const order = ['--org', 'brightwell', '--accounts', ACCOUNTS[0], '--tasks', tasks];
    const { code, stdout, stderr } = await runRapport([
      'eval',
      '--json',
      '--data',
      server.data,
      ...order,
    ]);
    const session = JSON.parse(stdout);
    const of = (task) => session.results.find((result) => result.task === task);
    return { code, stderr, session, of };
  }
  const wrong = (result) => result.checks.filter((c) => !c.ok).map((c) => c.check);
  const rejected = (result) => result.final.notes.some((n) => n.code === 'number_rejected');

  test('an honest model passes, and what it planned and said is told', async () => {
    const { code, stderr, session, of } = await evaluate(HONEST, 'health,email,refusal');
    assert.equal(code, 0, stderr + JSON.stringify(session.results.map(wrong)));
    assert.equal(session.passed, 3);
    assert.equal(of('health').plan_source, 'model');
    assert.equal(of('email').plan_source, 'model');
    assert.match(of('health').summary, /^Nordvik Logistics AB scores \d+ and renews on \d+ /);
    assert.match(of('email').final.email_draft.subject, /^Your renewal/);
    assert.equal(of('refusal').plan_source, 'builtin', 'a refusal asks no model');
  });

  test('a number it invents is not told: that part is written from the data', async () => {
    const lie = { ...HONEST, summary: `${NAME} pays EUR 4711 a year.` };
    const { code, stderr, of } = await evaluate(lie, 'health');
    assert.equal(code, 0, stderr);
    const health = of('health');
    assert.equal(health.plan_source, 'model');
    assert.ok(rejected(health), JSON.stringify(health.final.notes));
    assert.ok(!health.summary.includes('4711') && /has a health score of/.test(health.summary));
  });

  test('a risk it invents is not told either', async () => {
    const { summary } = (await evaluate({ email: HONEST.email }, 'health')).of('health');
    const other = /which is low risk/.test(summary) ? 'high' : 'low';
    const lie = `${NAME} is at ${other} risk.`;
    const { code, stderr, of } = await evaluate({ ...HONEST, summary: lie }, 'health');
    assert.equal(code, 0, stderr);
    assert.equal(of('health').plan_source, 'model');
    assert.ok(of('health').final.notes.some((n) => n.code === 'words_rejected'));
    assert.equal(of('health').summary, summary);
  });

  test('a number said of another thing, and a claim without one, are told in no task', async () => {
    const { final } = (await evaluate({ email: HONEST.email }, 'renewal')).of('renewal');
    const value = (key) => final.figures.find((figure) => figure.key === key)?.text ?? '82';
    const users = value('avg_daily_users');
    const lie =
      `${users} tickets are open, the score is ${value('arr').replace(/[^0-9,.]/g, '')} and they pay ` +
      `$${value('score')} a year. The contract expired last year and all users have churned.`;
    const tasks = ['health', 'renewal', 'usage', 'tickets', 'contract', 'churn'];
    const { of } = await evaluate({ ...HONEST, summary: lie }, tasks.join());
    for (const task of tasks) {
      const told = of(task).final;
      assert.equal(told.plan_source, 'model');
      assert.ok(!wrong(of(task)).includes('no_invented_fact'), JSON.stringify(of(task).checks));
      assert.ok(!/churned|expired|\$/.test(told.summary), told.summary);
      assert.ok(
        told.notes.some((note) => /^(words|number)_rejected$/.test(note.code)),
        JSON.stringify(told.notes),
      );
    }
  });

  test('what it invents in words is left out, what the data bear out stays', async () => {
    const true_ = `${NAME} scores {{figure.score}} and renews on {{figure.renewal_date}}.`;
    const lies = [
      `${NAME} was bought by Contoso Holdings, and its champion Zara Quill likes it.`,
      'They gave notice.',
      'Churn is certain.',
    ];
    for (const lie of lies) {
      const alone = await evaluate({ ...HONEST, summary: lie }, 'health');
      assert.equal(alone.code, 0, alone.stderr);
      assert.equal(alone.of('health').plan_source, 'model');
      assert.match(alone.of('health').summary, /has a health score of/);
      const codes = (result) => result.final.notes.map((note) => note.code);
      assert.ok(codes(alone.of('health')).includes('words_rejected'));
      const mixed = await evaluate({ ...HONEST, summary: `${true_} ${lie}` }, 'health');
      assert.equal(mixed.code, 0, mixed.stderr);
      assert.match(mixed.of('health').summary, /scores \d+ and renews on \d+ \w+ \d+\.$/);
      assert.ok(codes(mixed.of('health')).includes('words_left_out'));
    }
  });
});
