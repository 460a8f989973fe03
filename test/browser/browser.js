// Chromium as a person uses it: pages that remember every complaint of the browser, and the
// accessibility check.
import axe from 'axe-core';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const WAIT_MS = 45_000; // of machines with other work, too

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };

export async function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: flags,
  });
}

/**
 * One person with a browser of their own (its cookies and storage). `pages` may share it.
 * `base` lets a test put something between the browser and the server.
 */
export async function openPage(browser, { base, size = WIDE, scheme = 'light', context } = {}) {
  const own =
    context ??
    (await browser.newContext({
      baseURL: base,
      viewport: size,
      colorScheme: scheme,
      locale: 'en-GB',
      reducedMotion: 'reduce',
    }));
  const page = await own.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.troubles = [];
  page.on('pageerror', (error) => page.troubles.push(`uncaught ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    // A refused request is the server's word, and pages show it; the browser also logs it.
    const expected = /Failed to load resource|ERR_|WebSocket connection to/.test(text);
    if (message.type() === 'error' && !expected) page.troubles.push(text);
  });
  return page;
}

export function noTroubles(page) {
  assert.deepEqual(page.troubles, []);
}

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];

/** Nothing that an axe rule calls serious or critical; `rules`: only these. */
export async function accessible(page, name, { rules } = {}) {
  const runOnly = rules ? { type: 'rule', values: rules } : { type: 'tag', values: TAGS };
  if (!(await page.evaluate(() => !!globalThis.axe))) await page.evaluate(axe.source);
  const found = await page.evaluate(async (only) => {
    // What holds is not described: that took as long as looking.
    const options = { runOnly: only, resultTypes: ['violations'] };
    const result = await globalThis.axe.run(document, options);
    return result.violations.map((v) => ({
      id: v.id,
      impact: v.impact,
      nodes: v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.failureSummary ?? ''}`),
    }));
  }, runOnly);
  const grave = found.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(grave, [], `${name}: ${JSON.stringify(grave, null, 1)}`);
}

/** The page is as wide as the window: nothing has to be scrolled sideways. */
export async function fitsWidth(page, name) {
  const over = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
}

/** Reads until `look` gives something true, as long as a person would wait. */
export async function until(look, what) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const value = await look();
    if (value) return value;
    assert.ok(Date.now() < end, `time was up while waiting for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export async function signIn(page, email, password) {
  await page.goto('/console/');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Conversations', level: 1 }).waitFor();
}

/** The chat of a page: says things and reads what stands there. */
export class Chat {
  constructor(page) {
    this.page = page;
    this.panel = page.locator('rapport-chat section.panel');
    this.input = this.panel.getByRole('textbox', { name: 'Message' });
  }

  async ready() {
    await this.input.waitFor();
    await until(() => this.link().then((link) => link !== 'connecting'), 'a line to the server');
    return this;
  }

  link() {
    return this.panel.getAttribute('data-link');
  }

  entries(role) {
    return this.panel.locator(`.entry[data-role="${role}"]`);
  }

  texts(role) {
    return this.entries(role).locator('.text').allInnerTexts();
  }

  async say(text) {
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  /** Says something and gives the agent's next answer. */
  async ask(text) {
    const before = await this.entries('ai').count();
    await this.say(text);
    await until(async () => (await this.entries('ai').count()) > before, `an answer to “${text}”`);
    return this.entries('ai').last().locator('.text').innerText();
  }

  async menu(item) {
    await this.panel.getByRole('button', { name: 'Chat options' }).click();
    await this.page.getByRole('menuitem', { name: item }).click();
  }
}
