// Signed webhooks as their senders send them: signatures are made here by Node's crypto and by the
// senders' own packages, never by the program under test. On every database.
import assert from 'node:assert/strict';
import { createHash, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { Webhook as SvixWebhook } from 'svix';
import { Api, send } from './api.js';
import { ADMIN, skip, STORES, startRapport } from './rapport.js';

const seconds = () => String(Math.floor(Date.now() / 1000));
const hmac = (key, text, how = 'hex', algorithm = 'sha256') =>
  createHmac(algorithm, key).update(text).digest(how);

const standardSecret = `whsec_${randomBytes(32).toString('base64')}`;
const ed25519 = generateKeyPairSync('ed25519');
const ecdsa = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rawKey = ed25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);

// How each sender signs: (secret, body, time, url) -> headers. `secret` where it is no plain text.
const SENDERS = {
  standard: {
    secret: standardSecret,
    headers: (secret, body, time) => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': time,
      'webhook-signature': new Webhook(secret).sign('msg_1', new Date(time * 1000), body),
    }),
  },
  svix: {
    secret: standardSecret,
    headers: (secret, body, time) => ({
      'svix-id': 'msg_1',
      'svix-timestamp': time,
      'svix-signature': new SvixWebhook(secret).sign('msg_1', new Date(time * 1000), body),
    }),
  },
  stripe: {
    headers: (secret, payload, time) => ({
      'stripe-signature': Stripe.webhooks.generateTestHeaderString({
        payload,
        secret,
        timestamp: Number(time),
      }),
    }),
  },
  github: {
    headers: (secret, body) => ({
      'x-hub-signature-256': `sha256=${hmac(secret, body)}`,
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    }),
  },
  slack: {
    headers: (secret, body, time) => ({
      'x-slack-signature': `v0=${hmac(secret, `v0:${time}:${body}`)}`,
      'x-slack-request-timestamp': time,
    }),
  },
  meta: { headers: (secret, body) => ({ 'x-hub-signature-256': `sha256=${hmac(secret, body)}` }) },
  zendesk: {
    headers: (secret, body, time) => {
      const iso = new Date(time * 1000).toISOString().replace(/\.\d+/, '');
      return {
        'x-zendesk-webhook-signature': hmac(secret, iso + body, 'base64'),
        'x-zendesk-webhook-signature-timestamp': iso,
      };
    },
  },
  shopify: {
    headers: (secret, body) => ({
      'x-shopify-hmac-sha256': hmac(secret, body, 'base64'),
      'x-shopify-webhook-id': 'b1',
    }),
  },
  tiktok: {
    headers: (secret, body, time) => ({
      'tiktok-signature': `t=${time},s=${hmac(secret, `${time}.${body}`)}`,
    }),
  },
  linkedin: {
    headers: (secret, body) => ({ 'x-li-signature': hmac(secret, `hmacsha256=${body}`) }),
  },
  telegram: { headers: (secret) => ({ 'x-telegram-bot-api-secret-token': secret }) },
  hubspot: {
    headers: (secret, body, time, url) => ({
      'x-hubspot-signature-v3': hmac(secret, `POST${url}${body}${time}000`, 'base64'),
      'x-hubspot-request-timestamp': `${time}000`,
    }),
  },
  docusign: {
    headers: (secret, body) => ({
      'x-docusign-signature-1': hmac('another', body, 'base64'),
      'x-docusign-signature-2': hmac(secret, body, 'base64'),
    }),
  },
  elevenlabs: {
    headers: (secret, body, time) => ({
      'elevenlabs-signature': `t=${time},v0=${hmac(secret, `${time}.${body}`)}`,
    }),
  },
  chatwoot: {
    headers: (secret, body, time) => ({
      'x-chatwoot-signature': `sha256=${hmac(secret, `${time}.${body}`)}`,
      'x-chatwoot-timestamp': time,
    }),
  },
  telnyx: {
    secret: rawKey.toString('base64'),
    headers: (_, body, time) => ({
      'telnyx-signature-ed25519': sign(
        null,
        Buffer.from(`${time}|${body}`),
        ed25519.privateKey,
      ).toString('base64'),
      'telnyx-timestamp': time,
    }),
  },
  sendgrid: {
    secret: ecdsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    headers: (_, body, time) => ({
      'x-twilio-email-event-webhook-signature': sign(
        'sha256',
        Buffer.from(time + body),
        ecdsa.privateKey,
      ).toString('base64'),
      'x-twilio-email-event-webhook-timestamp': time,
    }),
  },
  generic: { headers: (secret, body) => ({ 'x-signature': hmac(secret, body) }) },
};
const TIMED = ['standard', 'svix', 'stripe', 'slack', 'zendesk', 'tiktok', 'hubspot', 'telnyx'];

