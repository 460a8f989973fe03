// Imports of accounts and what is known of them: tried first, told line by line, applied or not at
// all, and sent again without harm. On every database.
import assert from 'node:assert/strict';
import { mkdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Api } from './api.js';
import { until } from './degrade.js';
import { ADMIN, HARBOUR, skip, STORES, startRapport } from './rapport.js';

const csv = (...lines) => lines.join('\r\n');

for (const store of STORES) {
  describe(`imports on ${store}`, { skip }, () => {
    let server;
    let admin;
    before(async () => {
      server = await startRapport({ store });
      admin = await Api.login(server, ADMIN);
    });
    after(() => server?.stop());

    async function send(query, raw, type = 'text/csv') {
      return admin.call('POST', `/imports?${query}`, undefined, {
        raw,
        headers: { 'content-type': type },
      });
    }
    async function run(query, raw, type) {
      const answer = await send(query, raw, type);
      assert.equal(answer.status, 200, answer.text);
      return answer.body;
    }

    const ACCOUNTS = csv(
      'slug,name,arr,currency,renewal_date,stage',
      'umbrella,"Umbrella, Inc.",1200.50,EUR,2031-03-01,active',
      'soylent,Soylent GmbH,900,EUR,,trial',
    );

    test('a dry run tells and changes nothing; then it is applied; again it changes nothing', async () => {
      const tried = await run('kind=accounts&dry_run=1', ACCOUNTS);
      assert.deepEqual(tried, {
        kind: 'accounts',
        dry_run: true,
        applied: false,
        rows: 2,
        created: 2,
        updated: 0,
        unchanged: 0,
        bad: 0,
        faults: [],
      });
      assert.equal((await admin.call('GET', '/accounts/umbrella')).status, 404);

      const done = await run('kind=accounts', ACCOUNTS);
      assert.equal(done.applied, true);
      assert.equal(done.created, 2);
      const made = await admin.get('/accounts/umbrella/overview');
      assert.equal(made.account.name, 'Umbrella, Inc.');
      assert.equal(made.contract.arr_cents, 120050);
      assert.equal(made.contract.renewal_date_ms, Date.UTC(2031, 2, 1));
      assert.equal(made.contract.source, 'import');
      const { text } = made.timeline.find((entry) => entry.kind === 'contract');
      assert.equal(text, 'Contract: €1,200.50 a year, renews on 1 March 2031');

      const again = await run('kind=accounts', ACCOUNTS);
      assert.deepEqual([again.created, again.updated, again.unchanged], [0, 0, 2]);
      const changed = await run('kind=accounts', ACCOUNTS.replace('900', '950'));
      assert.deepEqual([changed.created, changed.updated, changed.unchanged], [0, 1, 1]);
    });

    test('a row without a slug is about the account of its name, in the file and in the next', async () => {
      const told = ({ created, updated, unchanged, bad }) => [created, updated, unchanged, bad];
      const lines = csv(
        'name,arr,currency',
        'Cyberdyne Systems,200,USD',
        'Cyberdyne Systems,200,USD',
        'Cyberdyne-Systems,5,USD',
      );
      assert.deepEqual(told(await run('kind=accounts&dry_run=1', lines)), [2, 0, 1, 0]);
      assert.deepEqual(told(await run('kind=accounts', lines)), [2, 0, 1, 0]);
      const first = await admin.get('/accounts/cyberdyne-systems/overview');
      assert.equal(first.account.name, 'Cyberdyne Systems');
      assert.equal(first.contract.arr_cents, 20_000);
      const second = await admin.get('/accounts/cyberdyne-systems-2/overview');
      assert.equal(second.account.name, 'Cyberdyne-Systems');
      const last = csv('name,arr,currency', 'Cyberdyne Systems,200,USD', 'Cyberdyne-Systems,5,USD');
      for (const query of ['kind=accounts&dry_run=1', 'kind=accounts', 'kind=accounts']) {
        assert.deepEqual(told(await run(query, last)), [0, 0, 2, 0], query);
      }
      assert.equal((await admin.call('GET', '/accounts/cyberdyne-systems-3')).status, 404);
      const twice = csv('slug,name', 'weyland,Weyland', 'weyland,Weyland');
      assert.deepEqual(told(await run('kind=accounts&dry_run=1', twice)), [1, 0, 1, 0]);
    });

    test('where tickets are records, those count, whoever tells another number', async () => {
      const tickets = await admin.all('/tickets?limit=200');
      const { account } = tickets.find((ticket) => ticket.account);
      const wanted = tickets.filter(
        (t) => t.account === account && t.status !== 'resolved' && t.status !== 'closed',
      ).length;
      const path = `/accounts/${account}`;
      const count = (answer) => answer.body.tickets.open_tickets;
      const open = async () => count(await admin.call('GET', `${path}/overview`));
      await until('the count of tickets', async () => (await open()) === wanted);
      const put = await admin.call('PUT', `${path}/tickets`, { open_tickets: wanted + 7 });
      assert.equal(count(put), wanted, put.text);
      assert.equal(await open(), wanted);
      const lines = csv('account,open_tickets', `${account},${wanted + 7}`);
      const told = await run('kind=tickets', lines);
      assert.deepEqual([told.updated, told.unchanged], [0, 1]);
      assert.equal(await open(), wanted);
      const patched = await admin.call('PATCH', path, { open_tickets: wanted + 9 });
      assert.equal(count(patched), wanted, patched.text);
    });

    test('contracts, usage and tickets make a score', async () => {
      await run('kind=accounts', csv('slug,name', 'tyrell,Tyrell Corp'));
      const unknown = await admin.get('/accounts/tyrell/health');
      assert.equal(unknown.score, null);
      await run('kind=contracts', csv('account;renewal_date;arr', 'tyrell;2031-01-01;50000'));
      await run('kind=usage', csv('account,sparkline', 'tyrell,77 81 85 89'));
      const tickets = csv(
        'account,id,severity,subject',
        'tyrell,X-1,low,"Owl, artificial"',
        'tyrell,X-2,high,Eyes',
      );
      const told = await run('kind=tickets', tickets);
      assert.equal(told.rows, 1);
      const { health, usage, tickets: open } = await admin.get('/accounts/tyrell/overview');
      assert.equal(usage.trend, 'up');
      assert.equal(usage.avg_daily_users, 83);
      assert.equal(open.open_tickets, 2);
      assert.equal(health.score, 93);
      assert.deepEqual(health.signals, ['usage_up', 'few_tickets', 'renewal_far']);
    });

    test('a year of numbers for thousands of accounts is one import', async () => {
      const year = Array.from({ length: 365 }, (_, i) => i % 97).join(' ');
      const lines = Array.from({ length: 4000 }, () => `tyrell,${year}`);
      const told = await run('kind=usage&dry_run=1', csv('account,sparkline', ...lines));
      assert.deepEqual([told.rows, told.bad], [4000, 0]);
      const long = await run('kind=usage&dry_run=1', csv('account,sparkline', `tyrell,${year} 1`));
      assert.deepEqual([long.bad, long.faults[0].field], [1, 'sparkline']);
    });

    test('usage of past days becomes history', async () => {
      const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
      const lines = csv(
        'account,at,sparkline',
        `tyrell,${day(90)},40 40 40 40`,
        `tyrell,${day(60)},60 50 40 30`,
      );
      const told = async (query) => {
        const { updated, unchanged } = await run(query, lines);
        return [updated, unchanged];
      };
      assert.deepEqual(await told('kind=usage'), [2, 0]);
      assert.deepEqual(await told('kind=usage&dry_run=1'), [0, 2]);
      assert.deepEqual(await told('kind=usage'), [0, 2]);
      const then = await admin.get(`/accounts/tyrell/overview?as_of=${day(75)}`);
      assert.equal(then.usage.trend, 'flat');
      const later = await admin.get(`/accounts/tyrell/overview?as_of=${day(50)}`);
      assert.equal(later.usage.trend, 'down');
      const now = await admin.get('/accounts/tyrell/overview');
      assert.equal(now.usage.trend, 'up');
    });

    const once = store === 'sqlite' ? test : () => {}; // seconds, for what is no matter of databases
    once('of more facts than a replay reads, the newest count', async () => {
      await run(
        'kind=accounts',
        csv('slug,name,renewal_date,open_tickets', 'big,Big,2031-01-01,0'),
      );
      const from = Date.now() - 6_000_000;
      const rows = Array.from({ length: 5100 }, (_, i) => {
        const trend = i < 5095 ? 'up' : 'down';
        return `big,${new Date(from + i * 1000).toISOString()},${trend},${100 + (i % 7)}`;
      });
      const told = await run('kind=usage', csv('account,at,trend,avg_daily_users', ...rows));
      assert.equal(told.updated, 5100);
      const { items } = await admin.get('/accounts/big/health-history');
      assert.deepEqual(
        items.slice(1).map((point) => [point.at_ms - from, point.signals]),
        [
          [5_095_000, ['usage_down']],
          [0, ['usage_up']],
        ],
      );
    });

    test('every transaction of an import is audited with what it did', async () => {
      const entries = async () =>
        (await admin.all('/audit-entries?limit=200')).filter(
          (e) => e.action === 'accounts_imported',
        );
      const before = (await entries()).length;
      const names = Array.from({ length: 120 }, (_, i) => `Many ${i}`);
      assert.equal((await run('kind=accounts', csv('name', ...names))).created, 120);
      const made = (await entries()).slice(0, -before || undefined);
      assert.deepEqual(made.map((e) => e.detail?.created ?? e.details?.created).sort(), [100, 20]);
    });

    test('bad rows are told by line and field, and nothing is half done', async () => {
      const lines = csv(
        'slug,name,arr,renewal_date',
        'good-one,Good One,100,2031-01-01',
        'bad-money,Bad Money,plenty,2031-01-01',
        'bad-date,Bad Date,100,soon',
        'bad slug!,Bad Slug,100,2031-01-01',
        'bad-name,<script>,100,2031-01-01',
      );
      const tried = await run('kind=accounts', lines);
      assert.equal(tried.applied, false);
      assert.equal(tried.bad, 4);
      assert.deepEqual(
        tried.faults.map((f) => [f.line, f.field]).sort((a, b) => a[0] - b[0]),
        [
          [3, 'arr'],
          [4, 'renewal_date'],
          [5, 'slug'],
          [6, 'name'],
        ],
      );
      assert.equal((await admin.call('GET', '/accounts/good-one')).status, 404);
      const partly = await run('kind=accounts&skip_bad=1', lines);
      assert.equal(partly.applied, true);
      assert.equal(partly.created, 1);
      assert.equal((await admin.call('GET', '/accounts/good-one')).status, 200);

      const nobody = await run('kind=usage', csv('account,trend', 'nobody,up'));
      assert.deepEqual(nobody.faults, [
        { line: 2, field: 'account', text: 'there is no account "nobody"' },
      ]);
    });

    const faults = async (query, raw, type) =>
      (await run(`${query}&dry_run=1`, raw, type)).faults.map((f) => [f.line, f.field]);

    test('everything that is wrong with a row is told, by line', async () => {
      const lines = csv(
        'slug,name,arr,renewal_date,stage,employees',
        'bad-date,Bad Date,100,soon,active,1',
        'short,Short',
        'Bad Slug,<b>,plenty,soon,asleep,many',
        'fine,Fine,100,2031-01-01,active,1',
        'long,Long,100,2031-01-01,active,1,2',
        ',,100,never,active,1',
      );
      const tried = await run('kind=accounts&dry_run=1', lines);
      assert.deepEqual(
        tried.faults.map((f) => f.line),
        [2, 3, 4, 4, 4, 4, 4, 4, 6, 7, 7],
      );
      assert.deepEqual([tried.rows, tried.bad, tried.created], [6, 5, 1]);
      assert.deepEqual(
        tried.faults
          .filter((f) => f.line === 4)
          .map((f) => f.field)
          .sort(),
        ['arr', 'employees', 'name', 'renewal_date', 'slug', 'stage'],
      );
      assert.equal(tried.faults[1].text, '2 cells where the header has 6');
      const partly = await run('kind=accounts&skip_bad=1', lines);
      assert.deepEqual([partly.applied, partly.created, partly.bad], [true, 1, 5]);
      assert.equal((await admin.call('GET', '/accounts/fine')).status, 200);
      const who = csv(
        'slug,name,website,owner,currency',
        'okay,Okay,https://okay.example,sofia@brightwell.example,EUR',
        'bad,\u200b,javascript:alert(1),nobody@x.y,XYZ',
      );
      assert.deepEqual(
        (await faults('kind=accounts', who)).map(([line, field]) => `${line} ${field}`).sort(),
        ['3 currency', '3 name', '3 owner', '3 website'],
      );
      const gone = csv('account,trend,avg_daily_users', 'nobody,up,-1', 'tyrell,up,1');
      assert.deepEqual(await faults('kind=usage', gone), [
        [2, 'avg_daily_users'],
        [2, 'account'],
      ]);
    });

    test('a ticket is told with its own line and the names of the columns', async () => {
      const lines = csv(
        'account,id,severity,subject,created_at',
        'tyrell,T-1,low,First,2026-01-01',
        'wonderland,T-2,low,Other,2026-01-01',
        'tyrell,T-3,low,Second,soon',
        'tyrell,T-4,awful,Third,2026-01-01',
        'tyrell,T-1,low,"First, again",2026-01-01',
        'tyrell,T-5',
      );
      const tried = await run('kind=tickets&dry_run=1', lines);
      assert.deepEqual(
        tried.faults.map((f) => [f.line, f.field]),
        [
          [3, 'account'],
          [4, 'created_at'],
          [5, 'severity'],
          [6, 'id'],
          [7, undefined],
        ],
      );
      assert.equal(tried.faults[2].text, 'severity is low, medium, high or critical');
      assert.match(tried.faults[3].text, /^id .*line 2/);
      assert.deepEqual([tried.rows, tried.bad], [2, 2]);
      const many = Array.from({ length: 60 }, (_, i) => `tyrell,M-${i},low`);
      const long = await run('kind=tickets&dry_run=1', csv('account,id,severity', ...many));
      assert.deepEqual([long.faults.length, long.faults[0].line], [1, 52]);
    });

    test('one file says one thing of an account: the second row that says another is a fault', async () => {
      const lines = csv(
        'slug,name,arr,plan',
        'hanso,Hanso,100,',
        'hanso,Hanso,200,pro',
        'hanso,Hanso,100,pro',
        ',Hanso,300,pro',
      );
      const tried = await run('kind=accounts&dry_run=1', lines);
      assert.deepEqual(
        tried.faults.map((f) => [f.line, f.field]),
        [
          [3, 'arr'],
          [5, 'arr'],
        ],
      );
      assert.match(tried.faults[0].text, /^lines 2 and 3 .* differ in arr$/);
      const cents = csv('slug,name,arr_cents', 'hanso,Hanso,100', 'hanso,Hanso,200');
      assert.deepEqual(await faults('kind=accounts', cents), [[3, 'arr_cents']]);
      const most = csv('slug,name,arr', 'hanso,Hanso,1000000000', 'dharma,Dharma,1000000000.01');
      const much = await run('kind=accounts&dry_run=1', most);
      assert.deepEqual(
        much.faults.map((f) => [f.line, f.field, f.text]),
        [[3, 'arr', 'arr must be at most 1000000000']],
      );
      assert.deepEqual([tried.created, tried.updated, tried.bad], [1, 1, 2]);
      const usage = csv('account,trend,at', 'tyrell,up,', 'tyrell,down,', 'tyrell,down,2020-01-01');
      assert.deepEqual(await faults('kind=usage', usage), [[3, 'trend']]);
      const past = csv('account,trend,at', 'tyrell,up,2020-01-01', 'tyrell,down,2020-01-01');
      assert.equal((await faults('kind=usage', past))[0][0], 3);
      const open = JSON.stringify([
        { account: 'tyrell', open_tickets: 7 },
        { account: 'tyrell', open_tickets: 8 },
      ]);
      const { faults: two } = await run('kind=tickets&dry_run=1', open, 'application/json');
      assert.match(two[0].text, /^items 1 and 2 /);
    });

    test('JSON has the columns of CSV, arr too', async () => {
      const items = [
        { slug: 'ingen', name: 'InGen', arr: 1200.5 },
        { slug: 'biosyn', name: 'BioSyn', arr: '90' },
        { slug: 'ingen-2', name: 'InGen 2', arr: -1 },
        { slug: 'ingen-3', name: 'InGen 3', arr: 1, arr_cents: 7 },
      ];
      const json = (list) => JSON.stringify(list);
      assert.deepEqual(await faults('kind=accounts', json(items), 'application/json'), [
        [3, 'arr'],
        [4, 'arr'],
      ]);
      await run('kind=accounts', json(items.slice(0, 2)), 'application/json');
      assert.equal((await admin.get('/accounts/ingen/overview')).contract.arr_cents, 120_050);
      assert.equal((await admin.get('/accounts/biosyn/overview')).contract.arr_cents, 9_000);
    });

    test('JSON says the same', async () => {
      const items = [
        { account: 'tyrell', open_tickets: 7 },
        { account: 'tyrell', open_tickets: -1 },
        'x',
      ];
      const tried = await run('kind=tickets', JSON.stringify({ items }), 'application/json');
      assert.equal(tried.applied, false);
      assert.deepEqual(
        tried.faults.map((f) => f.line),
        [2, 3],
      );
      const good = JSON.stringify(items.slice(0, 1));
      assert.equal((await run('kind=tickets', good, 'application/json')).updated, 1);
      assert.equal((await admin.get('/accounts/tyrell/overview')).tickets.open_tickets, 7);
    });

    test('files in the layout of usage/<id>.json are taken over, again when they change', async () => {
      const put = (path, file) =>
        admin.call('PUT', `/account-files/${path}`, undefined, { raw: JSON.stringify(file) });
      const state = (key, status) =>
        until(`${key} is ${status}`, async () => {
          const { items } = await admin.get('/account-files?limit=200');
          return items.find((item) => item.key === key && item.status === status);
        });
      await run('kind=accounts', csv('slug,name', 'wonka,Wonka Industries'));
      const usage = {
        customerId: 'wonka',
        trend: 'down',
        avgDailyUsers: 54,
        sparkline: [68, 62, 58, 54],
      };
      assert.equal((await put('usage/wonka.json', usage)).status, 202);
      await put('tickets/wonka', {
        openTickets: 6,
        recentTickets: [{ id: 'W-1', severity: 'high' }],
      });
      await put('contract/wonka', { renewalDate: '2031-06-01', arr: 180000 });
      for (const kind of ['usage', 'tickets', 'contract']) {
        await state(`accounts/${kind}/wonka.json`, 'done');
      }
      const made = await admin.get('/accounts/wonka/overview');
      assert.equal(made.health.score, 27);
      assert.equal(made.contract.arr_cents, 18_000_000);
      assert.equal(made.usage.source, 'file');
      await put('tickets/wonka', { openTickets: 0 });
      await until('no open ticket of wonka', async () => {
        return (await admin.get('/accounts/wonka/overview')).tickets.open_tickets === 0;
      });

      await put('usage/nobody', usage);
      const failed = await state('accounts/usage/nobody.json', 'failed');
      assert.match(failed.error, /no account "nobody"/);
      await put('contract/wonka', { renewalDate: 'soon' });
      assert.match((await state('accounts/contract/wonka.json', 'failed')).error, /renewal_date/);
      assert.equal((await put('mood/wonka', {})).status, 404);

      assert.equal((await admin.call('DELETE', '/accounts/wonka')).status, 204);
      const { items: left } = await admin.get('/account-files?limit=200');
      assert.ok(!left.some((item) => item.key.includes('wonka')));
    });

    test('of an account that goes while its files are taken over, no file is left', async () => {
      const slugs = Array.from({ length: 20 }, (_, i) => `gone-${i}`);
      await run('kind=accounts', csv('slug,name', ...slugs.map((slug) => `${slug},${slug}`)));
      const put = (path, raw) =>
        admin.call('PUT', `/account-files/${path}`, undefined, { raw: JSON.stringify(raw) });
      for (const slug of slugs) {
        for (const kind of ['contract', 'tickets', 'usage']) await put(`${kind}/${slug}`, {});
        assert.equal((await admin.call('DELETE', `/accounts/${slug}`)).status, 204);
      }
      await put('usage/never', {}); // what came before it has been looked at when it is told
      await until('a file of nobody is told', async () => {
        const { items } = await admin.get('/account-files?limit=200');
        return items.some((item) => item.key === 'accounts/usage/never.json');
      });
      const { items } = await admin.get('/account-files?limit=200');
      assert.deepEqual(
        items.filter((item) => item.key.includes('gone-')),
        [],
      );
    });

    test('a file that was laid into the folder is taken over like one that was sent', async () => {
      await run('kind=accounts', csv('slug,name', 'hooli,Hooli'));
      const { org } = await admin.get('/auth/me');
      const folder = join(server.data, 'blobs', org.id, 'accounts', 'usage');
      await mkdir(folder, { recursive: true });
      const path = join(folder, 'hooli.json');
      await writeFile(path, JSON.stringify({ trend: 'up', avgDailyUsers: 12 }));
      const before = new Date(Date.now() - 10_000); // not being written any more
      await utimes(path, before, before);
      const nudge = { raw: JSON.stringify({ openTickets: 1 }) };
      await admin.call('PUT', '/account-files/tickets/hooli', undefined, nudge);
      await until('usage of hooli', async () => {
        return (await admin.get('/accounts/hooli/overview')).usage.avg_daily_users === 12;
      });
      await assert.rejects(stat(path));
      const bad = await admin.call('PUT', '/account-files/usage/hooli', undefined, {
        raw: '{"a":',
      });
      assert.equal(bad.status, 400);
      assert.equal(bad.body.line, 1);
    });

    test('a file too long to be taken is told of as long as it lies there', async () => {
      const { org } = await admin.get('/auth/me');
      const folder = join(server.data, 'blobs', org.id, 'accounts', 'usage');
      await mkdir(folder, { recursive: true });
      const path = join(folder, 'hooli.json');
      await writeFile(path, ' '.repeat((1 << 20) + 1));
      const before = new Date(Date.now() - 10_000);
      await utimes(path, before, before);
      const state = async (nudge) => {
        const raw = JSON.stringify({ openTickets: nudge });
        await admin.call('PUT', '/account-files/tickets/hooli', undefined, { raw });
        const { items } = await admin.get('/account-files?limit=200');
        return items.find((item) => item.key === 'accounts/usage/hooli.json');
      };
      let told;
      await until('the word of the long file', async () => {
        told = await state(2);
        return told?.status === 'failed';
      });
      assert.match(told.error, /at most 262144 bytes, and this one 1048577/);
      assert.equal((await admin.get('/accounts/hooli/overview')).usage.avg_daily_users, 12);
      await writeFile(path, JSON.stringify({ trend: 'up', avgDailyUsers: 13 }));
      await utimes(path, before, before);
      await until('usage of hooli', async () => {
        const { status } = (await state(3)) ?? {};
        const { usage } = await admin.get('/accounts/hooli/overview');
        return status === 'done' && usage.avg_daily_users === 13;
      });
      // What was taken over before does not come back over what was written since.
      await run('kind=usage', csv('account,trend,avg_daily_users', 'hooli,up,14'));
      await writeFile(path, ' '.repeat((1 << 20) + 1));
      await utimes(path, before, before);
      await until('the word of the long file', async () => (await state(4))?.status === 'failed');
      await unlink(path);
      await until('no word of it', async () => (await state(5))?.status === 'done');
      for (const nudge of [6, 7]) {
        await until('a whole look', async () => {
          await state(nudge);
          return (await admin.get('/accounts/hooli/overview')).tickets.open_tickets === nudge;
        });
      }
      assert.equal((await admin.get('/accounts/hooli/overview')).usage.avg_daily_users, 14);
      const arr = { raw: JSON.stringify({ arr: 'plenty' }) };
      await admin.call('PUT', '/account-files/contract/hooli', undefined, arr);
      await until('the word of an amount that is none', async () => {
        const { items } = await admin.get('/account-files?limit=200');
        const contract = items.find((item) => item.key === 'accounts/contract/hooli.json');
        return contract?.error === 'arr must be an amount such as 1200.50';
      });
    });

    test('what cannot be read at all is refused with its place', async () => {
      const refused = async (query, raw, type, status = 400) => {
        const answer = await send(query, raw, type);
        assert.equal(answer.status, status, answer.text);
        return answer.body;
      };
      assert.equal((await refused('kind=cats', ACCOUNTS)).field, 'kind');
      assert.match(
        (await refused('kind=usage', csv('account,mood', 'a,b'))).detail,
        /no column "mood"/,
      );
      const wrong = Buffer.from(csv('account,trend', 'a,\xff', 'b,up'), 'latin1');
      assert.match((await refused('kind=usage', wrong)).detail, /line 2: .*UTF-8/);
      assert.equal((await refused('kind=usage', '{"items":', 'application/json')).line, 1);
      await refused('kind=usage', 'x', 'image/png');
      const other = await Api.login(server, HARBOUR);
      assert.equal((await other.call('GET', '/accounts/tyrell')).status, 404);
    });
  });
}
