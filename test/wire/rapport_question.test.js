// Questions with an answer in the data: across customers what is told equals the portfolio's rows,
// counted here, and what is not understood is told; about one, the first sentence answers.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api } from './api.js';
import { ADMIN, skip, startRapport, STORES } from './rapport.js';

const NORDVIK = 'Nordvik Logistics AB';

const suite = (store) => () => {
  let server;
  let member;
  let rows;
  before(async () => {
    server = await startRapport({ store });
    member = await Api.login(server, ADMIN);
    const page = await member.get('/portfolio?limit=200');
    rows = page.items;
    assert.ok(rows.length > 25 && rows.length === page.summary.total);
  });
  after(() => server?.stop());

  const ask = (question) => member.post('/briefs', { question });
  const figure = (answer, key) => answer.figures.find((one) => one.key === key);
  const codes = (answer) => answer.notes.map((note) => note.code);
  const risky = (row) => ['medium', 'high'].includes(row.risk_level);

  const LISTS = [
    ['Which customers have more than 3 open tickets?', (r) => r.open_tickets > 3, 'more than 3'],
    ['Which accounts have 0 tickets?', (r) => r.open_tickets === 0, 'no open tickets'],
    ['Which accounts have no health score?', (r) => r.score === null, 'no health score'],
    ['Which customers have a score below 50?', (r) => r.score !== null && r.score < 50, 'than 50'],
    ['Which customers are at risk?', risky, 'medium or high risk'],
    [
      'Which customers are worth more than 100k and at risk?',
      (r) => r.arr_cents > 100_000_00 && risky(r),
      '100,000',
    ],
    [
      'Which customers are worth over EUR 50,000?',
      (r) => r.currency === 'EUR' && r.arr_cents > 50_000_00,
      '€50,000',
    ],
    ['Which customers have declining usage?', (r) => r.trend === 'down', 'declining usage'],
    ['Which customers are on the scale plan?', (r) => r.plan === 'scale', 'the plan scale'],
    ['Which accounts does Sofia own?', (r) => /^sofia@/.test(r.owner), 'Sofia'],
    [
      'Which customers renew in Q1 2027?',
      (r) => r.renewal_date_ms >= Date.UTC(2027, 0) && r.renewal_date_ms < Date.UTC(2027, 3),
      '1 January 2027',
    ],
    [
      'Which renewals are overdue?',
      (r) => r.renewal_date_ms !== null && r.renewal_date_ms < Date.now() - (Date.now() % 864e5),
      'overdue',
    ],
    ['Which customers have no renewal date?', (r) => r.renewal_date_ms === null, 'no renewal date'],
  ];
  for (const [question, holds, told] of LISTS)
    test(question, async () => {
      const answer = await ask(question);
      const wanted = rows.filter(holds);
      assert.equal(answer.scope, 'portfolio');
      assert.equal(figure(answer, 'total').value, wanted.length, answer.summary);
      assert.ok(answer.summary.includes(told), answer.summary);
      const slugs = new Set(wanted.map((row) => row.slug));
      assert.equal(answer.table.rows.length, Math.min(10, wanted.length));
      for (const row of answer.table.rows) assert.ok(slugs.has(row.slug), row.slug);
      if (!wanted.length) assert.match(answer.summary, /^No customer /);
      assert.ok(!codes(answer).includes('not_applied'), JSON.stringify(answer.notes));
    });

  test('totals and averages are figures with their source', async () => {
    const risk = await ask('What is the total ARR at risk?');
    const sums = {};
    for (const row of rows.filter((r) => risky(r) && r.arr_cents !== null))
      sums[row.currency] = (sums[row.currency] ?? 0) + row.arr_cents;
    for (const [currency, cents] of Object.entries(sums)) {
      const total = figure(risk, `total_arr_cents_${currency}`);
      assert.equal(total.value, cents / 100);
      assert.equal(total.unit, currency);
      assert.equal(total.source.tool, 'portfolio');
      assert.ok(risk.summary.includes(total.text), risk.summary);
    }
    const scored = rows.filter((row) => row.score !== null);
    const mean = scored.reduce((sum, row) => sum + row.score, 0) / scored.length;
    const average = figure(await ask('What is the average health score?'), 'average_score');
    assert.equal(average.value, Math.round(mean * 10) / 10);
    const many = await ask('How many customers have declining usage?');
    const down = rows.filter((row) => row.trend === 'down').length;
    assert.match(many.summary, new RegExp(`^There are ${down} customers with declining usage`));
  });

  test('a change of the score is that of its history', async () => {
    const answer = await ask('Which customers dropped the most in health in the last 30 days?');
    const [first] = answer.table.rows;
    assert.ok(first.score_change < 0, JSON.stringify(first));
    const changes = answer.table.rows.map((row) => row.score_change);
    assert.deepEqual(
      changes,
      [...changes].sort((a, b) => a - b),
    );
    const history = await member.get(`/accounts/${first.slug}/health-history?limit=200`);
    const since = Date.now() - (Date.now() % 864e5) - 30 * 864e5;
    const scores = history.items.filter((one) => one.score !== null);
    const was = scores.find((one) => one.at_ms <= since) ?? scores.at(-1);
    assert.equal(first.score_change, scores[0].score - was.score);
  });

  test('a month of the past is answered as of its end', async () => {
    const answer = await ask('Which customers were at risk in June 2026?');
    assert.match(answer.summary, /^As of 30 June 2026: /);
    const then = await member.get('/portfolio?limit=200&as_of=2026-06-30');
    assert.equal(figure(answer, 'total').value, then.items.filter(risky).length);
  });

  test('what is not understood is told, in one note', async () => {
    for (const [question, part] of [
      ['Which customers are in Hamburg and at risk?', 'in Hamburg'],
      ['Which customers are not on the scale plan?', 'not on the scale'],
      ['Which accounts are owned by Bob?', 'owned by Bob'],
      ['Which customers renew before the 31st of February?', '31st of February'],
    ]) {
      const { notes } = await ask(question);
      const note = notes.find(({ code }) => ['not_applied', 'no_such_day'].includes(code));
      assert.ok(note?.text.includes(part), `${question}: ${JSON.stringify(notes)}`);
    }
  });

  test('a question about one customer is answered in its first sentence', async () => {
    const { contract, account } = await member.get('/accounts/nordvik-logistics/overview');
    for (const [question, key, value] of [
      ['How many seats does Nordvik have?', 'seats', contract.seats],
      ['What plan is Nordvik on?', 'plan', contract.plan],
      ['Which country is Nordvik in?', 'country', account.country],
      ['Who is the account owner of Nordvik?', 'owner', 'Marek Zielinski'],
    ]) {
      const answer = await ask(question);
      const told = figure(answer, key);
      assert.equal(told?.value, value, `${question}: ${answer.summary}`);
      assert.ok(answer.summary.startsWith(`${told.label} of ${NORDVIK}: ${told.text}.`));
      assert.match(told.source.url, /^\/console\/accounts\//);
    }
    const plain = await ask('How is Nordvik doing?');
    assert.ok(plain.summary.startsWith(`${NORDVIK} has a health score`), plain.summary);
    assert.equal(figure(plain, 'seats'), undefined);
  });

  test('what would be is scored, not guessed', async () => {
    const { before: is, after: would } = await member.post('/accounts/nordvik-logistics/what-if', {
      open_tickets: 5,
      trend: 'down',
    });
    const answer = await ask(
      'What would the score of Nordvik be with 5 tickets and usage falling?',
    );
    assert.notEqual(is.score, would.score);
    assert.equal(figure(answer, 'what_if_score')?.value, would.score, answer.summary);
    assert.ok(answer.summary.includes(`would be ${would.score} instead of ${is.score}`));
    assert.equal(answer.health.score, is.score);
  });

  test('six tools are one too many, and the score is not the one that goes', async () => {
    const answer = await ask(`QBR with ${NORDVIK}, get all data and draft an invitation email`);
    const { tickets } = await member.get('/accounts/nordvik-logistics/overview');
    const used = answer.used_tools.map((tool) => tool.name);
    assert.equal(used.length, 5);
    assert.ok(used.includes('calculate_health') && used.includes('get_customer_usage'), `${used}`);
    assert.ok(answer.qbr && answer.email_draft && answer.health.score !== null);
    assert.equal(figure(answer, 'open_tickets').value, tickets.open_tickets);
    assert.equal(figure(answer, 'open_tickets').source.tool, 'calculate_health');
    assert.ok(codes(answer).includes('tool_left_out'));
  });
};

for (const store of STORES)
  describe(`questions with an answer in the data on ${store}`, { skip }, suite(store));
