// The copilot: a question with its plan, its tools and its answer; what is asked across accounts,
// what is refused, what is stopped; the drafts; evals; and programs that use the tools.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { noTroubles, openPage, signIn, until } from './browser.js';
import { INGRID, PASSWORD, skip } from './server.js';
import { openStage } from './stage.js';

describe('the copilot', { skip }, () => {
  let stage, server, browser, page, api;
  before(async () => {
    stage = await openStage(INGRID);
    ({ server, browser, page, api } = stage);
  });
  after(() => stage?.close());
  const question = () => page.getByRole('textbox', { name: 'Question' });
  const task = (text) => page.getByRole('article').filter({ hasText: text });
  const ask = async (text) => {
    await question().fill(text);
    await question().press('Enter');
    return task(text).last();
  };
  const done = async (answer) => {
    await answer.getByText('Done', { exact: true }).waitFor();
    return answer;
  };

  test('what is suggested can be asked', async () => {
    await page.goto('/console/success');
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    const { items } = await api.get('/copilot/suggestions');
    const { question: first } = items[0];
    await page.getByRole('button', { name: first }).click();
    await done(task(first));
  });

  test('an answer is in the language that is chosen, and so is the next', async () => {
    const choice = page.getByRole('textbox', { name: 'Language of answers' });
    const choose = async (language) => {
      await choice.click();
      await page.getByRole('option', { name: language }).click();
    };
    await choose('German');
    const answer = await done(await ask('How healthy is Acme Corp?'));
    await answer.getByText(/Acme Corp hat einen Health Score von/).waitFor();
    await page.reload();
    await until(async () => (await choice.inputValue()) === 'German', 'the choice that was kept');
    await choose('Usual language');
    const usual = await done(await ask('How healthy is Initech?'));
    await usual
      .getByText(/Initech .*health/)
      .first()
      .waitFor();
  });

  test('an account is found, and a quick question is put into the field', async () => {
    const picker = page.getByRole('textbox', { name: 'Account' });
    await picker.fill('ziegler');
    await page.getByRole('option', { name: 'Ziegler Werkzeug GmbH' }).click();
    const card = page.getByRole('region', { name: 'Account', exact: true });
    await card.getByRole('link', { name: 'Ziegler Werkzeug GmbH' }).waitFor();
    await page.getByRole('button', { name: 'Renewal brief', exact: true }).click();
    await until(
      async () => (await question().inputValue()).startsWith('Prepare a renewal brief for Ziegler'),
      'the question in the field',
    );
  });

  test('what is typed into the account field stays when an answer chooses an account', async () => {
    let release;
    const held = new Promise((go) => (release = go));
    const other = await openPage(browser, { base: server.url }); // remembers no account
    await signIn(other, INGRID, PASSWORD);
    await other.goto('/console/success');
    await other.route('**/api/v1/briefs', async (route) => {
      if (route.request().method() !== 'POST') return route.fallback();
      await held;
      const response = await route.fetch(); // all of it at once, as from a fast server
      return route.fulfill({ response });
    });
    const field = other.getByRole('textbox', { name: 'Question' });
    await field.fill('How is Acme Corp doing?');
    await field.press('Enter');
    const picker = other.getByRole('textbox', { name: 'Account' });
    await picker.click();
    await picker.fill('hafen');
    release();
    await other.getByRole('article').getByText('Done', { exact: true }).waitFor();
    await other.getByRole('region', { name: 'Account', exact: true }).waitFor();
    assert.equal(await picker.inputValue(), 'hafen');
    await other.getByRole('option', { name: 'Hafenkontor Spedition GmbH' }).click();
    await until(
      async () => (await picker.inputValue()) === 'Hafenkontor Spedition GmbH',
      'the account that was chosen',
    );
    await picker.click();
    await picker.fill('ziegler');
    await other.getByRole('option', { name: 'Ziegler Werkzeug GmbH' }).click();
    await until(async () => /Ziegler/.test(await picker.inputValue()), 'the account of before');
    await other.context().close();
  });

  test('Shift and Enter makes a line, Enter asks; plan, tools and answer are there', async () => {
    await question().press('Shift+Enter');
    assert.match(await question().inputValue(), /\n$/);
    await question().press('Enter');
    const answer = await done(task('Prepare a renewal brief for Ziegler').last());
    for (const tool of ['Usage', 'Tickets', 'Contract', 'Health', 'E-mail draft'])
      await answer.locator('details').first().getByText(tool, { exact: true }).waitFor();
    const { health } = await api.get('/accounts/ziegler-werkzeug/overview');
    await answer.getByRole('img', { name: `Health ${health.score} of 100` }).waitFor();
    await answer.getByRole('region', { name: 'Next steps' }).waitFor();
    await answer.getByRole('region', { name: 'E-mail draft' }).waitFor();
    assert.equal(await question().inputValue(), '');
  });

  test('a draft is written in another tone and language, and edited in place', async () => {
    const draft = task('Prepare a renewal brief for Ziegler')
      .last()
      .getByRole('region', { name: 'E-mail draft' });
    const before = await draft.innerText();
    await draft.getByRole('textbox', { name: 'Language' }).click();
    await page.getByRole('option', { name: 'German' }).click();
    await draft.getByText(/Guten Tag|Hallo|Sehr geehrte/).waitFor();
    assert.notEqual(await draft.innerText(), before);
    await draft.getByRole('button', { name: 'Edit' }).click();
    const subject = `Ihre Verlängerung ${Date.now()}`;
    await draft.getByRole('textbox', { name: 'Subject' }).fill(subject);
    await draft.getByRole('button', { name: 'Save' }).click();
    await draft.getByText(subject).waitFor();
    const { items } = await api.get('/briefs?account=ziegler-werkzeug');
    const kept = await api.get(`/briefs/${items[0].id}`);
    assert.equal(kept.email_draft.subject, subject);
  });

  test('a wish for the draft that only a model could follow is told at its field', async () => {
    const draft = task('Prepare a renewal brief for Ziegler')
      .last()
      .getByRole('region', { name: 'E-mail draft' });
    const wish = draft.getByRole('textbox', { name: 'What should be different' });
    await wish.fill('Mention the training in May');
    await draft.getByRole('button', { name: 'Rewrite' }).click();
    await draft.getByText('No model is available that could follow the instruction.').waitFor();
    assert.equal(await wish.inputValue(), 'Mention the training in May');
  });

  test('an answer is taken along as slides, its draft as a message', async () => {
    const answer = task('Prepare a renewal brief for Ziegler').last();
    const kept = async (press) => {
      const download = page.waitForEvent('download');
      await press();
      return readFile(await (await download).path());
    };
    await answer.getByRole('button', { name: 'Export' }).click();
    const slides = await kept(() =>
      page.getByRole('menuitem', { name: 'PowerPoint' }).first().click(),
    );
    assert.equal(slides.subarray(0, 2).toString(), 'PK');
    const message = await kept(() =>
      answer.getByRole('button', { name: 'For a mail program' }).click(),
    );
    assert.match(message.toString(), /^Subject: /m);
  });

  test('a figure leads to where it is from', async () => {
    const answer = task('Prepare a renewal brief for Ziegler').last();
    await answer.getByRole('link', { name: '€19,600' }).first().click();
    await page.getByRole('heading', { name: 'Ziegler Werkzeug GmbH', level: 1 }).waitFor();
    await page.locator('section#contract[data-shown]').waitFor();
  });

  test('what was asked before is there again, from the account too', async () => {
    await page
      .getByRole('region', { name: 'Briefs' })
      .getByRole('link', { name: /^Prepare a renewal brief for Ziegler/ })
      .first()
      .click();
    await done(task('Prepare a renewal brief for Ziegler').last());
    await page
      .getByRole('region', { name: 'Asked before' })
      .getByRole('button', { name: /^Prepare a renewal brief for Ziegler/ })
      .first()
      .waitFor();
  });

  test('a link asks once', async () => {
    await page.goto('/console/success?account=delta-hydraulics&task=health');
    await done(task('How healthy is Delta Hydraulics').first());
    assert.equal(new URL(page.url()).searchParams.get('task'), null);
    assert.equal(await page.getByRole('article').count(), 1);
    await page.reload();
    await page.getByRole('heading', { name: 'What do you want to know?' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('account'), 'delta-hydraulics');
  });

  test('a question about all accounts has a ranked table', async () => {
    const answer = await done(await ask('Which customers are most at risk?'));
    const { items } = await api.get('/portfolio?sort=score&order=asc&limit=1');
    await answer.getByRole('table').getByRole('link', { name: items[0].name }).waitFor();
  });

  test('of two customers of one name the one that is meant is chosen, by mouse or by keyboard', async () => {
    const twin = (slug, trend) =>
      api.post('/accounts', {
        ...{ name: 'Zwilling Werke', slug, renewal_date: '2031-01-01', open_tickets: 0 },
        usage: { trend },
      });
    const north = await twin('zwilling-nord', 'up');
    const south = await twin('zwilling-sued', 'down');
    assert.notEqual(north.health.score, south.health.score);
    const words = 'How healthy is Zwilling Werke?';
    const isOf = async (twin) => {
      const answer = await done(task(words).last());
      await answer.getByRole('img', { name: `Health ${twin.health.score} of 100` }).waitFor();
    };
    const asked = await ask(words);
    const choice = asked.getByRole('group', { name: 'Which account?' });
    const names = ['Zwilling Werke (zwilling-nord)', 'Zwilling Werke (zwilling-sued)'];
    await choice.getByRole('button', { name: names[1] }).waitFor();
    assert.deepEqual((await choice.getByRole('button').allTextContents()).sort(), names);
    await choice.getByRole('button', { name: names[0] }).click();
    await isOf(north);

    const again = (await ask(words)).getByRole('group', { name: 'Which account?' });
    await again.getByRole('button', { name: names[1] }).waitFor();
    const wanted = () =>
      again.getByRole('button', { name: names[1] }).evaluate((b) => b === document.activeElement);
    for (let i = 0; i < 80 && !(await wanted()); i += 1) await page.keyboard.press('Shift+Tab');
    assert.ok(await wanted(), 'the keyboard reaches it from the question');
    await page.keyboard.press('Enter');
    await isOf(south);
  });

  test('what is not its job is refused, and asks nothing of an account', async () => {
    const answer = await ask('Write a poem about the sea');
    await answer.getByText('Out of scope').waitFor();
    assert.equal(await answer.getByRole('button', { name: 'Export' }).count(), 0);
  });

  test('one that runs can be stopped and asked again', async () => {
    let let_go;
    const held = new Promise((go) => (let_go = go));
    await page.route('**/api/v1/briefs', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await held;
      return route.abort().catch(() => {});
    });
    const text = 'How healthy is Delta Hydraulics today?';
    const answer = await ask(text);
    await answer.getByText('Working', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await answer.getByText('Stopped', { exact: true }).waitFor();
    let_go();
    await page.unroute('**/api/v1/briefs');
    await answer.getByRole('button', { name: 'Ask again' }).click();
    await done(task(text).last());
  });

  test('an answer that is kept nowhere can only be asked for again', async () => {
    const text = 'How healthy is Delta Hydraulics this week?';
    const final = { id: '01890000-0000-7000-8000-000000000000', question: text, scope: 'failed' };
    const nothing = { notes: [], used_tools: [], decision_log: [], actions: [], figures: [] };
    const data = JSON.stringify({ ...final, ...nothing, summary: 'Sorry.', stored: false });
    await page.route('**/api/v1/briefs', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({
            contentType: 'text/event-stream',
            body: `event: final\ndata: ${data}\n\n`,
          })
        : route.continue(),
    );
    const answer = await ask(text);
    await answer.getByText('Failed', { exact: true }).waitFor();
    for (const name of ['Export', 'Delete this brief', 'Run again what failed']) {
      assert.equal(await answer.getByRole('button', { name }).count(), 0, name);
    }
    await page.unroute('**/api/v1/briefs');
    await answer.getByRole('button', { name: 'Ask again' }).click();
    await done(task(text).last());
  });

  test('a brief can be deleted', async () => {
    const text = 'How is usage at Delta Hydraulics developing?';
    const answer = await done(await ask(text));
    await answer.getByRole('button', { name: 'Delete this brief' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await answer.waitFor({ state: 'detached' });
    const { items } = await api.get('/briefs');
    assert.ok(items.every((brief) => brief.question !== text));
  });

  test('evals run over accounts and tasks, and fail when a fact is bent', async () => {
    const choose = async (search, name) => {
      await page.getByRole('textbox', { name: 'Accounts' }).fill(search);
      await page.getByRole('option', { name }).click();
    };
    await page.goto('/console/evals');
    await page.getByRole('checkbox', { name: 'Health status' }).waitFor();
    await choose('ziegler', 'Ziegler Werkzeug GmbH');
    await choose('delta', 'Delta Hydraulics NV');
    await page.keyboard.press('Escape');
    const results = page.getByRole('table', { name: 'Results' });
    const run = async () => {
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await until(() => new URL(page.url()).searchParams.get('session'), 'a session');
    };
    await run();
    const earlier = page.getByRole('region', { name: 'Earlier runs' });
    const whole = await until(async () => {
      const { items } = await api.get('/eval-sessions');
      return items[0]?.status === 'done' && items[0];
    }, 'the end of the run');
    assert.equal(whole.failed, 0, JSON.stringify(whole));
    await earlier
      .getByRole('button', { name: `${whole.total} of ${whole.total} passed` })
      .waitFor();
    const row = results.getByRole('row').filter({ hasText: 'Health status' }).first();
    await row.getByRole('button').click();
    await results.getByText('What is the health status of').first().waitFor();

    await page.getByRole('textbox', { name: /Bend a fact/ }).click();
    await page.getByRole('option', { name: 'Health score' }).click();
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('health.score is bent').waitFor();
    await results.getByText('Failed', { exact: true }).first().waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export JSON' }).click();
    assert.match((await download).suggestedFilename(), /\.json$/);
  });

  test('a tool client shows its secret once, is rotated and deleted', async () => {
    const client = `warehouse-${Date.now()}`;
    await page.goto('/console/settings/tools');
    await page.getByRole('button', { name: 'New tool client' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Short name' }).fill(client);
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText(/^[0-9a-f]{64}$/).waitFor();
    await dialog.getByRole('button', { name: 'I have kept it' }).click();
    const act = async (name) => {
      await page.getByRole('button', { name: `Actions for ${client}` }).click();
      await page.getByRole('menuitem', { name: `${name}…` }).click();
      await dialog.getByRole('button', { name, exact: true }).click();
    };
    await act('Rotate');
    await dialog.getByText(/^[0-9a-f]{64}$/).waitFor();
    await dialog.getByRole('button', { name: 'I have kept it' }).click();
    const row = page.getByRole('row').filter({ hasText: client });
    await row.getByText('rotating').waitFor();
    await act('Delete');
    await row.waitFor({ state: 'detached' });
  });

  test('a formula that a back-test gave is shown beside the score, and chosen', async () => {
    const learnt = { outcome: 'left=yes', cases: 1200, happened: 300, auc: 0.81, fixed_auc: 0.69 };
    await api.post('/health-formulas', {
      name: 'ours',
      weights: { usage: 20, tickets: 60, renewal: 20 },
      provenance: { ...learnt, data_sha256: 'ab'.repeat(32), brier: 0.15, off: 0.03 },
    });
    await page.goto('/console/accounts/acme-001');
    const health = page.getByRole('region', { name: 'Health' });
    await health.getByText('ours@1').waitFor();
    const { beside } = await api.get('/accounts/acme-001/health');
    await health.getByText(`would give ${beside[0].score}`).waitFor();
    await page.goto('/console/settings/success');
    const row = page.getByRole('row').filter({ hasText: 'ours@1' });
    await row.getByText('1,200 accounts, left=yes').waitFor();
    await row.getByRole('button', { name: 'Score by ours@1' }).click();
    await page.getByLabel('Reason').fill('Tried on last year');
    await page.getByRole('button', { name: 'Score by it', exact: true }).click();
    await row.getByText('In force').waitFor();
    const now = await api.get('/accounts/acme-001/health');
    assert.equal(now.formula, 'ours@1');
    assert.equal(now.score, beside[0].score);
  });

  test('the organisation chooses the language of answers', async () => {
    const choice = page.getByRole('textbox', { name: 'Language of answers' });
    await choice.click();
    await page.getByRole('option', { name: 'Dutch' }).click();
    await until(async () => (await choice.inputValue()) === 'Dutch', 'the choice');
    await until(
      async () => (await api.post('/briefs', { question: 'Health of Initech' })).language === 'nl',
      'an answer in Dutch',
    );
  });

  test('no page complained', () => noTroubles(page));
});
