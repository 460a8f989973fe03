// What the chat does when the network is bad: lower rungs of the ladder, a cut line, a reload with
// unsent messages. Nothing is lost, nothing arrives twice.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Chat, noTroubles, openPage, signIn, startBrowser, until } from './browser.js';
import { startLine } from './cuttable.js';
import { AGENT, INGRID, memberApi, PASSWORD, skip, startServer } from './server.js';

const noWebSocket = () => {
  globalThis.WebSocket = class {
    constructor() {
      setTimeout(() => this.onclose?.({ code: 1006 }), 0);
    }
    close() {}
  };
  Object.assign(globalThis.WebSocket, { OPEN: 1 });
};
const noEventSource = () => {
  globalThis.EventSource = class extends EventTarget {
    constructor() {
      super();
      setTimeout(() => this.onerror?.(), 0);
    }
    close() {}
  };
};

describe('the line of the chat', { skip }, () => {
  let server, browser, line, api;
  before(async () => {
    server = await startServer();
    browser = await startBrowser();
    line = await startLine(server.port);
    api = await memberApi(server);
  });
  after(async () => {
    await browser?.close();
    await line?.stop();
    await server?.stop();
  });
  async function visit({ base = server.url, breaks = [] } = {}) {
    const page = await openPage(browser, { base });
    for (const part of breaks) await page.addInitScript(part);
    await page.goto(`/chat/${AGENT}`);
    return { page, chat: await new Chat(page).ready() };
  }
  const conversationOf = async (text) => {
    const { items } = await api.get(`/conversations?q=${encodeURIComponent(text)}`);
    return items[0];
  };

  test('where WebSockets are blocked it uses server-sent events, and still streams', async () => {
    const { page, chat } = await visit({ breaks: [noWebSocket] });
    await until(async () => (await chat.link()) === 'events', 'events');
    assert.match(await chat.ask('How do returns work?'), /\S/);
    await chat.panel.getByText('Simple connection').waitFor();
    noTroubles(page);
    await page.context().close();
  });

  test('where both are blocked it polls, and says so without shouting', async () => {
    const { page, chat } = await visit({
      breaks: [noWebSocket, noEventSource],
    });
    await until(async () => (await chat.link()) === 'polling', 'polling');
    assert.match(await chat.ask('How do returns work?'), /\S/);
    await chat.panel.getByText(/Slow connection/).waitFor();
    noTroubles(page);
    await page.context().close();
  });

  test('a cut line: written meanwhile, sent once when it is back; missed, caught up on', async () => {
    const { page, chat } = await visit({ base: line.url });
    const mark = `Blue pallets ${Date.now()}`;
    await chat.ask(mark);
    const conversation = await until(() => conversationOf(mark), 'the conversation');
    line.cut();
    await chat.say('First while away');
    await chat.say('Second while away');
    await chat.panel
      .getByText(/Kept on this device/)
      .first()
      .waitFor();
    await chat.panel.getByText(/No connection/).waitFor();
    await api.post(`/conversations/${conversation.id}/takeover`);
    await api.post(`/conversations/${conversation.id}/messages`, {
      text: 'Said while you were away',
    });
    line.mend();
    await chat.entries('member').filter({ hasText: 'Said while you were away' }).waitFor();
    await until(
      async () => (await chat.texts('contact')).includes('Second while away'),
      'the kept messages',
    );
    await until(
      async () => (await chat.panel.locator('[data-client-id]').count()) === 0,
      'an empty queue',
    );
    const { items } = await api.get(`/conversations/${conversation.id}/messages?limit=200`);
    const written = items.filter((m) => m.role === 'contact').map((m) => m.text);
    assert.deepEqual(written, [mark, 'First while away', 'Second while away']);
    const shown = await chat.texts('contact');
    assert.deepEqual(shown, written, 'each once, in order');
    noTroubles(page);
    await page.context().close();
  });

  test('a message that could not be sent survives a reload and is sent once', async () => {
    const { page, chat } = await visit();
    await page.route('**/api/v1/chat/messages', (route) =>
      route.request().method() === 'POST' ? route.abort() : route.continue(),
    );
    const mark = `Kept over a reload ${Date.now()}`;
    await chat.say(mark);
    await chat.panel.getByText(/Kept on this device/).waitFor();
    await page.reload();
    const again = await new Chat(page).ready();
    await again.panel.locator('[data-client-id]').waitFor();
    await page.unroute('**/api/v1/chat/messages');
    await until(async () => (await again.texts('contact')).includes(mark), 'the message');
    await until(
      async () => (await again.panel.locator('[data-client-id]').count()) === 0,
      'an empty queue',
    );
    const conversation = await until(() => conversationOf(mark), 'the conversation');
    const { items } = await api.get(`/conversations/${conversation.id}/messages?limit=200`);
    assert.equal(items.filter((m) => m.text === mark).length, 1);
    await page.context().close();
  });

  test('a refused message says why and can be edited', async () => {
    const { page, chat } = await visit();
    await page.route('**/api/v1/chat/messages', (route) =>
      route.fulfill({
        status: 400,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          title: 'Invalid',
          status: 400,
          code: 'invalid',
          detail: 'That is too much text.',
          request_id: 'x',
        }),
      }),
    );
    await chat.say('far too long');
    await chat.panel.getByText('That is too much text.').waitFor();
    await chat.panel.getByRole('button', { name: 'Edit' }).click();
    await until(async () => (await chat.input.inputValue()) === 'far too long', 'the text again');
    await page.unroute('**/api/v1/chat/messages');
    await page.context().close();
  });

  test('a token the server no longer knows begins a new conversation', async () => {
    const { page, chat } = await visit();
    await chat.ask('How do returns work?');
    await page.evaluate(() => {
      for (const key of Object.keys(localStorage))
        if (key.startsWith('rapport:')) {
          const kept = JSON.parse(localStorage.getItem(key));
          localStorage.setItem(key, JSON.stringify({ ...kept, token: 'made-up' }));
        }
    });
    await page.reload();
    const again = await new Chat(page).ready();
    await again.panel.getByText('The earlier conversation has ended').waitFor();
    assert.equal(await again.entries('contact').count(), 0);
    await page.context().close();
  });
});

