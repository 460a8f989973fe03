// The formula once more, by other hands: every score of the portfolio is worked out here from what
// the API tells of the account. And what a guest reaches: of all routes, those that say so.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Api, Socket } from './api.js';
import { ADMIN, skip, STORES, startRapport } from './rapport.js';

const USAGE = { up: 100, flat: 50, down: 0 };
const tickets = (n) => (n <= 0 ? 100 : n <= 2 ? 80 : n <= 5 ? 50 : 20);
const renewal = (days) => (days > 180 ? 100 : days >= 60 ? 70 : 30);

/** Half to even, in hundredths, so that no sum is a little less than it is. */
function score({ trend, open_tickets: open, renewal_days: days }) {
  const sum = 45 * USAGE[trend] + 35 * tickets(open) + 20 * renewal(days);
  const whole = Math.floor(sum / 100);
  const rest = sum % 100;
  return whole + (rest > 50 || (rest === 50 && whole % 2 === 1) ? 1 : 0);
}
const risk = (value) => (value >= 75 ? 'low' : value >= 50 ? 'medium' : 'high');

for (const store of STORES) {
  describe(`accounts on ${store}`, { skip }, () => {
    let server;
    let admin;
    let guest;

    before(async () => {
      server = await startRapport({ store });
      admin = await Api.login(server, ADMIN);
      const { access_token: token } = await new Api(server).post('/auth/guest', {
        org: 'brightwell',
      });
      guest = new Api(server, token);
    });
    after(() => server?.stop());

    test('every score follows from what is shown', async () => {
      const rows = await admin.all('/portfolio?limit=7');
      const now = Date.parse((await admin.call('GET', '/portfolio')).headers.get('date'));
      assert.ok(rows.length >= 31);
      let known = 0;
      for (const row of rows) {
        if (row.renewal_days === null) {
          assert.deepEqual([row.score, row.risk_level], [null, 'unknown'], row.slug);
          continue;
        }
        known += 1;
        const ahead = row.renewal_date_ms > now; // days of the calendar are told, whole ones scored
        assert.ok(!ahead || [0, 1].includes(row.date_days - row.renewal_days), JSON.stringify(row));
        assert.ok(ahead || (row.date_days <= 0 && row.renewal_days === 0), JSON.stringify(row));
        assert.equal(row.score, score(row), `${row.slug}: ${JSON.stringify(row)}`);
        assert.equal(row.risk_level, risk(row.score), row.slug);
      }
      assert.ok(known >= 25, `${known} scores`);
    });

    test('shares of every change add up to it', async () => {
      let changes = 0;
      for (const { slug } of (await admin.get('/portfolio?limit=8')).items) {
        for (const point of await admin.all(`/accounts/${slug}/health-history`)) {
          if (point.delta === null) continue;
          const sum = point.attribution.reduce((n, share) => n + share.delta, 0);
          assert.equal(sum, point.delta, `${slug}: ${JSON.stringify(point)}`);
          changes += 1;
        }
      }
      assert.ok(changes >= 10, `${changes} changes`);
    });

    test('a list that is cut says so', async () => {
      const many = (answer) => answer.items.reduce((n, day) => n + day.accounts.length, 0);
      const all = await admin.get('/portfolio/renewals');
      assert.equal(all.cut, false);
      assert.ok(many(all) > 5);
      const some = await admin.get('/portfolio/renewals?limit=5');
      assert.deepEqual([many(some), some.cut, some.next_cursor], [5, true, null]);
      const exact = await admin.get(`/portfolio/renewals?limit=${many(all)}`);
      assert.deepEqual([many(exact), exact.cut], [many(all), false]);
      const refused = await admin.call('GET', '/portfolio/renewals?limit=1001');
      assert.deepEqual([refused.status, refused.body.field], [400, 'limit']);
      const day = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
      assert.equal((await admin.get('/portfolio')).cut, false);
      assert.equal((await admin.get(`/portfolio?as_of=${day}`)).cut, false);
    });

    test('what if of a past day starts from the score of that day', async () => {
      const day = new Date(Date.now() - 60 * 86_400_000).toISOString().slice(0, 10);
      let known = 0;
      for (const { slug } of (await admin.get('/portfolio?limit=12')).items) {
        const then = await admin.get(`/accounts/${slug}/health?as_of=${day}`);
        const { before } = await admin.post(`/accounts/${slug}/what-if?as_of=${day}`, {
          open_tickets: 9,
        });
        assert.equal(before.computed_at_ms, then.computed_at_ms, slug);
        assert.equal(before.score, then.score, slug);
        assert.deepEqual(before.signals, then.signals, slug);
        known += then.score === null ? 0 : 1;
      }
      assert.ok(known >= 3, `${known} scores`);
    });

    test('the limits of an account hold however it is written', async () => {
      const { id } = await admin.get('/accounts/acme-001');
      const wrong = [
        ['name', { name: '<script>alert(1)</script>' }],
        ['name', { name: '  ' }],
        ['arr_cents', { arr_cents: -5 }],
        ['arr_cents', { arr_cents: 1e17 }],
        ['open_tickets', { open_tickets: -3 }],
        ['renewal_date', { renewal_date: 'garbage' }],
        ['website', { website: 'javascript:alert(1)' }],
        ['currency', { currency: 'eu' }],
        ['usage.trend', { usage: { trend: 'sideways' } }],
        ['usage.sparkline[1]', { usage: { sparkline: [1, -1] } }],
        ['usage.avg_daily_users', { usage: { avg_daily_users: -9 } }],
      ];
      for (const [field, body] of wrong) {
        const answer = await admin.call('PATCH', `/records/account/${id}`, body);
        assert.deepEqual([answer.status, answer.body.field], [400, field], JSON.stringify(body));
      }
      const made = await admin.call('POST', '/records/account', { slug: 'x1', name: '' });
      assert.deepEqual([made.status, made.body.field], [400, 'name']);
      const engineer = await Api.login(server, { ...ADMIN, email: 'ben@brightwell.example' });
      assert.equal((await engineer.call('PATCH', `/records/account/${id}`, {})).status, 403);
      assert.equal((await engineer.call('POST', '/records/account', { slug: 'x2' })).status, 403);
    });

    test('a record of an account is written as by its own route, and holds more', async () => {
      const made = await admin.call('POST', '/records/account', {
        slug: 'by-record',
        name: 'By Record',
        owner: 'sofia@brightwell.example',
        renewal_date: '2027-03-01',
        usage: { sparkline: [10, 12, 15, 19], picks_30d: 7 },
        vat_number: 'DE1',
      });
      assert.equal(made.status, 201, made.text);
      assert.equal(made.body.renewal_date, Date.UTC(2027, 2, 1));
      assert.deepEqual(made.body.usage, {
        sparkline: [10, 12, 15, 19],
        trend: 'up',
        avg_daily_users: 14,
        picks_30d: 7,
      });
      const path = `/records/account/${made.body.id}`;
      const left = { owner: null, vat_number: null, recent_tickets: [] };
      const changed = await admin.call('PATCH', path, left);
      assert.equal(changed.status, 200, changed.text);
      assert.deepEqual([changed.body.owner, changed.body.vat_number], [undefined, undefined]);
      assert.equal(changed.body.usage.picks_30d, 7);
      const gone = { usage: { trend: null, avg_daily_users: null }, recent_tickets: null };
      const without = await admin.call('PATCH', path, gone);
      assert.equal(without.status, 200, without.text);
      assert.equal(without.body.recent_tickets, undefined);
      assert.equal(without.body.usage.trend, undefined);
      assert.equal(without.body.usage.picks_30d, 7);
    });

    test('a record of thousands of members is refused before anybody goes through them', async () => {
      const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`m${i}`, 0]));
      const { items } = await admin.get('/records/account?limit=1');
      const { items: tickets } = await admin.get('/records/ticket?limit=1');
      for (const [method, path, body] of [
        ['POST', '/records/account', { name: 'Many', ...many }],
        ['POST', '/records/account', { name: 'Many', usage: many }],
        ['PATCH', `/records/account/${items[0].id}`, many],
        ['PATCH', `/records/account/${items[0].id}`, { usage: many }],
        ['PATCH', `/records/ticket/${tickets[0].id}`, many],
      ]) {
        const answer = await admin.call(method, path, body);
        assert.equal(answer.status, 413, `${method} ${path}: ${answer.text}`);
      }
    });

    test('names of every script give accounts of their own', async () => {
      const names = ['株式会社ア', '株式会社イ', 'Αλφα ΑΕ', 'Бета', 'שלום', 'ไทย', '서울'];
      const slugs = new Set();
      for (const name of names) {
        const made = await admin.call('POST', '/accounts', { name });
        assert.equal(made.status, 201, made.text);
        slugs.add(made.body.account?.slug ?? made.body.slug);
      }
      assert.equal(slugs.size, names.length);
    });

    test('what is no name, address, owner, currency or ticket is refused by its field', async () => {
      const path = '/accounts/acme-001';
      const { id } = await admin.get(path);
      const wrong = [
        ['name', { name: '\u200b' }, 'nothing to see'],
        ['name', { name: '\u00a0\u3000' }, 'blanks of other widths'],
        ['name', { name: '\u3164\u2800' }, 'letters that are blank'],
        ['name', { name: 'Acme \u202eproC' }, 'turns the text'],
        ['short_name', { short_name: 'A\u2066cme' }, 'an isolate'],
        ['name', { name: 'Ac\u2028me' }, 'a line separator'],
        ['name', { name: 'Ac\u200bme' }, 'a space without width'],
        ['website', { website: 'javascript:alert(1)' }, 'no address'],
        ['website', { website: 'ftp://acme.example' }, 'another scheme'],
        ['owner', { owner: 'nobody@x.y' }, 'no member'],
        ['currency', { currency: 'XYZ' }, 'no currency'],
        ['currency', { currency: 'eur' }, 'codes are capitals'],
      ];
      for (const [field, body, why] of wrong) {
        for (const [method, where] of [
          ['PATCH', path],
          ['POST', '/accounts'],
          ['PATCH', `/records/account/${id}`],
          ['POST', '/records/account'],
        ]) {
          const all = method === 'POST' ? { name: 'Any Ltd', ...body } : body;
          const answer = await admin.call(method, where, all);
          assert.deepEqual([answer.status, answer.body.field], [400, field], why);
        }
      }
      const put = async (part, body) => {
        const answer = await admin.call('PUT', `${path}/${part}`, body);
        return [answer.status, answer.body.field];
      };
      assert.deepEqual(await put('contract', { currency: 'XYZ' }), [400, 'currency']);
      const ticket = { id: 'T-1', severity: 'low' };
      const listed = (...recent_tickets) => put('tickets', { recent_tickets });
      assert.deepEqual(await listed(ticket, ticket), [400, 'recent_tickets[1].id']);
      const broken = { ...ticket, subject: 'Slow\nBcc: x@y.z' };
      assert.deepEqual(await listed(broken), [400, 'recent_tickets[0].subject']);
      const good = {
        name: 'Ünïted «שלום» 株式会社 🙂',
        website: 'https://acme.example',
        owner: 'Sofia@brightwell.example',
        currency: 'JPY',
      };
      const made = await admin.call('POST', '/accounts', good);
      assert.equal(made.status, 201, made.text);
      const long = (count) => admin.call('POST', '/accounts', { name: 'ü'.repeat(count) });
      assert.deepEqual([(await long(200)).status, (await long(201)).status], [201, 400]);
    });

    test('what a list is asked for and cannot be is refused by its parameter', async () => {
      const wrong = [
        ['min_score=101', 'min_score'],
        ['min_score=-1', 'min_score'],
        ['max_score=101', 'max_score'],
        ['min_score=80&max_score=20', 'max_score'],
        ['stage=zzz', 'stage'],
        ['colour=red', 'colour'],
        ['as_of=1900-01-01', 'as_of', /before 1970/],
        ['as_of=soon', 'as_of', /date such as/],
        ['as_of=2999-01-01', 'as_of', /future/],
      ];
      for (const [query, field, words = /./] of wrong) {
        const answer = await admin.call('GET', `/portfolio?${query}`);
        assert.deepEqual([answer.status, answer.body.field], [400, field], query);
        assert.match(answer.body.detail, words, query);
      }
      const days = await admin.call('GET', '/portfolio/renewals?form=2026-01-01');
      assert.deepEqual([days.status, days.body.field], [400, 'form']);
      const all = 'q=a&risk=low&trend=up&stage=active&plan=x&owner=y&min_score=0&max_score=100';
      const more = 'renews_within_days=9&sort=score&order=desc&limit=5';
      assert.equal((await admin.call('GET', `/portfolio?${all}&${more}`)).status, 200);
    });

    test('a guest reaches the routes that say so, and no other', async () => {
      const spec = await (await fetch(`${server.url}/openapi.json`)).json();
      const routes = Object.entries(spec.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, about]) => ({ path, method, about })),
      );
      let open = 0;
      let refused = 0;
      for (const { path, method, about } of routes) {
        const roles = about['x-roles'];
        if (!roles?.length || !path.startsWith('/api/v1/')) continue; // public
        if (roles.includes('guest')) {
          open += 1;
          continue;
        }
        const url = path.slice('/api/v1'.length).replace(/\{[^}]+\}/g, 'nordvik-logistics');
        const answer = await guest.call(
          method.toUpperCase(),
          url,
          method === 'get' ? undefined : {},
        );
        assert.equal(answer.status, 403, `${method} ${path}: ${answer.status} ${answer.text}`);
        refused += 1;
      }
      assert.ok(open >= 6 && refused >= 60, `${open} open, ${refused} refused`);
    });

    test('a guest has no live view, and sees nothing but the demo accounts', async () => {
      const live = await Socket.open(`${server.ws}/api/v1/live`);
      live.send({ type: 'auth', token: guest.token });
      const frame = await live.next((f) => f.type === 'error' || f.type === 'ready');
      assert.equal(frame.type, 'error');
      const { items } = await guest.get('/portfolio?limit=200');
      assert.deepEqual(
        items.map((row) => row.slug),
        ['acme-001', 'acme-002', 'globex-001', 'initech-001'],
      );
      const hidden = await guest.call('GET', '/accounts/nordvik-logistics/overview');
      const absent = await guest.call('GET', '/accounts/no-such-account/overview');
      assert.deepEqual(
        { ...hidden.body, request_id: '' },
        { ...absent.body, request_id: '' },
        'hidden and absent read the same',
      );
    });
  });
}
