// The portfolio and the page of one account: what stands there is what the API says.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { noTroubles, openPage, signIn, until } from './browser.js';
import { HANNAH, INGRID, PASSWORD, skip } from './server.js';
import { openStage } from './stage.js';

const ACCOUNT = 'ziegler-werkzeug';

describe('accounts', { skip }, () => {
  let stage, server, browser, page, api;
  before(async () => {
    stage = await openStage(INGRID);
    ({ server, browser, page, api } = stage);
  });
  after(() => stage?.close());
  const table = () => page.getByRole('table', { name: 'Accounts' });
  const names = () => table().locator('tbody a').allInnerTexts();
  const listed = (wanted, what) =>
    until(async () => (await names()).join() === wanted.map((row) => row.name).join(), what);
  const parameter = (name) => new URL(page.url()).searchParams.get(name);

  test('the cards count what the API counts', async () => {
    const { summary } = await api.get('/portfolio?limit=1');
    await page.goto('/console/accounts');
    const risk = page.getByRole('region', { name: 'Risk' });
    for (const [word, count] of [
      ['Healthy', summary.by_risk.low],
      ['Watch', summary.by_risk.medium],
      ['At risk', summary.by_risk.high],
      ['Not known', summary.by_risk.unknown],
    ])
      await risk.getByRole('button', { name: `${count} ${word}`, exact: true }).waitFor();
    const renewals = page.getByRole('region', { name: 'Renewals' });
    await renewals
      .getByRole('button', { name: `${summary.renewals_90d} within 90 days` })
      .waitFor();
  });

  test('a risk that is pressed narrows the list, in the address too', async () => {
    const { items } = await api.get('/portfolio?risk=high&sort=score&order=asc&limit=20');
    assert.ok(items.length > 0);
    const risk = page.getByRole('region', { name: 'Risk' });
    await risk.getByRole('button', { name: /At risk$/ }).click();
    await listed(items, 'those at risk');
    assert.equal(parameter('risk'), 'high');
    await page.reload();
    await listed(items, 'the same after a reload');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await until(async () => (await names()).length > items.length, 'all of them');
    assert.equal(parameter('risk'), null);
  });

  test('a bar of the histogram narrows the list to its scores', async () => {
    const { summary } = await api.get('/portfolio?limit=1');
    const bin = summary.histogram.findLastIndex((count) => count > 0);
    const [low, high] = [bin * 10, bin === 9 ? 100 : bin * 10 + 9];
    const { items } = await api.get(
      `/portfolio?min_score=${low}&max_score=${high}&sort=score&order=asc&limit=20`,
    );
    await page
      .getByRole('group', { name: 'Accounts by health score' })
      .getByRole('button', { name: new RegExp(`^Score ${low} to ${high}:`) })
      .click();
    await listed(items, 'the accounts of the bar');
    await page.getByRole('button', { name: 'Clear filters' }).click();
  });

  test('a column sorts both ways, and pages follow each other', async () => {
    const sorted = (order, more = '') =>
      api.get(`/portfolio?sort=arr_cents&order=${order}&limit=10${more}`);
    await page.goto('/console/accounts?size=10');
    const head = table().getByRole('button', { name: 'Revenue a year' });
    await head.click();
    const first = await sorted('desc');
    await listed(first.items, 'the highest revenue first');
    await page.getByRole('button', { name: 'Next page' }).click();
    await listed((await sorted('desc', `&cursor=${first.next_cursor}`)).items, 'the second page');
    await page.getByRole('button', { name: 'Previous page' }).click();
    await listed(first.items, 'the first page again');
    await head.click();
    await listed((await sorted('asc')).items, 'the lowest first');
    assert.equal(
      await table().getByRole('columnheader', { name: 'Revenue a year' }).getAttribute('aria-sort'),
      'ascending',
    );
  });

  test('the calendar has a renewal in its month and leads to the account', async () => {
    const { account, contract } = await api.get(`/accounts/${ACCOUNT}/overview`);
    const month = new Date(contract.renewal_date_ms).toISOString().slice(0, 7);
    await page.goto(`/console/accounts?tab=renewals&month=${month}`);
    await page.getByRole('link', { name: account.name }).click();
    await page.getByRole('heading', { name: account.name, level: 1 }).waitFor();
  });

  test('the history of the health is a table, too', async () => {
    const { history } = await api.get(`/accounts/${ACCOUNT}/overview`);
    const health = page.getByRole('region', { name: 'Health' });
    await health.getByText('As a table').click();
    const rows = health.getByRole('table').locator('tbody tr');
    await until(async () => (await rows.count()) === history.length, 'every score of the history');
    await health.getByRole('cell', { name: history[0].attribution[0].text }).first().waitFor();
  });

  test('sliders tell what the score would be', async () => {
    const panel = page.getByRole('region', { name: 'What if' });
    const change = { trend: 'up', open_tickets: 8, renewal_days: 300 };
    const { before: now, after: then } = await api.post(`/accounts/${ACCOUNT}/what-if`, change);
    assert.notEqual(now.score, then.score);
    await panel.getByRole('slider', { name: 'Usage' }).fill('2');
    await panel.getByRole('slider', { name: 'Open tickets' }).fill('8');
    await panel.getByRole('slider', { name: 'Days to renewal' }).fill('300');
    await panel.getByText(`Then${then.score}`).waitFor();
    await panel.getByText(`Now${now.score}`).waitFor();
    await panel.getByRole('button', { name: 'As it is' }).click();
    await panel.getByText(`Then${now.score}`).waitFor();
  });

  test('a past day shows the account as it was, and says so', async () => {
    const { history, health } = await api.get(`/accounts/${ACCOUNT}/overview`);
    const other = history.find((point) => point.score !== null && point.score !== health.score);
    const day = new Date(other.at_ms).toISOString().slice(0, 10);
    const then = await api.get(`/accounts/${ACCOUNT}/overview?as_of=${day}`);
    await page.getByLabel('As of').fill(day);
    await page.getByText('You see this account as it was').waitFor();
    await page.getByRole('img', { name: `Health ${then.health.score} of 100` }).waitFor();
    assert.equal(await page.getByRole('region', { name: 'What if' }).count(), 0);
    await page.getByRole('button', { name: 'Back to today' }).click();
    await page.getByRole('img', { name: `Health ${health.score} of 100` }).waitFor();
  });

  test('a note is added and deleted', async () => {
    const text = `Asked for a second site ${Date.now()}`;
    const notes = page.getByRole('region', { name: 'Notes' });
    await notes.getByRole('textbox', { name: 'New note' }).fill(text);
    await notes.getByRole('button', { name: 'Add' }).click();
    const note = notes.getByRole('listitem').filter({ hasText: text });
    await note.getByText('Ingrid Solberg').waitFor();
    await note.getByRole('button', { name: 'Delete this note' }).click();
    await note.waitFor({ state: 'detached' });
  });

  test('an account that is not there says so', async () => {
    await page.goto('/console/accounts/no-such-account');
    await page.getByRole('heading', { name: 'There is no such account' }).waitFor();
  });

  test('a past day of the portfolio shows what was known then, and says so', async () => {
    const { history } = await api.get(`/accounts/${ACCOUNT}/overview`);
    const day = new Date(history.at(-1).at_ms).toISOString().slice(0, 10);
    const then = await api.get(`/portfolio?as_of=${day}&sort=score&order=asc&limit=20`);
    await page.goto('/console/accounts');
    await page.getByLabel('As of').fill(day);
    await page.getByText('You see the portfolio as it was').waitFor();
    await listed(then.items, 'the accounts of that day');
    assert.equal(parameter('as_of'), day);
    assert.equal(await page.getByRole('button', { name: 'Add account' }).count(), 0);
    await page.getByRole('button', { name: 'Back to today' }).click();
    const { items } = await api.get('/portfolio?sort=score&order=asc&limit=20');
    await listed(items, 'the accounts of today');
  });

  test('an account is added, with its faults at their fields, and stands in the portfolio', async () => {
    await page.goto('/console/accounts');
    await page.getByRole('button', { name: 'Add account' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add an account' });
    await dialog.getByLabel('Name', { exact: true }).fill('Nordlicht Optik');
    await dialog.getByLabel('Slug').fill('Nordlicht!');
    await dialog.getByLabel('Revenue a year').fill('plenty');
    await dialog.getByRole('button', { name: 'Add account' }).click();
    await dialog.getByText('An amount such as').waitFor();
    await dialog.getByLabel('Revenue a year').fill('12000.50');
    await dialog.getByLabel('Currency').fill('eur');
    await dialog.getByLabel('Renewal date').fill('2030-03-01');
    await dialog.getByLabel('Open tickets').fill('0');
    await dialog.getByLabel('Daily users, oldest first').fill('70 72 75 79');
    await dialog.getByRole('button', { name: 'Add account' }).click();
    await dialog.getByText('Slug may hold').waitFor();
    await dialog.getByLabel('Slug').fill('nordlicht');
    await dialog.getByRole('button', { name: 'Add account' }).click();
    await page.getByRole('heading', { name: 'Nordlicht Optik', level: 1 }).waitFor();
    const { contract, health } = await api.get('/accounts/nordlicht/overview');
    assert.equal(contract.arr_cents, 1200050);
    assert.equal(health.score, 100);
    await page.goto('/console/accounts?q=nordlicht');
    await table().getByRole('link', { name: 'Nordlicht Optik' }).waitFor();
  });

  test('usage is edited: what follows is told at once, and the score moves', async () => {
    await page.goto('/console/accounts/nordlicht');
    await page.getByRole('img', { name: 'Health 100 of 100' }).waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Change Nordlicht Optik' });
    const line = dialog.getByLabel('Daily users, oldest first');
    const told = dialog.getByRole('status', { name: 'What follows from it' });
    await told.getByText('Rising').waitFor();
    await line.fill('90 eighty 60');
    await dialog.getByText('“eighty” is not a number').waitFor();
    await line.fill('90 80 60 50');
    await told.getByText('Falling').waitFor();
    await told.getByText('70 daily users on average').waitFor();
    // Somebody else saves meanwhile: theirs is told, and mine is saved on top of it.
    await api.patch('/accounts/nordlicht', { plan: 'team' });
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('Somebody changed this account in the meantime').waitFor();
    await dialog.getByText('team').waitFor();
    await dialog.getByRole('button', { name: 'Save mine on top' }).click();
    await page.getByRole('img', { name: 'Health 55 of 100' }).waitFor();
    const { account, usage, health } = await api.get('/accounts/nordlicht/overview');
    assert.deepEqual(
      [account.plan, usage.trend, usage.avg_daily_users, health.score],
      ['team', 'down', 70, 55],
    );
  });

  test('an account is deleted by those who type its name', async () => {
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Delete the account…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete Nordlicht Optik?' });
    const act = dialog.getByRole('button', { name: 'Delete' });
    await dialog.getByRole('textbox').fill('Nordlicht');
    assert.equal(await act.isDisabled(), true);
    await dialog.getByRole('textbox').fill('Nordlicht Optik');
    await act.click();
    await page.getByRole('heading', { name: 'Portfolio', level: 1 }).waitFor();
    await assert.rejects(api.get('/accounts/nordlicht/overview'), / 404 /);
  });

  test('who may change accounts but not delete them is not offered to', async () => {
    const other = await openPage(browser, { base: server.url });
    await signIn(other, HANNAH, PASSWORD);
    await other.goto(`/console/accounts/${ACCOUNT}`);
    await other.getByRole('button', { name: 'Edit', exact: true }).waitFor();
    await other.getByRole('button', { name: 'Ask', exact: true }).click();
    await other.getByRole('menuitem', { name: 'Renewal brief' }).waitFor();
    assert.equal(await other.getByRole('menuitem', { name: /Delete/ }).count(), 0);
    noTroubles(other);
    await other.context().close();
  });

  test('an import is tried first, tells line and field, and can leave bad rows out', async () => {
    await page.goto('/console/accounts');
    await page.getByRole('button', { name: 'Import' }).click();
    const dialog = page.getByRole('dialog', { name: 'Import from a file' });
    const text = 'name,plan,arr\nBaltic Cables,team,1200.50\nBad Row,team,plenty\n';
    await dialog
      .locator('input[type=file]')
      .setInputFiles({ name: 'new.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
    await dialog.getByRole('button', { name: 'Try it' }).click();
    await dialog.getByText('1 of 2 rows cannot be taken over.').waitFor();
    await dialog.getByRole('row', { name: /^3 arr arr must be an amount/ }).waitFor();
    const act = dialog.getByRole('button', { name: 'Import 1 row' });
    assert.equal(await act.isDisabled(), true);
    await dialog.getByRole('checkbox', { name: /Skip 1 bad row/ }).check();
    await act.click();
    await dialog.getByText('1 row taken over.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.goto('/console/accounts?q=baltic');
    await table().getByRole('link', { name: 'Baltic Cables' }).waitFor();
  });

  test('no page complained', () => noTroubles(page));
});