describe('the line of the console', { skip }, () => {
  let server, browser, page;
  before(async () => {
    server = await startServer();
    browser = await startBrowser();
    page = await openPage(browser, { base: server.url });
    await signIn(page, INGRID, PASSWORD);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  /** Loses the next request of each address that matches, or all of them. */
  const lose = async (pattern, always = false) => {
    const lost = new Set();
    await page.route(pattern, (route) => {
      const url = route.request().url();
      if (lost.has(url) && !always) return route.fallback();
      lost.add(url);
      return route.abort('connectionreset');
    });
    return lost;
  };
  const loadedAgain = () => page.evaluate(() => sessionStorage.removeItem('rapport-loaded-again'));

  test('what the API did not answer is asked again', async () => {
    const lost = await lose('**/api/v1/**');
    await page.goto('/console/agents');
    await page.getByRole('link', { name: 'Robin', exact: true }).waitFor();
    assert.ok([...lost].some((url) => url.includes('/agents')));
    await page.unroute('**/api/v1/**');
  });

  for (const part of ['console-*.js', 'react-*.js', 'EventsPage-*.js', 'EventsPage-*.css'])
    test(`a page whose ${part} was lost once loads by itself`, async () => {
      await loadedAgain();
      const lost = await lose(`**/assets/${part}`);
      await page.goto('/console/events');
      await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
      assert.equal(lost.size, 1);
      await page.unroute(`**/assets/${part}`);
    });

  test('one whose script never comes says so and offers to load it again', async () => {
    await loadedAgain();
    await lose('**/assets/console-*.js', true);
    await page.goto('/console/events');
    const note = page.getByRole('alert').filter({ hasText: 'did not load completely' });
    await note.waitFor();
    await page.unroute('**/assets/console-*.js');
    await note.getByRole('link', { name: 'Load it again' }).click();
    await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
  });

  test('a part that never comes is an error of its page, and trying again loads it', async () => {
    await loadedAgain();
    await lose('**/assets/EventsPage-*.css', true);
    await page.goto('/console/events');
    const tried = () => sessionStorage.getItem('rapport-loaded-again');
    await until(() => page.evaluate(tried).catch(() => null), 'a try'); // it loads meanwhile
    const retry = page.getByRole('alert').getByRole('button', { name: 'Try again' });
    await retry.waitFor();
    await page.unroute('**/assets/EventsPage-*.css');
    await retry.click();
    await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor();
  });
});
