// The embeddable script on somebody else's site: another origin, its own styles, a strict policy.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { accessible, Chat, NARROW, noTroubles, openPage, startBrowser, until } from './browser.js';
import { AGENT, skip, startServer } from './server.js';

describe('the widget on another site', { skip }, () => {
  let server, browser, site, siteUrl;
  before(async () => {
    server = await startServer();
    browser = await startBrowser();
    site = createServer((_request, response) => {
      const live = server.url.replace('http', 'ws');
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.setHeader(
        'Content-Security-Policy',
        `default-src 'none'; style-src 'self'; script-src ${server.url}; connect-src ${server.url} ${live}`,
      );
      response.end(`<!doctype html><html lang="en"><title>Shop</title><main><h1>A shop</h1><p>Goods.</p></main>
        <script src="${server.url}/widget.js" data-agent="${AGENT}" async></script></html>`);
    });
    await new Promise((done) => site.listen(0, '127.0.0.1', done));
    siteUrl = `http://127.0.0.1:${site.address().port}`;
  });
  after(async () => {
    await browser?.close();
    await new Promise((done) => site.close(done));
    await server?.stop();
  });

  test('opens, answers and closes by keyboard alone', async () => {
    const page = await openPage(browser, { base: siteUrl });
    await page.goto('/');
    const launcher = page.getByRole('button', { name: /^Open chat/ });
    await launcher.waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const chat = await new Chat(page).ready();
    const active = () =>
      page.evaluate(() =>
        document.activeElement.shadowRoot?.activeElement?.getAttribute('aria-label'),
      );
    assert.equal(await active(), 'Message', 'the cursor is where one writes');
    await page.keyboard.type('How do returns work?');
    await page.keyboard.press('Enter');
    await until(async () => (await chat.entries('ai').count()) >= 2, 'an answer');
    await accessible(page, 'open widget');
    await page.keyboard.press('Escape');
    await launcher.waitFor();
    assert.match(await active(), /^Open chat/, 'focus is back on the button');
    noTroubles(page);
    await page.context().close();
  });

  test('the menu works by arrow keys and Escape', async () => {
    const page = await openPage(browser, { base: siteUrl });
    await page.goto('/');
    await page.getByRole('button', { name: /^Open chat/ }).click();
    const chat = await new Chat(page).ready();
    await chat.panel.getByRole('button', { name: 'Chat options' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const item = () =>
      page.evaluate(
        () => document.querySelector('rapport-chat').shadowRoot.activeElement.textContent,
      );
    assert.match(await item(), /Start over/);
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    assert.ok(await chat.panel.isVisible(), 'Escape closed the menu only');
    await page.context().close();
  });

  test('on a telephone it fills the screen', async () => {
    const page = await openPage(browser, { base: siteUrl, size: NARROW });
    await page.goto('/');
    await page.getByRole('button', { name: /^Open chat/ }).click();
    const chat = await new Chat(page).ready();
    const box = await chat.panel.boundingBox();
    assert.deepEqual([box.x, box.y, box.width, box.height], [0, 0, NARROW.width, NARROW.height]);
    await page.context().close();
  });

  test('markup in a message stays text', async () => {
    const page = await openPage(browser, { base: siteUrl });
    await page.goto('/');
    await page.getByRole('button', { name: /^Open chat/ }).click();
    const chat = await new Chat(page).ready();
    const evil = '<img src=x onerror="document.title=1"> [x](javascript:alert(1)) **bold**';
    await chat.ask(evil);
    assert.equal((await chat.texts('contact'))[0], evil);
    assert.equal(await page.title(), 'Shop');
    assert.equal(await chat.panel.locator('img').count(), 0);
    await page.context().close();
  });
});
