// Without a mouse and without eyes: where the focus goes, what a screen reader is told and how
// often, and that nothing moves for those who asked for stillness.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Chat, noTroubles, openPage, signIn, until } from './browser.js';
import { AGENT, INGRID, PASSWORD, skip } from './server.js';
import { openStage } from './stage.js';

describe('keyboard and screen reader', { skip }, () => {
  let stage, server, browser;
  before(async () => {
    stage = await openStage();
    ({ server, browser } = stage);
  });
  after(() => stage?.close());
  /** What has the focus, also inside the chat's shadow root, as it would be called. */
  const focused = (page) =>
    page.evaluate(() => {
      const outer = document.activeElement;
      const active = outer?.shadowRoot?.activeElement ?? outer;
      return active?.getAttribute('aria-label') || active?.textContent?.trim() || active?.tagName;
    });

  test('the console: skip link, then places, then the page', async () => {
    const page = await openPage(browser, { base: server.url });
    await signIn(page, INGRID, PASSWORD);
    await page.goto('/console/agents');
    await page.getByRole('link', { name: 'Robin', exact: true }).waitFor();
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'Skip to the page');
    assert.ok((await page.getByText('Skip to the page').boundingBox()).y >= 0, 'it is seen');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'New agent', 'the first thing of the page itself');
    noTroubles(page);
    await page.context().close();
  });

  test('a dialog holds the focus, and gives it back', async () => {
    const page = await openPage(browser, { base: server.url });
    await signIn(page, INGRID, PASSWORD);
    await page.goto('/console/settings/members');
    const add = page.getByRole('button', { name: 'Add member' });
    await add.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    const holds = () => dialog.evaluate((d) => d.contains(document.activeElement));
    await until(holds, 'the focus in the dialog');
    for (let i = 0; i < 12; i += 1) {
      await page.keyboard.press('Tab');
      assert.ok(await holds(), `after ${i + 1} tabs: ${await focused(page)}`);
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await until(async () => (await focused(page)) === 'Add member', 'the focus where it was');
    await page.context().close();
  });

  test('the chat: messages, then suggestions, then where one writes', async () => {
    const page = await openPage(browser, { base: server.url });
    await page.goto(`/chat/${AGENT}`);
    await new Chat(page).ready();
    await page.evaluate(() => document.activeElement.blur());
    const order = [];
    for (let i = 0; i < 7; i += 1) {
      await page.keyboard.press('Tab');
      order.push(await focused(page));
    }
    assert.deepEqual(order.slice(0, 2), ['Chat options', 'Messages']);
    assert.equal(order.at(-1), 'Message', order.join(', '));
    await page.context().close();
  });

  test('a streamed answer is announced when it begins and read once, when it is whole', async () => {
    const page = await openPage(browser, { base: server.url });
    let line;
    await page.routeWebSocket(/\/chat\/ws/, (socket) => {
      line = socket;
      const upstream = socket.connectToServer();
      socket.onMessage((message) => upstream.send(message));
      upstream.onMessage((message) => socket.send(message));
    });
    await page.goto(`/chat/${AGENT}`);
    const chat = await new Chat(page).ready();
    await chat.ask('Hello');
    await page.evaluate(() => {
      const root = document.querySelector('rapport-chat').shadowRoot;
      window.told = [];
      const watch = (element, name) =>
        new MutationObserver((list) => {
          const added = list.flatMap((m) => [...m.addedNodes].map((n) => n.textContent));
          window.told.push(...added.map((text) => `${name}: ${text}`));
        }).observe(element, { childList: true, subtree: true, characterData: true });
      watch(root.querySelector('[role=log]'), 'log');
      watch(root.querySelector('.sr[role=status]'), 'status');
    });
    const send = (frame) => line.send(JSON.stringify(frame));
    const pieces = ['You may ', 'return it ', 'within 30 ', 'days ', 'of delivery.'];
    for (const text of pieces) {
      send({ type: 'delta', turn: 't-1', text });
      await page.waitForTimeout(60);
    }
    await chat.panel.locator('[data-draft]').getByText('within 30').waitFor();
    const draft = chat.panel
      .locator('[aria-live="off"]')
      .filter({ has: page.locator('[data-draft]') });
    assert.equal(await draft.count(), 1, 'the pieces are in a region that is not read out');
    const message = {
      id: 'm-1',
      seq: 9_999,
      role: 'ai',
      author: null,
      text: pieces.join(''),
      citations: [],
      created_at: Date.now(),
    };
    send({ type: 'message', seq: 9_999, message });
    await chat
      .entries('ai')
      .filter({ hasText: pieces.join('') })
      .waitFor();
    const told = await until(async () => {
      const all = await page.evaluate(() => window.told);
      return ['status:', 'log:'].every((where) => all.some((t) => t.startsWith(where))) && all;
    }, 'the answer to be told');
    assert.equal(told.filter((t) => t.startsWith('status:')).length, 1, told.join('\n'));
    assert.equal(told.filter((t) => t.startsWith('log:')).length, 1, told.join('\n'));
    await page.context().close();
  });

  test('who asked for stillness gets it', async () => {
    const page = await openPage(browser, { base: server.url }); // asks for reduced motion
    await page.goto(`/chat/${AGENT}`);
    await new Chat(page).ready();
    const moving = await page.evaluate(
      () =>
        document
          .getAnimations()
          .filter((a) => a.effect.getComputedTiming().endTime > 50 && a.playState === 'running')
          .length,
    );
    assert.equal(moving, 0);
    await page.context().close();
  });
});
