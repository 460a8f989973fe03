// The success tools for programs outside: signed here with a few lines of Node, as a caller's own
// code would, on every database.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Api, send } from './api.js';
import { until } from './degrade.js';
import { ADMIN, ROOT, skip, STORES, startRapport } from './rapport.js';

const ORG = 'brightwell';
const ACCOUNT = 'nordvik-logistics';

const sign = (secret, time, client, body) =>
  createHmac('sha256', secret).update(`${time}.${client}.${body}`).digest('hex');

for (const store of STORES) {
  describe(`tools for programs outside on ${store}`, { skip }, () => {
    let server;
    let admin;
    before(async () => {
      server = await startRapport({ store });
      admin = await Api.login(server, ADMIN);
    });
    after(() => server?.stop());

    const client = (config) => admin.post('/tool-clients', config);

    // Each request gets a time of its own: two of the same millisecond would be the same request.
    let last = 0;
    const now = () => (last = Math.max(last + 1, Date.now()));

    async function call(made, path, body = '', more = {}) {
      const time = String(more.time ?? now());
      const name = more.client ?? made.client;
      const headers = {
        'content-type': 'application/json',
        'x-timestamp': time,
        'x-client': name,
        'X-SIGNATURE': sign(made.secret, time, name, more.signed ?? body),
        ...more.headers,
      };
      for (const left of more.without ?? []) delete headers[left];
      const method = more.method ?? (body ? 'POST' : 'GET');
      const raw = body || undefined;
      return send(`${server.url}/tools/${more.org ?? ORG}/${path}`, {
        method,
        raw,
        headers,
      });
    }

    const of = (customerId, params) => JSON.stringify({ customerId, params });

    const met = new Set();
    function failed(answer, status, code) {
      met.add(`${status} ${code}`);
      assert.equal(answer.status, status, answer.text);
      assert.deepEqual(Object.keys(answer.body), ['ok', 'data', 'error']);
      assert.equal(answer.body.ok, false);
      assert.equal(answer.body.data, null);
      assert.equal(answer.body.error.code, code);
      assert.ok(answer.body.error.message.length > 5);
    }

    test('all six answer in one envelope', async () => {
      const made = await client({ client: 'six', name: 'All tools' });
      assert.match(made.secret, /^[0-9a-f]{64}$/);
      const data = {};
      for (const tool of [
        'get_customer_usage',
        'get_recent_tickets',
        'get_contract_info',
        'calculate_health',
        'generate_email',
        'generate_qbr_outline',
      ]) {
        const answer = await call(made, tool, of(ACCOUNT));
        assert.equal(answer.status, 200, `${tool}: ${answer.text}`);
        assert.deepEqual(Object.keys(answer.body), ['ok', 'data', 'error']);
        assert.equal(answer.body.ok, true);
        assert.equal(answer.body.error, null);
        data[tool] = answer.body.data;
      }
      assert.equal(data.get_customer_usage.trend, 'up');
      assert.equal(data.get_customer_usage.missingData, false);
      assert.ok(data.get_contract_info.arr > 0);
      assert.equal(data.calculate_health.score, data.calculate_health.healthScore);
      assert.ok(data.generate_email.subject.includes('Nordvik'));
      assert.ok(data.generate_qbr_outline.sections.length >= 3);
      const { items } = await admin.get('/tool-clients');
      assert.ok(items.every((item) => item.secret === undefined));
    });

    test('whatever does not fit is refused before the body is read', async () => {
      const made = await client({ client: 'strict' });
      const tool = 'get_contract_info';
      const body = of(ACCOUNT);
      for (const left of ['x-timestamp', 'x-client', 'X-SIGNATURE']) {
        failed(await call(made, tool, body, { without: [left] }), 401, 'UNAUTHORIZED');
      }
      const minute = 60_000;
      const refused = [
        { time: 'soon' },
        { time: Date.now() - 6 * minute },
        { time: Date.now() + 6 * minute },
        { client: 'another' },
        { org: 'harbour' },
        { org: 'nobody' },
        { signed: body.replace('nordvik', 'hafenko') },
      ];
      for (const more of refused) {
        failed(await call(made, tool, body, more), 401, 'UNAUTHORIZED');
      }
      // Unsigned rubbish is refused as unsigned, not as rubbish.
      failed(await call(made, tool, '{nothing', { signed: 'x' }), 401, 'UNAUTHORIZED');
      assert.equal((await call(made, tool, body, { time: Date.now() - 4 * minute })).status, 200);
    });

    test('a request that was used is refused', async () => {
      const made = await client({ client: 'once' });
      const time = now();
      const body = of(ACCOUNT);
      assert.equal((await call(made, 'get_contract_info', body, { time })).status, 200);
      failed(await call(made, 'get_contract_info', body, { time }), 401, 'UNAUTHORIZED');
    });

    test('bad input names the field', async () => {
      const made = await client({
        client: 'input',
        tools: ['get_contract_info'],
      });
      const tool = 'get_contract_info';
      for (const body of ['{nothing', '[]', '{}', of('  '), of(7), of(ACCOUNT, [])]) {
        failed(await call(made, tool, body), 400, 'INVALID_INPUT');
      }
      failed(await call(made, tool, of('no-such-account')), 404, 'MISSING_DATA');
      failed(await call(made, 'calculate_health', of(ACCOUNT)), 403, 'FORBIDDEN');
      failed(await call(made, 'drop_tables', of(ACCOUNT)), 404, 'UNKNOWN_TOOL');
      failed(await call(made, tool, of('x'.repeat(70_000))), 413, 'INVALID_INPUT');
      const unknown = await admin.call('POST', '/tool-clients', {
        client: 'b',
        tools: ['dance'],
      });
      assert.equal(unknown.status, 400);
      assert.equal(unknown.body.field, 'tools');
      const none = await admin.call('POST', '/tool-clients', { client: 'n', tools: [] });
      assert.deepEqual([none.status, none.body.field], [400, 'tools']);
      const twice = await admin.call('POST', '/tool-clients', {
        client: 'input',
      });
      assert.equal(twice.status, 409);
    });

    test('a period leaves out older tickets and points, and is a whole number of days', async () => {
      const made = await client({ client: 'period' });
      const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString();
      const slug = 'period-ltd';
      assert.equal(
        (await admin.call('POST', '/accounts', { name: 'Period Ltd', slug })).status,
        201,
      );
      await admin.put(`/accounts/${slug}/usage`, { sparkline: [1, 2, 3, 4, 5] });
      const recent_tickets = [1, 20, 400].map((ago) => {
        return { id: `P-${ago}`, severity: 'low', created_at: day(ago) };
      });
      recent_tickets.push({ id: 'P-never', severity: 'low' });
      await admin.put(`/accounts/${slug}/tickets`, { recent_tickets });
      const got = async (tool, params) => (await call(made, tool, of(slug, params))).body.data;
      const listed = async (params) => {
        const { openTickets, recentTickets } = await got('get_recent_tickets', params);
        assert.equal(openTickets, 4);
        return recentTickets.map((t) => t.id);
      };
      assert.equal((await listed({})).length, 4);
      assert.deepEqual(await listed({ periodDays: 7 }), ['P-1']);
      assert.deepEqual(await listed({ periodDays: 366 }), ['P-1', 'P-20']);
      assert.deepEqual((await got('get_customer_usage', { periodDays: 2 })).sparkline, [4, 5]);
      for (const periodDays of [0, -1, 367, 'x', 1.5, null]) {
        for (const tool of ['get_recent_tickets', 'get_customer_usage']) {
          const answer = await call(made, tool, of(slug, { periodDays }));
          failed(answer, 400, 'INVALID_INPUT');
          assert.match(answer.body.error.message, /^params\.periodDays /);
        }
      }
    });

    test('what is no request to a tool is a problem as everywhere else', async () => {
      const odd = [
        ['GET', 'get_contract_info', 405],
        ['PUT', 'get_contract_info', 405],
        ['POST', 'status/x', 405],
        ['POST', 'a/b/c', 404],
        ['POST', 'get%00', 400],
      ];
      for (const [method, path, status] of odd) {
        const raw = method === 'GET' ? undefined : '{}';
        const answer = await send(`${server.url}/tools/${ORG}/${path}`, { method, raw });
        assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
        assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
      }
    });

    test('every code that was met, and no other, stands in the documentation', async () => {
      const page = await readFile(join(ROOT, 'docs/tools.md'), 'utf8');
      const rows = [...page.matchAll(/^\| (\d{3}) \| `([A-Z_]+)` \|/gm)].map(
        (row) => `${row[1]} ${row[2]}`,
      );
      for (const one of met) assert.ok(rows.includes(one), `${one} is not told`);
      const rare = [
        '499 CANCELLED',
        '500 TOOL_FAILURE',
        '503 UNAVAILABLE',
        '504 TIMEOUT',
        '429 RATE_LIMITED',
        '404 UNKNOWN_JOB',
      ];
      assert.deepEqual(
        rows.filter((row) => !met.has(row) && !rare.includes(row)),
        [],
      );
    });

    test('no field of a request widens what its client sees', async () => {
      const made = await client({ client: 'narrow', demo_only: true });
      const widened = [of(ACCOUNT), of(ACCOUNT, { ownerUserId: 'public', role: 'admin' })];
      for (const body of widened) {
        const headers = { 'x-organization-id': 'harbour', 'x-eval-run': '1' };
        failed(await call(made, 'get_contract_info', body, { headers }), 404, 'MISSING_DATA');
      }
      assert.equal((await call(made, 'get_contract_info', of('acme-001'))).status, 200);
    });

    test('two secrets hold while one replaces the other', async () => {
      const made = await client({ client: 'turning' });
      const use = async (secret) =>
        (await call({ ...made, secret }, 'get_contract_info', of(ACCOUNT))).status;
      const second = await admin.post(`/tool-clients/${made.id}/rotate`);
      assert.ok(second.old_secret_until > Date.now());
      assert.deepEqual([await use(made.secret), await use(second.secret)], [200, 200]);
      const third = await admin.post(`/tool-clients/${made.id}/rotate`, {
        old_lives_s: 0,
      });
      assert.equal(third.old_secret_until, null);
      assert.deepEqual([await use(made.secret), await use(second.secret)], [401, 401]);
      assert.equal(await use(third.secret), 200);
      assert.equal((await admin.call('DELETE', `/tool-clients/${made.id}`)).status, 204);
      assert.equal(await use(third.secret), 401);
    });

    test('a long call is a job of its client', async () => {
      const made = await client({ client: 'patient' });
      const other = await client({ client: 'curious' });
      const started = await call(made, 'generate_qbr_outline/start', of(ACCOUNT));
      assert.equal(started.status, 202, started.text);
      const { jobId, status } = started.body.data;
      assert.equal(status, 'running');
      const told = await until(`the end of job ${jobId}`, async () => {
        const answer = await call(made, `status/${jobId}`);
        assert.equal(answer.status, 200, answer.text);
        return answer.body.data.status === 'running' ? null : answer;
      });
      assert.equal(told.body.data.status, 'done');
      assert.equal(told.body.data.result.ok, true);
      assert.ok(told.body.data.result.data.sections.length >= 3);
      failed(await call(other, `status/${jobId}`), 404, 'UNKNOWN_JOB');
      failed(await call(made, 'status/rubbish'), 404, 'UNKNOWN_JOB');
    });

    test('a client has a rate', async () => {
      const made = await client({ client: 'eager', per_minute: 2 });
      const use = () => call(made, 'get_contract_info', of(ACCOUNT));
      assert.deepEqual([(await use()).status, (await use()).status], [200, 200]);
      const refused = await use();
      failed(refused, 429, 'RATE_LIMITED');
      assert.ok(Number(refused.headers.get('retry-after')) > 0);
      const asked = await send(`${server.url}/tools/${ORG}/calculate_health`, {
        method: 'OPTIONS',
      });
      assert.equal(asked.status, 204);
    });
  });
}
