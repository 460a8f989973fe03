// Tool servers in the console: a tool that its server describes anew is seen, and approved.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agentYaml } from '../wire/agent_yaml.js';
import { McpServer } from '../wire/mcp_server.js';
import { startRapport } from '../wire/rapport.js';
import {
  accessible,
  fitsWidth,
  noTroubles,
  openPage,
  signIn,
  startBrowser,
  until,
} from './browser.js';
import { INGRID, memberApi, PASSWORD } from './server.js';

// It needs settings of its own, so a server that runs already is of no use.
const skip = process.env.RAPPORT_BIN ? false : 'RAPPORT_BIN is not set';

describe('tool servers in the console', { skip }, () => {
  let odd, server, browser, page, api, id;
  const apply = async () => {
    const servers = [{ name: 'odd', url: odd.url, allow_private: true, allow: ['*'] }];
    const yaml = agentYaml({ slug: 'odd', name: 'Odd' });
    return api.post('/agents', {
      yaml: `${yaml}mcp_servers: ${JSON.stringify(servers)}\n`,
      message: 'with tools',
    });
  };
  before(async () => {
    odd = await McpServer.start();
    server = await startRapport({ config: { tools: { allow_private: true } } });
    browser = await startBrowser();
    api = await memberApi(server);
    page = await openPage(browser, { base: server.url });
    ({ id } = await apply());
    await signIn(page, INGRID, PASSWORD);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    await odd?.stop();
  });
  const open = async () => {
    await page.goto(`/console/agents/${id}`);
    await page.getByRole('tab', { name: /^Tool servers/ }).click();
  };

  test('what was approved is shown', async () => {
    await open();
    const tools = page.getByRole('region', { name: 'odd' });
    await tools.getByText('connected').waitFor();
    await until(async () => (await tools.getByText('as approved').count()) === 2, 'both tools');
    await until(
      async () => (await tools.getByText('asks first').count()) === 1,
      'the one that asks',
    );
    await accessible(page, 'tool servers');
    await fitsWidth(page, 'tool servers');
  });

  test('a change is seen, and approved with one click', async () => {
    odd.tools[1].description = 'Pays twice.';
    // Another agent of the organisation uses the same server: the list is read anew for it.
    await api.post('/agents', {
      yaml: `${agentYaml({ slug: 'other' })}mcp_servers: ${JSON.stringify([
        { name: 'odd', url: odd.url, allow_private: true, allow: ['count'] },
      ])}\n`,
      message: 'other',
    });
    await open();
    await page.getByText('changed: calls are refused').waitFor();
    await page.getByText('Pays twice.').waitFor();
    await accessible(page, 'a changed tool');
    await page.getByRole('button', { name: 'Approve as they are now' }).click();
    await page.getByText('Version 2 is live').waitFor();
    await until(
      async () => (await page.getByText('as approved').count()) === 2,
      'both as approved',
    );
    noTroubles(page);
  });
});
