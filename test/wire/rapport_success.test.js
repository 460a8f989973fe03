// The success copilot as its callers see it: server-sent events, a WebSocket, the command line, and
// the same question with a model that speaks Anthropic's or OpenAI's wire format, true or lying.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeLlm } from '../fake/llm/fake.js';
import { Api, problem, Socket } from './api.js';
import { until } from './degrade.js';
import { ADMIN, HARBOUR, runRapport, skip, startRapport, STORES } from './rapport.js';

const NAME = 'Nordvik Logistics AB';
const BRIEF = `Prepare a renewal brief for ${NAME}`;

/** The events of a stream, from its first to its last. */
function parse(text) {
  const all = [];
  for (const block of text.split('\n\n')) {
    const name = /^event: (.*)$/m.exec(block)?.[1];
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (name && data) all.push({ name, data: JSON.parse(data) });
  }
  return all;
}

/** What holds for every ask, whatever becomes of it. */
function check(events) {
  const names = events.map((event) => event.name);
  assert.equal(names[0], 'plan', names.join(' '));
  assert.equal(names.filter((name) => name === 'final').length, 1, names.join(' '));
  assert.equal(names.at(-1), 'final');
  const of = (kind) =>
    events
      .filter((event) => event.name === kind)
      .map((event) => event.data.name)
      .sort();
  assert.deepEqual(of('tool:start'), of('tool:end'));
  assert.deepEqual(of('tool:start'), of('tool:complete'));
  const final = events.at(-1).data;
  const planned = events[0].data.steps.map((step) => step.tool).sort();
  assert.deepEqual(planned, of('tool:start'), 'what is shown is what is executed');
  const ids = new Set(events.map((event) => event.data.request_id));
  assert.deepEqual([...ids], [final.request_id]);
  assert.equal(events[0].data.brief_id, final.id);
  return final;
}

async function stream(api, path, more = {}) {
  const response = await fetch(api.base + path, {
    ...more,
    headers: {
      authorization: `Bearer ${api.token}`,
      accept: 'text/event-stream',
      'content-type': 'application/json',
    },
  });
  assert.equal(response.status, 200, path);
  assert.match(response.headers.get('content-type'), /^text\/event-stream/);
  return parse(await response.text());
}

