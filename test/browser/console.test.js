// The console: signing in, the list, agents and their versions, knowledge, records, events, keys.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Chat, noTroubles, openPage, signIn, until } from './browser.js';
import { AGENT, INGRID, memberApi, PASSWORD, skip } from './server.js';
import { openStage } from './stage.js';

describe('the console', { skip }, () => {
  let stage, server, browser, page, api;
  before(async () => {
    stage = await openStage();
    ({ server, browser } = stage);
    api = await memberApi(server);
    page = await openPage(browser, { base: server.url });
  });
  after(() => stage?.close());
  const editor = () => page.getByRole('textbox', { name: 'Agent configuration in YAML' });
  const openAgent = async () => {
    await page.goto('/console/agents');
    await page.getByRole('link', { name: 'Robin', exact: true }).click();
    await editor().waitFor();
    await page.getByText('No problems').waitFor();
  };
  /** Writes at the very beginning of the text. */
  const typeAtStart = async (text) => {
    await editor().click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.insertText(text);
  };

  test('a wrong password is refused in words', async () => {
    await page.goto('/console/');
    await page.getByLabel('E-mail address').fill(INGRID);
    await page.getByLabel('Password', { exact: true }).fill('not the one');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    assert.match(await page.getByRole('alert').innerText(), /\S/);
  });

  test('the right one opens the list, and a reload stays signed in', async () => {
    await signIn(page, INGRID, PASSWORD);
    await page.locator('a[data-conversation]').first().waitFor();
    await page.reload();
    await page.locator('a[data-conversation]').first().waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
  });

  test('reloads that interrupt each other stay signed in', async () => {
    const loads = [];
    for (let i = 0; i < 8; i += 1) {
      loads.push(page.goto('/console/agents').catch(() => {}));
      await page.waitForTimeout(40);
    }
    await Promise.all(loads);
    // One of those loads may still come between: the browser begins the last ones late.
    const settled = async () => {
      await page.goto('/console/conversations');
      const listed = async () => (await page.locator('a[data-conversation]').count()) > 0;
      const away = () => !page.url().includes('/console/conversations');
      await until(async () => away() || (await listed()), 'the list, or another load');
      return listed();
    };
    await until(() => settled().catch(() => false), 'the list, still signed in');
  });

  test('j and k walk through the list, and search narrows it', async () => {
    await page.keyboard.press('j');
    const current = () =>
      page.locator('a[data-conversation][aria-current]').getAttribute('data-conversation');
    const first = await current();
    await page.keyboard.press('j');
    const second = await until(
      async () => ((await current()) !== first ? current() : null),
      'the next one',
    );
    await page.keyboard.press('k');
    await until(async () => (await current()) === first, 'the first again');
    assert.notEqual(first, second);
    const all = await page.locator('a[data-conversation]').count();
    await page.keyboard.press('/');
    await page.keyboard.type('Claire');
    await until(
      async () => (await page.locator('a[data-conversation]').count()) < all,
      'fewer conversations',
    );
    await page
      .getByRole('textbox', { name: 'Search conversations' })
      .fill('no such words anywhere');
    await page.getByText('Nothing found').waitFor();
    await page.getByRole('textbox', { name: 'Search conversations' }).fill('');
  });

  test('a new conversation and its messages appear by themselves', async () => {
    await page.goto('/console/conversations');
    await page.locator('a[data-conversation]').first().waitFor();
    const other = await openPage(browser, { base: server.url });
    await other.goto(`/chat/${AGENT}`);
    const chat = await new Chat(other).ready();
    const mark = `Shelf labels ${Date.now()}`;
    await chat.say(mark);
    const row = page
      .locator('a[data-conversation]')
      .filter({ has: page.getByLabel('New messages') });
    await row.click();
    await page.getByRole('log').getByText(mark).waitFor();
    await other.context().close();
  });

  const activeVersion = async () =>
    (await api.get('/agents')).items.find((a) => a.slug === 'support').active_version;

  test('a mistake in the YAML is shown at its line and column and cannot be saved', async () => {
    await openAgent();
    await typeAtStart('no_such_key: 1\n');
    const problems = page.getByRole('region', { name: 'Problems' });
    await problems
      .getByText(/no_such_key/)
      .first()
      .waitFor();
    await problems
      .getByText(/^1:\d+$/)
      .first()
      .waitFor();
    await page.locator('.cm-lint-marker-error').first().waitFor();
    assert.ok(await page.getByRole('button', { name: 'Save version' }).isDisabled());
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('No problems').waitFor();
  });

  test('saving makes a version, which new conversations use at once', async () => {
    const before = await activeVersion();
    await editor().locator('.cm-line').filter({ hasText: 'greeting: >-' }).first().click();
    await page.keyboard.press('End');
    await page.keyboard.insertText('\n  Good day from the new version.');
    await page.getByRole('button', { name: 'Save version' }).click();
    await page.getByLabel(/What has changed/).fill('A friendlier greeting');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText(`Version ${before + 1} is live`).waitFor();
    const other = await openPage(browser, { base: server.url });
    await other.goto(`/chat/${AGENT}`);
    const chat = await new Chat(other).ready();
    await chat.entries('ai').filter({ hasText: 'Good day from the new version' }).waitFor();
    await other.context().close();
  });

  test('somebody else saved meanwhile: both texts are shown, neither is lost', async () => {
    const before = await activeVersion();
    const other = await openPage(browser, { context: page.context() });
    await other.goto(page.url());
    await other.getByRole('textbox', { name: 'Agent configuration in YAML' }).waitFor();
    await other.getByText('No problems').waitFor();
    const save = async (where, line, message) => {
      await where.getByRole('textbox', { name: 'Agent configuration in YAML' }).click();
      await where.keyboard.press('Control+Home');
      await where.keyboard.insertText(line);
      await where.getByRole('button', { name: 'Save version' }).click();
      await where.getByLabel(/What has changed/).fill(message);
      await where.getByRole('button', { name: 'Save', exact: true }).click();
    };
    await typeAtStart('# mine\n');
    await save(other, '# theirs\n', 'Theirs');
    await other.getByText(`Version ${before + 1} is live`).waitFor();
    await page.getByRole('button', { name: 'Save version' }).click();
    await page.getByLabel(/What has changed/).fill('Mine');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/saved in the meantime/).waitFor();
    await dialog.getByText('# theirs').waitFor();
    await dialog.getByText('# mine').waitFor();
    await dialog.getByRole('button', { name: /^Save mine/ }).click();
    await page.getByText(`Version ${before + 2} is live`).waitFor(); // not the notice of before
    await other.close();
  });

  test('versions can be compared and rolled back, with a reason', async () => {
    await page.getByRole('tab', { name: 'Versions' }).click();
    const list = page.getByRole('navigation', { name: 'Versions' }).getByRole('button');
    await list.first().waitFor();
    const count = await list.count();
    await page.getByLabel('Later version').getByText('# mine').waitFor();
    await list.filter({ hasText: 'Version 1' }).last().click();
    await page.getByRole('button', { name: 'Roll back to this version' }).click();
    await page.getByLabel('Reason').fill('The greeting was too long');
    await page.getByRole('button', { name: 'Roll back', exact: true }).click();
    await until(async () => (await list.count()) === count + 1, 'one more version');
    assert.match(await list.first().innerText(), /live/);
  });

  test('documents are imported from files, found by search, and deleted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rapport-browser-'));
    const good = join(folder, 'forklift.md');
    const bad = join(folder, 'picture.png');
    await writeFile(
      good,
      '# Forklift licence\n\nA forklift licence from Zanzibar is valid for seventeen months.\n',
    );
    await writeFile(bad, 'not text');
    await page.goto('/console/knowledge');
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByLabel('Files to import').setInputFiles([good, bad]);
    await page.getByText('imported', { exact: true }).waitFor();
    await page.getByText('not imported', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Forklift licence', exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Try a search' }).click();
    await page
      .getByRole('textbox', { name: 'Question' })
      .fill('How long is a forklift licence valid?');
    await page.keyboard.press('Enter');
    const hit = page.getByRole('listitem').filter({ hasText: 'Forklift licence' }).first();
    await hit.locator('mark').first().waitFor();
    assert.match(await hit.innerText(), /seventeen months/);
    await page.getByRole('tab', { name: 'Documents' }).click();
    await page.getByRole('button', { name: 'Actions for Forklift licence' }).click();
    await page.getByRole('menuitem', { name: /Delete/ }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await until(
      async () =>
        (await page.getByRole('button', { name: 'Forklift licence', exact: true }).count()) === 0,
      'the document to go',
    );
    await rm(folder, { recursive: true });
  });

  test('records of built-in and own kinds are tables with details', async () => {
    await page.goto('/console/records');
    await page
      .getByRole('button', { name: /Nordvik/ })
      .first()
      .click();
    await page
      .getByRole('dialog')
      .getByText(/Nordvik/)
      .first()
      .waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('tab', { name: 'Orders' }).click();
    await page
      .getByRole('button', { name: /^BW-\d{5}$/ })
      .first()
      .waitFor();
  });

  test('the event log grows while one looks at it', async () => {
    await page.goto('/console/events');
    await page.getByRole('heading', { name: 'Events' }).waitFor();
    const rows = page.locator('main ul > li > button');
    await rows.first().waitFor();
    const before = await rows.count();
    const other = await openPage(browser, { base: server.url });
    await other.goto(`/chat/${AGENT}`);
    await (await new Chat(other).ready()).ask('How do returns work?');
    await until(async () => (await rows.count()) > before, 'new events');
    await rows.first().click();
    await page.getByText('payload').first().waitFor();
    await other.context().close();
  });

  test('an API key is shown once, and can be revoked', async () => {
    await page.goto('/console/settings/keys');
    await page.getByRole('button', { name: 'New API key' }).click();
    await page.getByLabel('Name').fill('Browser test');
    await page.getByRole('textbox', { name: 'Scopes' }).click();
    await page.getByRole('option', { name: 'agents:read' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Create' }).click();
    const secret = await page.getByText(/^rk_\w{16,}/).innerText();
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByText('Browser test').waitFor();
    assert.ok(!(await page.content()).includes(secret), 'it is not shown again');
    await page.getByRole('button', { name: 'Actions for Browser test' }).click();
    await page.getByRole('menuitem', { name: /Revoke/ }).click();
    await page.getByRole('button', { name: 'Revoke' }).click();
    await until(
      async () => (await page.getByText('Browser test', { exact: true }).count()) === 0,
      'the key to go',
    );
  });

  test('the audit log names what was done', async () => {
    await page.goto('/console/settings/audit');
    await page.locator('main tbody tr').first().waitFor();
    assert.ok((await page.locator('main tbody tr').count()) >= 1);
  });

  test('a server that refuses is quoted with the id of the request', async () => {
    await page.route('**/api/v1/documents?*', (route) =>
      route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          title: 'Unavailable',
          status: 503,
          code: 'unavailable',
          detail: 'The store is being moved.',
          request_id: 'req-4711',
        }),
      }),
    );
    await page.goto('/console/knowledge');
    await page.getByText('The store is being moved.').waitFor();
    await page.getByText('req-4711').waitFor();
    await page.unroute('**/api/v1/documents?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('main tbody tr').first().waitFor();
  });

  test('dark is remembered', async () => {
    await page.getByRole('button', { name: /^Ingrid/ }).click();
    await page.getByRole('menuitem', { name: 'Dark' }).click();
    const scheme = () => page.evaluate(() => document.documentElement.dataset.mantineColorScheme);
    assert.equal(await scheme(), 'dark');
    await page.reload();
    assert.equal(await scheme(), 'dark');
    await page.getByRole('button', { name: /^Ingrid/ }).click();
    await page.getByRole('menuitem', { name: 'Light' }).click();
  });

  test('signing out ends the session, in every tab', async () => {
    const other = await openPage(browser, { context: page.context() });
    await other.goto('/console/agents');
    await other.getByRole('link', { name: 'Robin', exact: true }).waitFor();
    await page.getByRole('button', { name: /^Ingrid/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
    await other.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
    noTroubles(page);
  });
});
