// Every page, wide and narrow, light and dark: nothing an axe rule calls serious, nothing that has
// to be scrolled sideways, no complaint of the browser. A page is opened in one scheme and then
// shown in the other, as when a system goes dark in the evening: only its colours are looked at anew.
// The next page is opened in that one.
import { after, before, describe, test } from 'node:test';
import {
  accessible,
  Chat,
  fitsWidth,
  NARROW,
  noTroubles,
  openPage,
  signIn,
  WIDE,
} from './browser.js';
import { AGENT, INGRID, PASSWORD, skip } from './server.js';
import { openStage } from './stage.js';

const looks = [
  { name: '1440', size: WIDE, scheme: 'light' },
  { name: '390', size: NARROW, scheme: 'dark' },
];

/** As when the system does: the page follows. */
async function turn(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme });
  await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
}

const consolePages = [
  ['/console/agents', (page) => page.getByRole('link', { name: 'Robin', exact: true }).waitFor()],
  ['/console/agents/new', (page) => page.locator('.cm-content').waitFor()],
  ['/console/knowledge', (page) => page.locator('main tbody tr').first().waitFor()],
  ['/console/records', (page) => page.locator('main tbody tr').first().waitFor()],
  ['/console/records/order', (page) => page.locator('main tbody tr').first().waitFor()],
  ['/console/events', (page) => page.locator('main ul > li > button').first().waitFor()],
  ['/console/success', (page) => page.getByText('What do you want to know?').waitFor()],
  [
    '/console/success?account=ziegler-werkzeug&task=renewal',
    (page) => page.getByText('Done', { exact: true }).waitFor(),
  ],
  ['/console/accounts', (page) => page.getByRole('table', { name: 'Accounts' }).waitFor()],
  [
    '/console/accounts?tab=renewals',
    (page) =>
      page
        .getByText(/renewals?, |Nothing renews/)
        .first()
        .waitFor(),
  ],
  [
    '/console/accounts/ziegler-werkzeug',
    (page) => page.getByText('Move a slider to see what it would change.').waitFor(),
  ],
  ['/console/evals', (page) => page.getByRole('checkbox', { name: 'Health status' }).waitFor()],
  [
    '/console/settings/tools',
    (page) => page.getByRole('button', { name: 'New tool client' }).waitFor(),
  ],
  ['/console/settings/success', (page) => page.getByText('In force', { exact: true }).waitFor()],
  ['/console/settings/members', (page) => page.locator('main tbody tr').first().waitFor()],
  [
    '/console/settings/audit',
    (page) => page.getByRole('tab', { name: 'Audit log', selected: true }).waitFor(),
  ],
];

describe('every page', { skip }, () => {
  let stage, server, browser;
  before(async () => {
    stage = await openStage();
    ({ server, browser } = stage);
  });
  after(() => stage?.close());

  for (const look of looks)
    describe(`pages at ${look.name}`, () => {
      let page;
      before(async () => {
        page = await openPage(browser, { base: server.url, ...look });
      });
      after(() => page?.context().close());
      // The scheme that the page was turned to stays for the next one.
      let { scheme } = look;
      const check = async (name) => {
        await accessible(page, `${name}, ${scheme}`);
        await fitsWidth(page, name);
        scheme = scheme === 'light' ? 'dark' : 'light';
        await turn(page, scheme);
        await accessible(page, `${name}, ${scheme}`, { rules: ['color-contrast'] });
      };

      test('the start page', async () => {
        await page.goto('/');
        await new Chat(page).ready();
        await check('start page');
      });

      test('the chat page with a cited answer', async () => {
        await page.goto(`/chat/${AGENT}`);
        const chat = await new Chat(page).ready();
        await chat.ask('How do returns work?');
        await chat.panel
          .getByRole('button', { name: /sources?$/ })
          .last()
          .click();
        await check('chat page');
      });

      test('the API reference', async () => {
        await page.goto('/reference.html');
        await page.getByRole('heading', { name: 'Conversation', exact: true }).waitFor();
        await page.locator('summary').filter({ hasText: '/api/v1/chat/sessions' }).click();
        await check('reference');
      });

      test('the sign-in', async () => {
        await page.goto('/console/');
        await page.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
        await check('sign-in');
      });

      test('the list, a conversation, and one of its runs', async () => {
        await signIn(page, INGRID, PASSWORD);
        const row = page.locator('a[data-conversation]').first();
        await row.waitFor();
        await check('list');
        await row.click();
        await page
          .getByRole('log', { name: 'Messages' })
          .getByText('How do returns work?')
          .waitFor();
        await check('conversation');
        await page.locator('a[href*="/runs/"]').first().click();
        await page.getByRole('region', { name: 'Step' }).waitFor();
        await check('run');
      });

      test('an agent and its versions', async () => {
        await page.goto('/console/agents');
        await page.getByRole('link', { name: 'Robin', exact: true }).click();
        await page.getByText('No problems').waitFor();
        await check('editor');
        await page.getByRole('tab', { name: 'Versions' }).click();
        await page
          .getByRole('navigation', { name: 'Versions' })
          .getByRole('button')
          .first()
          .waitFor();
        await page.locator('.cm-content').last().waitFor();
        await check('versions');
      });

      for (const [path, shown] of consolePages)
        test(path, async () => {
          await page.goto(path);
          await shown(page);
          await check(path);
        });

      test('no page complained', () => noTroubles(page));
    });
});
