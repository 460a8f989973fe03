// docs/tour.md, followed to the letter in one browser with two windows. Who changes a word there
// changes it here.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Chat, noTroubles, openPage, signIn, startBrowser, until } from './browser.js';
import { AGENT, HANNAH, INGRID, PASSWORD, skip, startServer } from './server.js';

const run = promisify(execFile);
const ORDER = 'BW-10455';

describe('a quarter of an hour with the demo', { skip }, () => {
  let server, browser, maya, chat, team;
  before(async () => {
    server = await startServer();
    browser = await startBrowser();
    maya = await openPage(browser, { base: server.url });
    team = await openPage(browser, { context: maya.context() });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  const editor = () => team.getByRole('textbox', { name: 'Agent configuration in YAML' });
  /** Finds a text as a person does, and writes over it. */
  const replace = async (found, text) => {
    await editor().click();
    await team.keyboard.press('Control+f');
    await team.getByRole('textbox', { name: 'Find' }).selectText();
    await team.keyboard.type(found);
    await team.keyboard.press('Enter');
    await team.keyboard.press('Escape');
    await team.keyboard.insertText(text);
  };

  test('1.1 where is my order: Robin asks which one', async () => {
    await maya.goto('/');
    await maya.getByText('In this chat you are Maya').waitFor();
    chat = await new Chat(maya).ready();
    assert.match(await chat.ask('Where is my order?'), /Which order/);
  });

  test('1.2 the number: what is in it, what it costs, where it stands', async () => {
    assert.match(await chat.ask(ORDER), /Kestrel Pro.*€1,581\.00.*being prepared/s);
  });

  test('1.3 cancelling: a reason, a yes, done', async () => {
    assert.match(await chat.ask('Please cancel it'), /why/);
    assert.match(await chat.ask('we ordered it twice'), new RegExp(`Shall I cancel.*${ORDER}\\?`));
    assert.match(await chat.ask('yes'), new RegExp(`${ORDER} is cancelled`));
  });

  test('1.4 a question: the answer ends with a number that opens article and passage', async () => {
    const text = await chat.ask('How many days do I have to return a scanner?');
    assert.match(text, /30 days/);
    const answer = chat.entries('ai').last();
    await answer
      .getByRole('button', { name: /^Show source/ })
      .first()
      .click();
    const source = answer.locator('.source').first();
    assert.match(await source.getByRole('button').innerText(), /Return policy/);
    assert.match(await source.locator('q').innerText(), /within 30 days of delivery/);
    const passage = await source.locator('q').boundingBox();
    const writing = await chat.input.boundingBox();
    assert.ok(passage.y + passage.height < writing.y, 'the passage is in view');
  });

  test('1.5 a person: Robin hands over', async () => {
    await chat.ask('I want to talk to a person');
    await chat.panel.getByText('A person will join you here').waitFor();
  });

  test('2.1 the conversation is at the top of the list, waiting', async () => {
    await signIn(team, HANNAH, PASSWORD);
    const row = team.locator('a[data-conversation]').first();
    await row.getByText('Maya Lindqvist').waitFor();
    await row.getByText('Asked for a person').waitFor();
    await row.click();
  });

  test('2.2 take over: the answer arrives, Robin stays silent', async () => {
    await team.getByRole('button', { name: 'Take over' }).click();
    await team.getByRole('textbox', { name: /^Reply to/ }).fill('Hello Maya, Hannah here.');
    await team.keyboard.press('Enter');
    await chat.entries('member').filter({ hasText: 'Hannah here' }).waitFor();
    const answers = await chat.entries('ai').count();
    await chat.say('Good to hear from you');
    await team.getByRole('log').getByText('Good to hear from you').waitFor();
    assert.equal(await chat.entries('ai').count(), answers);
  });

  test('2.3 hand back: Robin answers again', async () => {
    await team.getByRole('button', { name: 'Hand back to Robin' }).click();
    await chat.panel.getByRole('heading', { name: 'Robin' }).waitFor();
    assert.match(await chat.ask('How do I pair a scanner?'), /\S/);
  });

  test('2.4 the run under the yes: steps, tool call, model call, passages, changes', async () => {
    await team.getByRole('tab', { name: /^Runs/ }).click();
    const entry = team.locator('[data-run]').filter({ hasText: '“yes”' });
    await entry.getByRole('button').first().click();
    await entry.getByRole('link', { name: 'Inspect this run' }).click();
    const detail = team.getByRole('region', { name: 'Step' });
    const step = async (name) => {
      await team.getByRole('navigation', { name: 'Steps' }).getByRole('link', { name }).click();
      await detail.getByRole('heading', { name }).waitFor();
      return detail.innerText();
    };
    const tools = await step(/tools/);
    for (const word of [/cancel_order/, new RegExp(ORDER), /Idempotency key/, /Checkpoint/])
      assert.match(tools, word);
    assert.match(await step(/generate/), /Tokens[\s\S]*Cost/);
    await team.getByRole('link', { name: 'Back to the conversation' }).click();
    await team.getByRole('tab', { name: /^Runs/ }).click();
    const asked = team.locator('[data-run]').filter({ hasText: 'How many days' });
    await asked.getByRole('button').first().click();
    await asked.getByRole('link', { name: 'Inspect this run' }).click();
    assert.match(await step(/context/), /passages[\s\S]*Return policy/);
  });

  test('3.1 the YAML, broken: the fault appears at its line', async () => {
    await team.getByRole('button', { name: /Hannah Brandt/ }).click();
    await team.getByRole('menuitem', { name: 'Sign out' }).click();
    await team.getByRole('heading', { name: 'Sign in to the console' }).waitFor();
    await signIn(team, INGRID, PASSWORD);
    await team.getByRole('link', { name: 'Agents', exact: true }).click();
    await team.getByRole('link', { name: 'Robin', exact: true }).click();
    await team.getByText('No problems').waitFor();
    await replace('name: get_order', 'name: GET_ORDER');
    const problems = team.getByRole('region', { name: 'Problems' });
    await problems
      .getByText(/^\d+:\d+$/)
      .first()
      .waitFor();
    assert.ok(await team.getByRole('button', { name: 'Save version' }).isDisabled());
    await team.getByRole('button', { name: 'Discard' }).click();
    await team.getByText('No problems').waitFor();
  });

  test('3.2 another greeting: a new conversation has it, the earlier one keeps its version', async () => {
    await replace("Hello, I'm Robin,", "Good day, I'm Robin,");
    await team.getByRole('button', { name: 'Save version' }).click();
    await team.getByLabel(/What has changed/).fill('A friendlier greeting');
    await team.getByRole('button', { name: 'Save', exact: true }).click();
    await team.getByText('Version 2 is live').waitFor();
    await chat.menu('Start over');
    await maya.getByRole('button', { name: 'Start over' }).click();
    await chat.entries('ai').filter({ hasText: "Good day, I'm Robin" }).waitFor();
    assert.match(await chat.ask('Hello'), /How can I help/);
    await team.getByRole('link', { name: /^Conversations/ }).click();
    const hers = team.locator('a[data-conversation]').filter({ hasText: 'Maya Lindqvist' });
    // The list keeps moving while news comes in; what is said last puts the new one on top.
    await hers.first().filter({ hasText: 'How can I help' }).waitFor();
    await hers.first().click();
    await team.getByRole('link', { name: 'Robin, version 2' }).waitFor();
    await hers.nth(1).click();
    await team.getByRole('link', { name: 'Robin, version 1' }).waitFor();
  });

  test('3.3 versions: compared, and rolled back with a reason', async () => {
    await team.getByRole('link', { name: 'Agents', exact: true }).click();
    await team.getByRole('link', { name: 'Robin', exact: true }).click();
    await team.getByRole('tab', { name: 'Versions' }).click();
    const versions = team.getByRole('navigation', { name: 'Versions' }).getByRole('button');
    await versions.filter({ hasText: 'Version 2' }).click();
    const lines = team.getByRole('region', { name: 'Version 2' }).locator('.cm-line');
    await lines.filter({ hasText: "Good day, I'm Robin" }).first().waitFor();
    await lines.filter({ hasText: "Hello, I'm Robin" }).first().waitFor();
    await versions.filter({ hasText: 'Version 1' }).click();
    await team.getByRole('button', { name: /^Roll back/ }).click();
    await team.getByLabel('Reason').fill('The first one was better');
    await team
      .getByRole('dialog')
      .getByRole('button', { name: /^Roll back/ })
      .click();
    await versions.filter({ hasText: 'Version 3' }).waitFor();
  });

  test('3.4 the terminal: chat, events as they happen, help', async (t) => {
    if (!server.data) return; // the server is somebody else's, and so is its folder
    const command = (...words) => {
      const child = spawn(process.env.RAPPORT_BIN, [...words, '--data', server.data]);
      t.after(() => child.kill());
      let told = '';
      child.stdout.on('data', (piece) => (told += piece));
      return { child, told: () => told };
    };
    const talk = command('chat', '--agent', AGENT);
    await until(() => /I'm Robin/.test(talk.told()), 'the greeting in the terminal');
    talk.child.stdin.write('Where is my order?\n');
    await until(() => /Which order/.test(talk.told()), 'an answer in the terminal');
    const tail = command('events', 'tail', '--org', 'brightwell');
    await until(async () => {
      await chat.ask('Thank you');
      return /message_received/.test(tail.told());
    }, 'an event in the terminal');
    assert.match((await run(process.env.RAPPORT_BIN, ['help'])).stdout, /serve/);
  });

  test('4.1 the portfolio: those at risk, and one of them', async () => {
    await team.getByRole('link', { name: 'Portfolio', exact: true }).click();
    await team
      .getByRole('region', { name: 'Risk' })
      .getByRole('button', { name: /At risk$/ })
      .click();
    await team.waitForURL(/risk=high/);
    await team.getByRole('link', { name: 'Ziegler Werkzeug GmbH' }).click();
    await team.getByRole('heading', { name: 'Ziegler Werkzeug GmbH', level: 1 }).waitFor();
  });

  test('4.2 what if there were no tickets, and the page as it was', async () => {
    const panel = team.getByRole('region', { name: 'What if' });
    await panel.getByText('Move a slider').waitFor();
    await panel.getByRole('slider', { name: 'Open tickets' }).fill('0');
    await panel.getByText('fewer open ticket').waitFor();
    await team.getByLabel('As of').fill('2026-09-10');
    await team.getByText('You see this account as it was').waitFor();
    await team.getByRole('button', { name: 'Back to today' }).click();
    await panel.waitFor();
  });

  test('4.3 a renewal brief, and its draft in another language', async () => {
    await team.getByRole('button', { name: 'Ask', exact: true }).click();
    await team.getByRole('menuitem', { name: 'Renewal brief' }).click();
    await team.getByText('Done', { exact: true }).waitFor();
    await team.getByRole('region', { name: 'Next steps' }).waitFor();
    const draft = team.getByRole('region', { name: 'E-mail draft' });
    await draft.getByRole('textbox', { name: 'Language' }).click();
    await team.getByRole('option', { name: 'French' }).click();
    await draft.getByText('Bonjour').waitFor();
  });

  test('4.4 a question about all, and one that is refused', async () => {
    const question = team.getByRole('textbox', { name: 'Question' });
    await question.fill('Which customers are most at risk before March?');
    await question.press('Enter');
    await team.getByRole('table').getByRole('link').first().waitFor();
    await question.fill('Write a poem about the sea');
    await question.press('Enter');
    await team.getByText('Out of scope').waitFor();
  });

  test('no page complained', () => {
    noTroubles(maya);
    noTroubles(team);
  });
});
