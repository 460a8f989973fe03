// The order problem with a model outside, on a local server that speaks the vendors' wire formats,
// as visitor and member see it: what the model wrote, what a person took over, what it cost.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FakeLlm } from '../fake/llm/fake.js';
import { ROOT, startRapport } from '../wire/rapport.js';
import { Chat, noTroubles, openPage, signIn, startBrowser, until } from './browser.js';
import { AGENT, HANNAH, memberApi, PASSWORD } from './server.js';

const MODELS = { anthropic: 'claude-sonnet-5-5', openai: 'gpt-5.4' };
const skip = process.env.RAPPORT_BIN ? false : 'RAPPORT_BIN is not set';

describe('an order problem, with a model outside', { skip }, () => {
  let fake, server, browser, api, yaml;
  before(async () => {
    fake = await FakeLlm.start();
    fake.load({ builtin: 'brightwell' });
    const providers = Object.entries(MODELS).map(([kind, model]) => ({
      name: kind,
      kind,
      base_url: kind === 'openai' ? `${fake.url}/v1` : fake.url,
      key_env: 'BROWSER_MODEL_KEY',
      allow_private: true,
      models: [{ name: model, class: 'balanced', price_in: 300, price_out: 1500 }],
    }));
    server = await startRapport({
      config: { llm: { providers } },
      env: { BROWSER_MODEL_KEY: 'sk-browser-4711' },
    });
    browser = await startBrowser();
    api = await memberApi(server);
    yaml = await readFile(join(ROOT, 'samples/brightwell/agents/support.yaml'), 'utf8');
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await fake?.close();
  });
  const calls = () => fake.requests((row) => /messages$|completions$/.test(row.path));

  for (const [provider, model] of Object.entries(MODELS))
    test(`${provider}: asked, confirmed, done, cited; a person in between; all of it kept`, async () => {
      const llm = { provider, model, max_tokens: 500 };
      await api.post('/agents', {
        message: 'A model outside',
        yaml: yaml.replace(/^llm_config: .*$/m, `llm_config: ${JSON.stringify(llm)}`),
      });
      const { items } = await api.get('/records/order?limit=200');
      const order = items.find(
        (o) => o.account === 'nordvik-logistics' && o.status === 'processing',
      );
      assert.ok(order, 'the demo has an order that can be cancelled');
      const visitor = await openPage(browser, { base: server.url });
      // The visitor of the demo, whom the start page would name.
      const { visitor: contact } = await (await fetch(`${server.url}/api/v1/demo`)).json();
      await visitor.route('**/api/v1/chat/sessions', (route) => {
        const asked = route.request().postDataJSON();
        return route.continue({ postData: JSON.stringify({ contact, ...asked }) });
      });
      await visitor.goto(`/chat/${AGENT}`);
      const chat = await new Chat(visitor).ready();
      assert.match(await chat.ask("I'd like to cancel my order"), /Which order/);
      assert.match(await chat.ask(order.number), /May I ask why/);
      assert.match(await chat.ask('We ordered it twice'), new RegExp(`order ${order.number}\\?`));
      assert.match(await chat.ask('yes'), /cancelled/);
      await chat.ask('How do I pair a scanner with the app?');
      await chat
        .entries('ai')
        .last()
        .getByRole('button', { name: /sources?$/ })
        .waitFor();
      await chat.ask('I want to talk to a human');
      await chat.panel.getByText('A person will join you here').waitFor();

      const member = await openPage(browser, { base: server.url });
      await signIn(member, HANNAH, PASSWORD);
      const row = member.locator('a[data-conversation]').first();
      await row.getByText('Asked for a person').waitFor();
      await row.click();
      await member.getByRole('button', { name: 'Take over' }).click();
      await member.getByRole('textbox', { name: /^Reply to/ }).fill('Hannah here, all is well.');
      await member.keyboard.press('Enter');
      await chat.entries('member').filter({ hasText: 'all is well' }).waitFor();
      const asked = calls().length;
      await chat.say('Thank you, Hannah');
      await member.getByRole('log').getByText('Thank you, Hannah').waitFor();
      assert.equal(calls().length, asked, 'the model is not asked while a person answers');
      const answers = await chat.entries('ai').count();
      await member.getByRole('button', { name: /^Hand back/ }).click();
      await chat.panel.getByRole('heading', { name: 'Robin' }).waitFor();
      // What nobody answered is Robin's now; a question asked in between would be answered with it.
      await until(
        async () => (await chat.entries('ai').count()) > answers,
        'an answer to the thanks',
      );
      await chat.ask('How do I pair a scanner with the app?');
      assert.ok(calls().length > asked, 'the model answers again');
      await chat
        .entries('ai')
        .last()
        .getByRole('button', { name: /sources?$/ })
        .waitFor();

      await member.getByRole('tab', { name: /^Runs/ }).click();
      const run = member.locator('[data-run]').filter({ hasText: '“yes”' });
      await until(async () => /tokens · \$\d/.test(await run.innerText()), 'tokens and cost');
      await run.getByRole('button').first().click();
      await run.getByRole('link', { name: 'Inspect this run' }).click();
      const detail = member.getByRole('region', { name: 'Step' });
      const steps = member.getByRole('navigation', { name: 'Steps' });
      await steps
        .getByRole('link', { name: /generate/ })
        .first()
        .click();
      await until(async () => (await detail.innerText()).includes(model), 'the name of the model');
      assert.match(await detail.innerText(), /Tokens\s+[1-9][\d,]* in, [1-9]/);
      await steps.getByRole('link', { name: /tools/ }).first().click();
      await detail.getByText('cancel_order').first().waitFor();
      assert.deepEqual(
        calls().filter((row) => row.outcome === 'refused'),
        [],
        'every request had the shape that the vendor wants',
      );
      noTroubles(visitor);
      noTroubles(member);
      await visitor.context().close();
      await member.context().close();
    });
});