const suite = (store) => () => {
  let server;
  let member;
  before(async () => {
    server = await startRapport({ store });
    member = await Api.login(server, ADMIN);
  });
  after(() => server?.stop());

  test('the same brief over GET, over POST and whole', async () => {
    const message = encodeURIComponent(BRIEF);
    const got = check(await stream(member, `/copilot/stream?message=${message}`));
    const body = JSON.stringify({ question: BRIEF });
    const posted = check(await stream(member, '/briefs', { method: 'POST', body }));
    const whole = await member.post('/briefs', { question: BRIEF });
    for (const final of [got, posted, whole]) {
      assert.equal(final.scope, 'account');
      assert.equal(final.task, 'renewal');
      assert.equal(final.plan_source, 'builtin');
      assert.match(final.plan_hint, /No model/);
      assert.equal(final.account.name, NAME);
      assert.equal(final.used_tools.length, 5);
      assert.ok(final.email_draft.subject.includes(NAME));
      assert.equal(final.summary, got.summary);
      assert.deepEqual(await member.get(`/briefs/${final.id}`), final);
    }
    const { items } = await member.get('/briefs?limit=3');
    assert.deepEqual(
      items.map((item) => item.id),
      [whole.id, posted.id, got.id],
    );
  });

  test('every figure is that of the account', async () => {
    const { figures, account, facts } = await member.post('/briefs', { question: BRIEF });
    const record = await member.get(`/accounts/${account.id}`);
    const value = (key) => figures.find((figure) => figure.key === key)?.value;
    const data = record.data ?? record;
    assert.equal(value('arr'), data.arr_cents / 100);
    assert.equal(value('renewal_date'), new Date(data.renewal_date).toISOString().slice(0, 10));
    assert.equal(value('open_tickets'), facts.tickets.open_tickets);
    for (const figure of figures) assert.match(figure.source.url, /^\/console\/accounts\//);
  });

  test('a question across customers is a ranked table', async () => {
    const later = new Date(Date.now() + 120 * 86_400_000); // a month that is far, whenever it is asked
    const month = later.toLocaleString('en-GB', { month: 'long', timeZone: 'UTC' });
    const question = `Which customers are most at risk before ${month}?`;
    const final = await member.post('/briefs', { question });
    assert.equal(final.scope, 'portfolio');
    const scores = final.table.rows.map((row) => row.score ?? 1000);
    assert.ok(scores.length > 1);
    assert.deepEqual(
      scores,
      [...scores].sort((a, b) => a - b),
    );
  });

  test('the e-mail in another tone and language, and as a person wrote it', async () => {
    const { id } = await member.post('/briefs', { question: BRIEF });
    const german = await member.post(`/briefs/${id}/email`, { tone: 'formal', language: 'de' });
    assert.match(german.email_draft.body, /Mit freundlichen Grüßen/);
    assert.deepEqual((await member.get(`/briefs/${id}`)).email_draft, german.email_draft);
    const none = await member.post(`/briefs/${id}/email`, { instruction: 'mention the fair' });
    assert.ok(none.notes.some((note) => note.code === 'instruction_not_followed'));
    const draft = { subject: 'Hello', body: 'Mine.' };
    const edit = await member.call('PATCH', `/briefs/${id}`, { email_draft: draft });
    assert.equal(edit.body.email_draft.body, 'Mine.');
    assert.equal(edit.body.email_draft.edited, true);
    const broken = { ...draft, subject: 'Hello\r\nBcc: x@y.z' };
    const lines = await member.call('PATCH', `/briefs/${id}`, { email_draft: broken });
    assert.deepEqual([lines.status, lines.body.field], [400, 'email_draft.subject']);
    const bad = await member.call('PATCH', `/briefs/${id}`, { email_draft: { subject: 'x' } });
    assert.equal(problem(bad, 400).field, 'email_draft.body');
    const tone = await member.call('POST', `/briefs/${id}/email`, { tone: 'loud' });
    assert.equal(problem(tone, 400).field, 'tone');
  });

  test('a brief of an account that has another name by now is exported with both', async () => {
    const admin = await Api.login(server, ADMIN);
    const made = await admin.call('POST', '/accounts', {
      name: 'Gone Soon Ltd',
      renewal_date: '2031-01-01',
      arr_cents: 500_000,
      currency: 'EUR',
      usage: { trend: 'up', avg_daily_users: 7 },
      open_tickets: 1,
    });
    assert.equal(made.status, 201, made.text);
    const brief = await admin.post('/briefs', { question: 'Renewal brief for Gone Soon Ltd' });
    const file = async (kind) => {
      const query = `format=md&kind=${kind}`;
      return (await admin.call('GET', `/briefs/${brief.id}/export?${query}`)).text;
    };
    assert.doesNotMatch(await file('brief'), /\(Gone Soon|Renamed/);
    const { slug } = made.body.account;
    await admin.call('PATCH', `/accounts/${slug}`, { name: 'Renamed Ltd' });
    for (const kind of ['brief', 'qbr']) {
      assert.match(await file(kind), /^# .*Gone Soon Ltd \(Renamed Ltd\)/m, kind);
    }
  });

  test('limits name the field, other organisations see nothing', async () => {
    const long = 'a'.repeat(2001);
    const empty = await member.call('GET', '/copilot/stream?message=%20');
    assert.equal(problem(empty, 400).field, 'message');
    const much = await member.call('GET', `/copilot/stream?message=${long}`);
    assert.equal(problem(much, 400).field, 'message');
    assert.equal(
      problem(await member.call('POST', '/briefs', { question: long }), 400).field,
      'question',
    );
    const wide = (count) => member.call('POST', '/briefs', { question: 'ü'.repeat(count) });
    assert.deepEqual([(await wide(2000)).status, (await wide(2001)).status], [201, 400]);
    const old = { question: BRIEF, as_of: '1900-01-01' };
    const then = problem(await member.call('POST', '/briefs', old), 400);
    assert.equal(then.field, 'as_of');
    assert.doesNotMatch(then.detail, /future/);
    const unseen = { question: 'Health?', account_id: 'nobody-at-all' };
    assert.equal(problem(await member.call('POST', '/briefs', unseen), 404).field, 'account_id');
    const { id } = await member.post('/briefs', { question: BRIEF });
    const other = await Api.login(server, HARBOUR);
    problem(await other.call('GET', `/briefs/${id}`), 404);
    problem(await other.call('POST', `/briefs/${id}/rerun`), 404);
    const theirs = await other.post('/briefs', { question: BRIEF });
    assert.equal(theirs.account, null);
    problem(await member.call('POST', `/briefs/${id}/rerun`), 409); // nothing failed
    await member.del(`/briefs/${id}`);
    problem(await member.call('GET', `/briefs/${id}`), 404);
  });

  test('over a WebSocket, ask after ask', async () => {
    const socket = await Socket.open(`${server.ws}/api/v1/copilot/ws`);
    socket.send({ type: 'auth', token: member.token });
    await socket.next((frame) => frame.type === 'ready', { what: 'ready' });
    for (const question of [BRIEF, 'How many tickets does Nordvik Logistics have?']) {
      const from = socket.all.length;
      socket.send({ type: 'ask', question });
      await socket.next((frame) => frame.type === 'final', { from, what: 'final' });
      const frames = socket.all.slice(from);
      check(frames.map(({ type, ...data }) => ({ name: type, data })));
    }
    const from = socket.all.length;
    socket.send({ type: 'ask', question: '' });
    const refused = await socket.next((frame) => frame.type === 'error', { from, what: 'error' });
    assert.equal(refused.field, 'question');
    const again = socket.all.length;
    socket.send({ type: 'rerun', brief_id: '01890000-0000-7000-8000-000000000000' });
    const unknown = await socket.next((frame) => frame.type === 'error', {
      from: again,
      what: 'no brief',
    });
    assert.equal(unknown.code, 'not_found');
    socket.close();
  });

  test('of many quick asks on one WebSocket the newest is answered, and each is ended', async () => {
    const socket = await Socket.open(`${server.ws}/api/v1/copilot/ws`);
    socket.send({ type: 'auth', token: member.token });
    await socket.next((frame) => frame.type === 'ready', { what: 'ready' });
    const asked = Array.from({ length: 8 }, (_, i) => `How is ${NAME} doing, number ${i}?`);
    for (const question of asked) socket.send({ type: 'ask', question });
    await socket.next(
      (frame) => frame.type === 'final' && frame.question === asked.at(-1) && frame.account,
      { what: 'the answer to the newest' },
    );
    const ends = () => socket.all.filter((frame) => frame.type === 'final');
    await until('eight finals', () => ends().length === asked.length);
    assert.deepEqual(
      ends()
        .map((final) => final.question)
        .sort(),
      asked,
    );
    assert.equal(socket.all.filter((frame) => frame.type === 'error').length, 0);
    socket.close();
  });

  test('many guests at once are answered one after another', async () => {
    const message = encodeURIComponent('How is Acme Logistics doing?');
    const asks = Array.from({ length: 6 }, async () => {
      const { access_token: token } = await new Api(server).post('/auth/guest', {
        org: 'brightwell',
      });
      return check(await stream(new Api(server, token), `/copilot/stream?message=${message}`));
    });
    for (const final of await Promise.all(asks)) assert.notEqual(final.scope, 'failed');
  });

  test('a day of the past means its end, here and on the page, and the answer says which', async () => {
    const dayAgo = async (days) => {
      const now = Date.parse((await member.call('GET', '/portfolio')).headers.get('date'));
      return new Date(now - days * 86_400_000).toISOString().slice(0, 10);
    };
    const day = await dayAgo(20);
    const { account } = await member.post('/briefs', { question: BRIEF });
    const page = await member.get(`/accounts/${account.id}/overview?as_of=${day}`);
    const brief = await member.post('/briefs', { question: `Health of ${NAME}`, as_of: day });
    assert.equal(brief.health.score, page.health.score);
    assert.equal(new Date(brief.as_of).toISOString(), `${day}T23:59:59.999Z`);
    assert.ok(
      brief.notes.some((note) => note.code === 'as_of'),
      JSON.stringify(brief.notes),
    );
    const words = await member.post('/briefs', { question: `How was ${NAME} doing on ${day}?` });
    assert.equal(words.as_of, brief.as_of);
    assert.equal(words.health.score, page.health.score);
    assert.equal((await member.post('/briefs', { question: BRIEF })).as_of, null);
    let today;
    let current;
    do {
      today = await dayAgo(0); // and it may end before the answer is there
      current = await member.post('/briefs', { question: BRIEF, as_of: today });
    } while ((await dayAgo(0)) !== today);
    assert.equal(current.as_of, null);
    const late = { question: BRIEF, as_of: '2190-01-01' };
    assert.equal(problem(await member.call('POST', '/briefs', late), 400).field, 'as_of');
  });

  test('what a guest was told of an account ends when it is no demo any more', async () => {
    const { access_token: token } = await new Api(server).post('/auth/guest', {
      org: 'brightwell',
    });
    const guest = new Api(server, token);
    const slug = (await guest.get('/portfolio?limit=1')).items[0].slug;
    const { id } = await guest.post('/briefs', { question: 'How is it doing?', account_id: slug });
    assert.equal((await guest.get(`/briefs/${id}`)).account.slug, slug);
    const demo = (value) => member.call('PATCH', `/accounts/${slug}`, { demo: value });
    assert.ok((await demo(false)).status < 300);
    problem(await guest.call('GET', `/briefs/${id}`), 404);
    assert.equal((await guest.get('/briefs')).items.length, 0);
    assert.ok((await demo(true)).status < 300);
    assert.equal((await guest.get(`/briefs/${id}`)).id, id);
  });

  test('two accounts of one name are told apart, and one is picked', async () => {
    for (const slug of ['twin-north', 'twin-south']) {
      await member.post('/accounts', { name: 'Twin Harbour Ltd', slug });
    }
    const question = 'How is Twin Harbour Ltd doing?';
    const asked = await member.post('/briefs', { question });
    assert.equal(asked.scope, 'which_account', JSON.stringify(asked));
    assert.match(asked.summary, /Twin Harbour Ltd \(twin-north\)/);
    const slugs = asked.candidates.map((one) => one.slug).sort();
    assert.deepEqual(slugs, ['twin-north', 'twin-south']);
    const { id } = asked.candidates[1];
    assert.equal((await member.post('/briefs', { question, account_id: id })).account.id, id);
    for (const one of asked.candidates) await member.del(`/accounts/${one.id}`);
  });

  test('a stranger is told to sign in', async () => {
    const stranger = await Socket.open(`${server.ws}/api/v1/copilot/ws`);
    stranger.send({ type: 'ask', question: BRIEF });
    await stranger.next((frame) => frame.type === 'error', { what: 'error' });
  });
};

for (const store of STORES) describe(`success copilot on ${store}`, { skip }, suite(store));

/** The demo's days are counted from the day it was made on. */
async function renewalInGerman(member) {
  const { contract } = await member.get('/accounts/nordvik-logistics/overview');
  const form = { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' };
  return new Intl.DateTimeFormat('de-DE', form).format(contract.renewal_date_ms);
}

describe('rapport ask', { skip }, () => {
  test('with a server it shows the plan, the tools and the answer; without one too', async () => {
    const server = await startRapport();
    const renewal = await renewalInGerman(await Api.login(server, ADMIN));
    const args = ['ask', '--data', server.data, '--org', 'brightwell'];
    const there = await runRapport([...args, BRIEF]);
    const lines = await runRapport([...args, '--json', BRIEF]);
    const german = await runRapport([...args, '--language', 'de', BRIEF]);
    const unnamed = await runRapport(['ask', '--data', server.data, BRIEF]);
    assert.equal(unnamed.code, 0, unnamed.stderr);
    assert.match(unnamed.stderr, /^organisation brightwell, that of the demo/);
    assert.match(unnamed.stdout, /Subject: Renewal alignment for Nordvik Logistics AB/);
    await server.stop({ keep: true });
    const here = await runRapport([...args, BRIEF]);
    for (const { code, stdout, stderr } of [there, here]) {
      assert.equal(code, 0, stderr);
      assert.match(stdout, /Plan\n {2}1\. get_customer_usage/);
      assert.match(stdout, /\+ get_customer_usage +[0-9.]+ ms/);
      assert.match(stdout, /has a health score of \d+/);
      assert.match(stdout, /No model is available: the planner inside has made this plan\./);
      assert.match(stdout, /Subject: Renewal alignment for Nordvik Logistics AB/);
    }
    assert.match(german.stdout, /Subject: Abstimmung zur Verlängerung/);
    assert.match(german.stdout, /hat einen Health Score von \d+; das Risiko ist/);
    assert.ok(german.stdout.includes(`Der Vertrag verlängert sich am ${renewal}.`), german.stdout);
    const events = lines.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    check(events.map(({ event, data }) => ({ name: event, data })));
    await server.stop();
  });
});

// ---- with a model ----------------------------------------------------------------------------

const WIRES = { anthropic: 'claude-sonnet-5-5', openai: 'gpt-5.4' };
const PLAN = {
  summary: 'Look at the contract and write.',
  steps: [
    { tool: 'get_contract_info', reason: 'The date.' },
    { tool: 'calculate_health', reason: 'The risk.' },
    { tool: 'generate_email', reason: 'The draft.' },
  ],
};
const TRUE_WORDS = {
  summary: `${NAME} renews on {{figure.renewal_date}} with a score of {{figure.score}}.`,
  email: {
    subject: `Your renewal, ${NAME}`,
    body: 'Hello, shall we speak before {{renewal_date}}?',
  },
};
const plan = (json) => ({ when: { system: 'Choose the tools' }, reply: { json } });
// a function, so that the fake leaves what stands in {{ }} as it is
const words = (json) => ({ when: { system: 'Word the answer' }, reply: () => ({ json }) });

const STALLED = { when: { system: 'Word the answer' }, fault: { stall: 1 } };
const isWording = (request) => JSON.stringify(request).includes('Word the answer');

for (const [wire, model] of Object.entries(WIRES)) {
  describe(`success copilot with a model over ${wire}`, { skip }, () => {
    let fake;
    let server;
    let member;
    let told; // the events of the last ask
    before(async () => {
      fake = await FakeLlm.start();
      const provider = {
        name: wire,
        kind: wire,
        base_url: wire === 'openai' ? `${fake.url}/v1` : fake.url,
        key_env: 'WIRE_KEY',
        allow_private: true,
        models: [{ name: model, class: 'balanced', price_in: 3, price_out: 15 }],
      };
      const llm = { providers: [provider], backoff_ms: 1 };
      server = await startRapport({ config: { llm }, env: { WIRE_KEY: 'sk-wire-1' } });
      member = await Api.login(server, ADMIN);
    });
    after(async () => {
      await server?.stop();
      await fake?.close();
    });
    let language;
    const ask = async (...rules) => {
      fake.load({ rules });
      await member.post('/admin/clock', { advance_ms: 60_000 }); // circuits close
      const body = JSON.stringify({ question: BRIEF, language });
      told = await stream(member, '/briefs', { method: 'POST', body });
      return check(told);
    };
    const has = (final, code) => final.notes.some((note) => note.code === code);

    test('its plan is shown and executed, its words are bound to figures', async () => {
      const final = await ask(plan(PLAN), words(TRUE_WORDS));
      assert.equal(final.plan_source, 'model');
      const tools = final.used_tools.map((tool) => tool.name);
      assert.deepEqual(
        tools,
        PLAN.steps.map((step) => step.tool),
      );
      assert.equal(final.decision_log[0].reason, 'The date.');
      const text = (key) => final.figures.find((figure) => figure.key === key).text;
      assert.equal(
        final.summary,
        `${NAME} renews on ${text('renewal_date')} with a score of ${text('score')}.`,
      );
      assert.ok(final.email_draft.body.includes(text('renewal_date')));
      assert.ok(final.actions.length > 0, 'what it left out is filled in');
      assert.equal(final.notes.length, 0, JSON.stringify(final.notes));
    });

    test('in another language than English it may plan, and the rules write', async () => {
      language = 'de';
      try {
        const day = await renewalInGerman(member);
        const before = fake.requests().filter(isWording).length;
        const summary = `${NAME} verlängert sich am {{renewal_date}} und zahlt 11.760 € im Jahr.`;
        const final = await ask(plan(PLAN), words({ summary }));
        assert.equal(final.plan_source, 'model');
        assert.match(final.summary, /hat einen Health Score von /);
        assert.ok(final.summary.includes(`am ${day}.`), final.summary);
        assert.equal(final.email_draft.language, 'de');
        assert.ok(has(final, 'worded_by_rules'), JSON.stringify(final.notes));
        assert.match(JSON.stringify(fake.requests()), /language\\+":\s*\\+"German/);
        const asked = fake.requests().filter(isWording).length;
        assert.ok(asked <= before, 'no words were asked for');
      } finally {
        language = undefined;
      }
    });

    test('an invented number is not told', async () => {
      const lie = { ...TRUE_WORDS, summary: `${NAME} has 4711 open tickets.` };
      const final = await ask(plan(PLAN), words(lie));
      assert.ok(has(final, 'number_rejected'), JSON.stringify(final.notes));
      assert.ok(!final.summary.includes('4711') && final.summary.includes('health score'));
      assert.match(final.email_draft.subject, /^Your renewal/); // the rest holds
    });

    test('a number of another thing reaches neither answer nor document', async () => {
      const all = ['get_customer_usage', 'get_recent_tickets', 'get_contract_info'];
      const steps = [...all, 'calculate_health'].map((tool) => ({ tool, reason: 'It is read.' }));
      const wide = plan({ ...PLAN, steps });
      const honest = await ask(
        wide,
        words({
          summary:
            `${NAME} scores {{score}}, with {{avg_daily_users}} users a day and ` +
            `{{open_tickets}} open tickets. The contract is worth {{arr}} a year.`,
        }),
      );
      assert.equal(honest.notes.length, 0, JSON.stringify(honest.notes));
      const value = (key) => honest.figures.find((figure) => figure.key === key).text;
      assert.match(honest.summary, new RegExp(`with ${value('avg_daily_users')} users a day`));
      const lies = [
        '{{avg_daily_users}} tickets are open.',
        '{{open_tickets}} users and {{avg_daily_users}} tickets.',
        `The score is ${value('avg_daily_users')}.`,
        `They pay $${value('score')} a year.`,
        'There are no open tickets.',
        'All users have churned.',
        'The contract expired last year.',
        'The score is \u246f.',
        'Score: LXXIV.',
        'Usage is up by a fifth.',
      ];
      for (const lie of lies) {
        const said = `${NAME} is told about. ${lie}`;
        const actions = [{ text: said, reason: said, priority: 'high' }];
        const final = await ask(wide, words({ summary: said, actions }));
        assert.equal(final.plan_source, 'model');
        assert.ok(has(final, 'words_rejected') || has(final, 'number_rejected'), lie);
        assert.match(final.summary, /has a health score of/);
        assert.ok(final.actions.length > 0);
        const file = await member.call('GET', `/briefs/${final.id}/export?format=md&kind=brief`);
        assert.equal(file.status, 200);
        assert.ok(!file.text.includes('is told about'), file.text);
      }
    });

    test('a tool that does not exist is asked about once more, then left to the planner', async () => {
      const odd = { ...PLAN, steps: [{ tool: '../../admin', reason: 'x' }] };
      const final = await ask({ ...plan(odd), times: 1 }, plan(PLAN), words(TRUE_WORDS));
      assert.equal(final.plan_source, 'model');
      const stubborn = await ask(plan(odd), words(TRUE_WORDS));
      assert.equal(stubborn.plan_source, 'builtin');
      assert.ok(has(stubborn, 'planned_without_model'));
      assert.equal(stubborn.used_tools.length, 5);
    });

    test('a model that fails costs its words only', async () => {
      const final = await ask(plan(PLAN), {
        when: { system: 'Word the answer' },
        fault: { status: 400, message: 'no' },
      });
      assert.equal(final.scope, 'account');
      assert.ok(has(final, 'worded_without_model'));
      assert.match(final.summary, /has a health score of/);
      const none = await ask({ fault: { status: 401, message: 'no' } });
      assert.equal(none.scope, 'account');
      assert.ok(has(none, 'planned_without_model'));
      assert.equal(none.used_tools.length, 5);
    });

    test('secrets in its words are told by no event; a refusal asks no model', async () => {
      const key = 'the key is sk-abcdefabcdefabcdefabcdefabcdef.';
      const email = { subject: `Hello, ${NAME}`, body: key };
      const leak = { ...TRUE_WORDS, summary: `Of ${NAME} ${key}`, email };
      const final = await ask(plan(PLAN), words(leak));
      assert.ok(has(final, 'words_rejected'), JSON.stringify(final.notes));
      assert.ok(!JSON.stringify(told).includes('sk-abcdef'), 'no event on the way tells it');
      const last = (name) => told.findLast((event) => event.data[name] && event.name === 'patch');
      assert.deepEqual(last('email_draft').data.email_draft, final.email_draft);
      assert.equal(last('summary').data.summary, final.summary);
      fake.load({ rules: [] });
      const seen = fake.requests().length;
      const refused = await member.post('/briefs', { question: 'How do I bake bread?' });
      assert.equal(refused.scope, 'refused');
      assert.equal(fake.requests().length, seen);
    });

    test('no event and no export holds a secret of the plan, of a ticket or of the words', async () => {
      const secret = 'sk-abcdefabcdefabcdefabcdefabcdef';
      const load = (kind, ...lines) =>
        member.post(`/imports?kind=${kind}`, undefined, {
          raw: `${lines.join('\n')}\n`,
          headers: { 'content-type': 'text/csv' },
        });
      await load('accounts', 'slug,name', 'locksmith,Locksmith Ltd');
      await load('contracts', 'account,renewal_date,arr', 'locksmith,2031-01-01,50000');
      await load(
        'tickets',
        'account,id,severity,subject',
        `locksmith,L-1,high,Key ${secret} is gone`,
      );
      const leaky = {
        summary: `Look with ${secret}.`,
        steps: [
          { tool: 'get_recent_tickets', reason: `For ${secret}.` },
          { tool: 'generate_email', reason: 'The draft.' },
          { tool: 'generate_qbr_outline', reason: 'The outline.' },
        ],
      };
      const said = {
        summary: `Locksmith Ltd has an open ticket, "Key ${secret} is gone".`,
        actions: [{ text: `Change ${secret}`, reason: `Of ${secret}`, priority: 'high' }],
        email: { subject: 'To Locksmith Ltd', body: `Hello, ${secret} is gone.` },
      };
      fake.load({ rules: [plan(leaky), words(said)] });
      await member.post('/admin/clock', { advance_ms: 60_000 });
      const question = 'Outline the QBR and list the tickets of Locksmith Ltd';
      const body = JSON.stringify({ question });
      const events = await stream(member, '/briefs', { method: 'POST', body });
      const final = check(events);
      assert.equal(final.plan_source, 'model');
      assert.match(final.summary, /has an open ticket, "Key \[REDACTED\] is gone"/);
      assert.match(final.facts.tickets.recent_tickets[0].subject, /^Key \[REDACTED\] is gone/);
      for (const { name, data } of events) {
        assert.ok(!JSON.stringify(data).includes('sk-abcdef'), `${name}: ${JSON.stringify(data)}`);
      }
      for (const kind of ['brief', 'qbr']) {
        const file = await member.call('GET', `/briefs/${final.id}/export?format=md&kind=${kind}`);
        assert.equal(file.status, 200, file.text);
        assert.ok(!file.text.includes('sk-abcdef'), file.text);
      }
    });

    test('a new question ends the one before', async () => {
      fake.load({ rules: [{ when: { system: 'Choose the tools' }, fault: { stall: 1 } }] });
      await member.post('/admin/clock', { advance_ms: 60_000 });
      const path = `/copilot/stream?message=${encodeURIComponent(BRIEF)}`;
      const stalled = (row) => row.outcome === 'stalled'; // what only came could still be answered
      const seen = fake.requests(stalled).length;
      const first = stream(member, path);
      await fake.atLeast(seen + 1, stalled);
      fake.load({ rules: [plan(PLAN), words(TRUE_WORDS)] });
      const second = await stream(member, path);
      assert.equal(second.at(-1).data.scope, 'account');
      const old = (await first).at(-1);
      assert.equal(old.name, 'final');
      assert.equal(old.data.scope, 'failed');
    });

    test('more questions than are answered at a time stand in line', async () => {
      await member.post('/admin/clock', { advance_ms: 60_000 });
      const held = { json: PLAN, first_byte_steps: 1, delta_steps: 0 };
      const slow = { when: { system: 'Choose the tools' }, reply: () => held };
      fake.load({ rules: [slow, words(TRUE_WORDS)], settings: { clock: { mode: 'manual' } } });
      const isPlan = (request) => JSON.stringify(request).includes('Choose the tools');
      const before = fake.requests().filter(isPlan).length;
      const asks = [];
      for (let i = 0; i < 5; i++) {
        const { key } = await member.post('/keys', { name: `line ${wire} ${i}`, scopes: ['*'] });
        const path = `/copilot/stream?message=${encodeURIComponent(BRIEF)}`;
        asks.push(stream(new Api(server, key), path));
      }
      for (const seen of [3, 4, 5]) {
        await fake.atLeast(before + seen, isPlan);
        fake.advance(1);
      }
      for (const events of await Promise.all(asks)) assert.equal(check(events).scope, 'account');
    });

    test('what is removed or written while a model words stays so', async () => {
      await member.post('/admin/clock', { advance_ms: 60_000 });
      const draft = { subject: 'Hello', body: 'Mine.' };
      const held = { json: TRUE_WORDS, first_byte_steps: 1, delta_steps: 0 };
      const lateWords = { when: { system: 'Word the answer' }, reply: () => held };
      for (const [method, status] of Object.entries({ PATCH: 409, DELETE: 404 })) {
        fake.load({ rules: [plan(PLAN), words(TRUE_WORDS)] });
        const { id } = await member.post('/briefs', { question: BRIEF });
        const worded = fake.requests().filter(isWording).length;
        fake.load({ rules: [lateWords], settings: { clock: { mode: 'manual' } } });
        const late = member.call('POST', `/briefs/${id}/email`, { instruction: 'be short' });
        await fake.atLeast(worded + 1, isWording);
        const body = method === 'PATCH' ? { email_draft: draft } : undefined;
        const now = await member.call(method, `/briefs/${id}`, body);
        assert.ok(now.status < 300, now.text);
        fake.advance(1);
        problem(await late, status);
        const after = await member.call('GET', `/briefs/${id}`);
        if (method === 'PATCH') assert.equal(after.body.email_draft.body, 'Mine.');
        else problem(after, 404);
      }
    });

    test('an ask that is ended has one id, and says that it is kept nowhere', async () => {
      const worded = fake.requests().filter(isWording).length;
      fake.load({ rules: [plan(PLAN), STALLED] });
      await member.post('/admin/clock', { advance_ms: 60_000 });
      const path = `/copilot/stream?message=${encodeURIComponent(BRIEF)}`;
      const first = stream(member, path);
      await fake.atLeast(worded + 1, isWording);
      fake.load({ rules: [plan(PLAN), words(TRUE_WORDS)] });
      const second = check(await stream(member, path));
      assert.equal(second.stored, undefined);
      const old = check(await first); // the plan's brief_id is the last event's id
      assert.equal(old.scope, 'failed');
      assert.equal(old.question, BRIEF);
      assert.equal(old.stored, false);
      problem(await member.call('GET', `/briefs/${old.id}`), 404);
      assert.equal((await member.get(`/briefs/${second.id}`)).scope, 'account');
    });
  });
}
