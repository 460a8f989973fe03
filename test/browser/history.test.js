// A conversation longer than a page: the newest messages first, earlier ones when somebody scrolls
// up or asks, and what is being read stays where it is.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Chat, noTroubles, openPage, signIn, startBrowser, until } from './browser.js';
import { AGENT, HANNAH, memberApi, PASSWORD, skip, startServer } from './server.js';

const COUNT = 130;

describe('a long conversation', { skip }, () => {
  let server, browser, api, visitor, chat, id;
  before(async () => {
    server = await startServer();
    browser = await startBrowser();
    api = await memberApi(server, HANNAH);
    visitor = await openPage(browser, { base: server.url });
    await visitor.goto(`/chat/${AGENT}`);
    chat = await new Chat(visitor).ready();
    await chat.ask('I want to talk to a person');
    id = (await api.get('/conversations?q=talk%20to%20a%20person')).items[0].id;
    await api.post(`/conversations/${id}/takeover`);
    for (let n = 1; n <= COUNT; n += 1)
      await api.post(`/conversations/${id}/messages`, { text: `Line ${n} of ${COUNT}.` });
    await visitor.reload();
    chat = await new Chat(visitor).ready();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  const line = (n) => chat.entries('member').filter({ hasText: `Line ${n} of` });

  test('the chat opens at its end', async () => {
    await line(COUNT).waitFor();
    await until(() => line(COUNT).isVisible(), 'the newest message');
    assert.equal(await line(1).count(), 0);
  });

  test('the button brings the page before, and moves nothing', async () => {
    const scroll = chat.panel.getByRole('region', { name: 'Messages' });
    await scroll.evaluate((box) => (box.scrollTop = 400));
    const first = chat.panel.locator('.entry').first();
    const words = await first.innerText();
    const anchor = chat.panel.locator('.entry').filter({ hasText: words.split('\n').at(-1) });
    const top = (await anchor.first().boundingBox()).y;
    const before = await chat.entries('member').count();
    await chat.panel.getByRole('button', { name: 'Earlier messages' }).evaluate((b) => b.click());
    await until(async () => (await chat.entries('member').count()) > before, 'earlier messages');
    await until(async () => {
      const now = (await anchor.first().boundingBox()).y;
      return Math.abs(now - top) <= 40;
    }, `what stood at ${top} to stand there again`);
  });

  test('scrolling up reads on to the very first', async () => {
    const scroll = chat.panel.getByRole('region', { name: 'Messages' });
    await until(async () => {
      await scroll.evaluate((box) => (box.scrollTop = 0));
      return (await line(1).count()) === 1;
    }, 'the first line');
    await chat.panel.getByText('I want to talk to a person').waitFor();
    assert.equal(await chat.entries('member').count(), COUNT, 'each once');
    await until(
      async () => !(await chat.panel.getByRole('button', { name: 'Earlier messages' }).isVisible()),
      'the end of what is earlier',
    );
  });

  test('the console does the same', async () => {
    const member = await openPage(browser, { base: server.url });
    await signIn(member, HANNAH, PASSWORD);
    await member.goto(`/console/conversations/${id}`);
    const log = member.getByRole('log', { name: 'Messages' });
    await log.getByText(`Line ${COUNT} of`).waitFor();
    assert.equal(await log.getByText('Line 1 of').count(), 0);
    const box = member.getByRole('region', { name: 'Transcript' });
    await until(async () => {
      await box.evaluate((element) => (element.scrollTop = 0));
      return (await log.getByText('Line 1 of').count()) === 1;
    }, 'the first line');
    assert.equal(await log.getByText(/^Line \d+ of/).count(), COUNT, 'each once');
    noTroubles(member);
    await member.context().close();
  });

  test('no page complained', () => noTroubles(visitor));
});