for (const store of STORES) {
  describe(`signed webhooks on ${store}`, { skip }, () => {
    let server;
    let admin;
    before(async () => {
      server = await startRapport({ store });
      admin = await Api.login(server, ADMIN);
    });
    after(() => server?.stop());

    async function source(config, secret) {
      const name = `hook_${config.slug.replaceAll('-', '_')}`;
      await admin.put(`/secrets/${name}`, { value: secret });
      return admin.post('/webhook-sources', { secrets: [name], ...config });
    }

    const post = (made, body, headers, type = 'application/json') =>
      send(server.url + made.path, {
        method: 'POST',
        raw: body,
        headers: { 'content-type': type, ...headers },
      });

    for (const [scheme, sender] of Object.entries(SENDERS)) {
      test(`${scheme}: stored once, forged and stale ones refused`, async () => {
        const secret = sender.secret ?? 'a secret of theirs';
        const made = await source({ slug: `s-${scheme}`, scheme }, secret);
        const body = JSON.stringify({ id: 'evt_1', update_id: 7, text: 'naïve ✓' });
        const url = server.url + made.path;
        const headers = sender.headers(secret, body, seconds(), url);
        const first = await post(made, body, headers);
        assert.equal(first.status, 200, first.text);
        const again = await post(made, body, headers);
        assert.equal(again.status, 200);
        assert.deepEqual(again.body, { id: first.body.id, duplicate: true });

        if (scheme !== 'telegram') {
          const forged = await post(made, body.replace('evt_1', 'evt_2'), headers);
          assert.equal(forged.status, 401);
          assert.equal(forged.body.field, 'signature');
        }
        assert.equal((await post(made, body, {})).status, 401);
        if (TIMED.includes(scheme)) {
          const old = sender.headers(secret, body, String(Number(seconds()) - 400), url);
          const stale = await post(made, body, old);
          assert.equal(stale.status, 401);
          assert.equal(stale.body.field, 'timestamp');
        }
        const { items } = await admin.get(`/webhook-sources/${made.id}/deliveries`);
        assert.equal(items.length, 1);
        assert.equal(items[0].id, first.body.id);
        const one = await admin.get(`/webhook-sources/${made.id}/deliveries/${items[0].id}`);
        assert.equal(one.body, body);
        const { items: events } = await admin.get('/events?topic=communication_events');
        assert.equal(events.filter((e) => e.event_id === first.body.id).length, 1);
      });
    }

    test('twilio: forms by sorted fields, other bodies by their hash in the query', async () => {
      const made = await source({ slug: 'twilio', scheme: 'twilio' }, 'token');
      const form = 'Body=hi+there&From=%2B4912345&MessageSid=SM1&Body=hi+there';
      const url = server.url + made.path;
      const signed = `${url}Bodyhi thereFrom+4912345MessageSidSM1`;
      const headers = { 'x-twilio-signature': hmac('token', signed, 'base64', 'sha1') };
      const type = 'application/x-www-form-urlencoded';
      assert.equal((await post(made, form, headers, type)).status, 200);
      assert.equal((await post(made, `${form}&x=1`, headers, type)).status, 401);
      const turned = 'MessageSid=SM1&From=%2B4912345&Body=hi%20there'; // is signed as well
      const another = { ...headers, 'i-twilio-idempotency-token': 'another' };
      assert.equal((await post(made, turned, another, type)).body.duplicate, true);

      const body = '{"a":1}';
      const query = `?bodySHA256=${createHash('sha256').update(body).digest('hex')}`;
      const json = { 'x-twilio-signature': hmac('token', url + query, 'base64', 'sha1') };
      const to = { path: made.path + query };
      assert.equal((await post(to, body, json)).status, 200);
      assert.equal((await post(to, '{"a":2}', json)).status, 401);
    });

    test('two secrets hold while one replaces the other', async () => {
      const made = await source({ slug: 'rotated', scheme: 'generic' }, 'old secret');
      await admin.put('/secrets/hook_new', { value: 'new secret' });
      const trial = async (secret, n) => {
        const body = JSON.stringify({ n });
        return (await post(made, body, { 'x-signature': hmac(secret, body) })).status;
      };
      assert.deepEqual([await trial('old secret', 1), await trial('new secret', 2)], [200, 401]);
      const use = async (...secrets) => {
        const path = `/webhook-sources/${made.id}`;
        assert.equal((await admin.call('PATCH', path, { secrets })).status, 200);
      };
      await use('hook_new', 'hook_rotated');
      assert.deepEqual([await trial('old secret', 3), await trial('new secret', 4)], [200, 200]);
      await use('hook_new');
      assert.deepEqual([await trial('old secret', 5), await trial('new secret', 6)], [401, 200]);
      await admin.put('/secrets/hook_new', { value: 'newer secret' });
      assert.deepEqual([await trial('new secret', 7), await trial('newer secret', 8)], [401, 200]);
    });

    test('an id that is not signed makes no second event of one', async () => {
      for (const scheme of ['github', 'zendesk', 'shopify']) {
        const secret = 'a secret of theirs';
        const made = await source({ slug: `copied-${scheme}`, scheme }, secret);
        const ids = [
          'x-github-delivery',
          'x-zendesk-webhook-invocation-id',
          'x-shopify-webhook-id',
        ];
        const headers = SENDERS[scheme].headers(secret, '{"n":1}', seconds());
        const first = await post(made, '{"n":1}', headers);
        assert.equal(first.status, 200, first.text);
        const copy = Object.fromEntries(ids.map((name) => [name, 'another']));
        const second = await post(made, '{"n":1}', { ...headers, ...copy });
        assert.deepEqual(second.body, { id: first.body.id, duplicate: true }, scheme);
        const { items } = await admin.get(`/webhook-sources/${made.id}/deliveries`);
        assert.equal(items.length, 1);
      }
    });

    test('one body that comes as several kinds of event is several events', async () => {
      const kinds = { github: 'x-github-event', shopify: 'x-shopify-topic' };
      for (const [scheme, header] of Object.entries(kinds)) {
        const secret = 'a secret of theirs';
        const made = await source({ slug: `kinds-${scheme}`, scheme }, secret);
        const signed = SENDERS[scheme].headers(secret, '{"n":1}', seconds());
        const sent = async (kind, id) => {
          const ids = { 'x-github-delivery': id, 'x-shopify-webhook-id': id };
          return (await post(made, '{"n":1}', { ...signed, ...ids, [header]: kind })).body;
        };
        assert.equal((await sent('orders/create', 'a')).duplicate, undefined);
        assert.equal((await sent('orders/paid', 'b')).duplicate, undefined);
        assert.equal((await sent('orders/paid', 'c')).duplicate, true);
      }
    });

    test('who sends to a paused source is told, and no error is logged', async () => {
      const made = await source({ slug: 'paused', scheme: 'generic', paused: true }, 'paused');
      const answer = await post(made, '{}', { 'x-signature': hmac('paused', '{}') });
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
      const lines = server.log.split('\n').filter((line) => /source is paused/.test(line));
      assert.ok(
        lines.every((line) => /"level":"info"/.test(line)),
        lines.join('\n'),
      );
    });

    test('handshakes', async () => {
      await admin.put('/secrets/hook_verify', { value: 'our token' });
      const meta = await source(
        { slug: 'meta-check', scheme: 'meta', verify_secret: 'hook_verify' },
        'app secret',
      );
      const ask = (token) =>
        send(
          `${server.url}${meta.path}?hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=1158201444`,
        );
      const good = await ask('our%20token');
      assert.equal(good.status, 200);
      assert.equal(good.text, '1158201444');
      assert.equal((await ask('theirs')).status, 403);

      const linkedin = await source({ slug: 'linkedin-check', scheme: 'linkedin' }, 'client');
      const code = '890e4665-4dfe-4ab1-b689-ed553bceeed0';
      const told = await send(`${server.url}${linkedin.path}?challengeCode=${code}`);
      assert.equal(told.status, 200);
      assert.deepEqual(told.body, {
        challengeCode: code,
        challengeResponse: hmac('client', code),
      });
      for (const forged of ['hmacsha256={"id":1}', 'hmacsha256=1', '{"id":1}', 'x'.repeat(9)]) {
        const refused = await send(
          `${server.url}${linkedin.path}?challengeCode=${encodeURIComponent(forged)}`,
        );
        assert.equal(refused.status, 400, `signs whatever it is given: ${forged}`);
        assert.ok(!refused.text?.includes(hmac('client', forged)));
      }

      const slack = await source({ slug: 'slack-check', scheme: 'slack' }, 'slack');
      const body = JSON.stringify({ type: 'url_verification', challenge: '3eZbrw1aBm2rZg' });
      const answer = await post(slack, body, SENDERS.slack.headers('slack', body, seconds()));
      assert.equal(answer.status, 200);
      assert.equal(answer.text, '3eZbrw1aBm2rZg');
      assert.equal((await send(server.url + slack.path)).status, 404);
    });

    test('what cannot be an event or a message is stored all the same', async () => {
      const mapping = { event: '.event', message: '.message', agent: 'support' };
      const made = await source({ slug: 'odd', scheme: 'generic', ...mapping }, 'odd');
      const outcome = async (value) => {
        const body = JSON.stringify(value);
        const answer = await post(made, body, { 'x-signature': hmac('odd', body) });
        assert.equal(answer.status, 200, answer.text);
        return (await admin.get(`/webhook-sources/${made.id}/deliveries`)).items[0].outcome;
      };
      const event = { topic: 'crm_events', type: 'opportunity_closed_won' };
      const large = { ...event, payload: { text: 'x'.repeat(256 << 10) } };
      assert.match((await outcome({ event: large })).error, /^event: number 1/);
      const message = { contact: 'c-1', text: 'hello' };
      const odd = { ...message, external_id: 'a\u0000b' };
      assert.match((await outcome({ message: odd })).error, /^message: number 1/);
      const late = { ...message, text: `${' '.repeat(9000)}hello` };
      assert.ok((await outcome({ message: late })).conversation_id);
    });

    test('a full conversation is followed by a new one', async () => {
      const message = '[range(.n) as $i | {contact: "chatty", text: "\\(.at) \\($i)"}]';
      const made = await source(
        { slug: 'full', scheme: 'generic', message, agent: 'support' },
        'full',
      );
      const say = async (at, n) => {
        const body = JSON.stringify({ at, n });
        const answer = await post(made, body, { 'x-signature': hmac('full', body) });
        assert.equal(answer.status, 200, answer.text);
        await admin.post('/admin/clock', { advance_ms: 61_000 });
        return answer.body.conversation_id;
      };
      const first = await say(0, 1);
      await admin.post(`/conversations/${first}/takeover`);
      for (let at = 1; at <= 48; at++) assert.equal(await say(at, 100), first);
      assert.notEqual(await say(49, 100), first);
    });

    test('what is too large is refused whole', async () => {
      const made = await source({ slug: 'large', scheme: 'generic' }, 'large');
      const body = JSON.stringify({ text: 'x'.repeat((1 << 20) - 11) });
      const trial = async (text) =>
        (await post(made, text, { 'x-signature': hmac('large', text) })).status;
      assert.deepEqual([await trial(body), await trial(`${body} `)], [200, 413]);
    });

    test('an acknowledged one is there after kill -9, and known when it comes again', async () => {
      const message = '{contact: .from, text, external_id: .id, conversation: .from}';
      const made = await source(
        { slug: 'killed', scheme: 'generic', message, agent: 'support', per_minute: 0 },
        'kill',
      );
      const bodyOf = (n) =>
        JSON.stringify({ id: `k${n}`, from: `person-${n % 7}`, text: `Where is BW-1042${n % 5}?` });
      const sendOne = (n) => post(made, bodyOf(n), { 'x-signature': hmac('kill', bodyOf(n)) });
      const acknowledged = [];
      let killed = false;
      const writers = [0, 1, 2, 3].map(async (w) => {
        for (let n = w; !killed && n < 400; n += 4) {
          const answer = await sendOne(n).catch(() => null);
          if (answer?.status === 200) acknowledged.push(n);
        }
      });
      while (acknowledged.length < 60) await sleep(5);
      await server.kill();
      killed = true;
      await Promise.all(writers);

      server = await startRapport({ data: server.data, store, demo: false });
      admin = await Api.login(server, ADMIN);
      assert.ok(acknowledged.length >= 60);
      for (const n of acknowledged) {
        assert.equal((await sendOne(n)).body.duplicate, true, `number ${n}`);
      }
      const page = await admin.get(`/webhook-sources/${made.id}/deliveries?limit=200`);
      const conversations = [...new Set(page.items.map((d) => d.outcome.conversation_id))];
      assert.equal(conversations.length, 7);
      let stored = 0;
      for (const id of conversations) {
        const { items } = await admin.get(`/conversations/${id}/messages?limit=200`);
        stored += items.filter((m) => m.role === 'contact').length;
      }
      assert.equal(stored, page.items.length);
    });
  });
}
