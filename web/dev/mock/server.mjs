// The HTTP and WebSocket side of the mock. See README.md.
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { WebSocketServer } from 'ws';
import * as db from './data.mjs';
import { turn } from './brain.mjs';

const port = Number(process.env.PORT ?? 8090);
const dist = new URL('../../dist', import.meta.url).pathname;
const sessions = new Map(); // chat token -> conversation id
const pairings = new Map(); // code -> chat token
const chatLines = new Set(); // {conversationId, send}
const liveLines = new Set(); // {send, watching}
const refresh = new Set();
let eventSeq = 0;

class Problem extends Error {
  constructor(status, code, detail, more = {}) {
    super(detail);
    Object.assign(this, { status, code, more });
  }
}
const missing = () => new Problem(404, 'not_found', 'There is no such thing here.');

// ---- telling ------------------------------------------------------------------------------------
function emit(topic, event_type, payload) {
  const event = { type: 'event', topic, event_type, seq: ++eventSeq, at: Date.now(), payload };
  db.events.push({ id: db.id(), ...event });
  for (const line of liveLines) line.send(event);
  return event;
}
const toChat = (conversation, frame) => {
  for (const line of chatLines) if (line.conversationId === conversation.id) line.send(frame);
};
const toWatchers = (conversation, frame) => {
  for (const line of liveLines)
    if (line.watching === conversation.id)
      line.send({ ...frame, conversation_id: conversation.id });
};
function tellMessage(conversation, message) {
  if (message.role !== 'note') toChat(conversation, { type: 'message', message, seq: message.seq });
  emit('message_events', 'message_sent', {
    conversation_id: conversation.id,
    message_id: message.id,
    role: message.role,
  });
}
function own(conversation, owner, member) {
  Object.assign(conversation, {
    owner,
    assignee: member ?? null,
    status: owner === 'human' ? 'human' : 'active',
  });
  toChat(conversation, {
    type: 'owner',
    owner,
    status: conversation.status,
    member: member ? { name: member.name } : null,
  });
  emit(
    'conversation_events',
    owner === 'human' ? 'conversation_taken_over' : 'conversation_released',
    { conversation_id: conversation.id },
  );
}
function handover(conversation, reason) {
  if (conversation.owner === 'human') return;
  conversation.status = 'escalated';
  conversation.owner = 'human';
  conversation.escalation = { reason, priority: 'normal', created_at: Date.now() };
  toChat(conversation, { type: 'status', status: 'escalated', owner: 'human', member: null });
  emit('conversation_events', 'conversation_escalated', {
    conversation_id: conversation.id,
    reason,
  });
}
function fromContact(conversation, text, client_id) {
  const known = conversation.messages.find((m) => m.client_id === client_id);
  if (known) return known;
  const message = db.addMessage(conversation, 'contact', text, { client_id });
  if (/terrible|angry|awful|ridiculous/i.test(text)) conversation.sentiment = -0.7;
  tellMessage(conversation, message);
  if (conversation.owner === 'ai')
    void turn(conversation, text, {
      chat: (frame) => toChat(conversation, frame),
      both: (frame) => (toChat(conversation, frame), toWatchers(conversation, frame)),
      live: emit,
      message: (m) => tellMessage(conversation, m),
      handover: (reason) => handover(conversation, reason),
    });
  return message;
}

// ---- documents ----------------------------------------------------------------------------------
const listed = ({ messages, runs, seq, flow, ...rest }) => {
  const last = messages.filter((m) => m.role !== 'note').at(-1);
  return {
    ...rest,
    contact: (({ account, ...c }) => c)(rest.contact),
    message_count: messages.length,
    last_message: last ? { role: last.role, text: last.text, created_at: last.created_at } : null,
  };
};
const page = (items) => ({ items, next_cursor: null });
function session(conversation, token) {
  const live = db.versions.get(db.agents[0].id).at(-1).yaml;
  const agent = live
    .match(/greeting: >-\n((?: {2}.*\n)+)/)?.[1]
    .replace(/\s+/g, ' ')
    .trim();
  return {
    token,
    conversation_id: conversation.id,
    contact: conversation.contact,
    owner: conversation.owner,
    status: conversation.status,
    member: conversation.assignee ? { name: conversation.assignee.name } : null,
    agent: {
      name: 'Robin',
      greeting: agent ?? 'Hello, what can I do for you?',
      color: '#0f766e',
      suggestions: [
        'Where is my order?',
        'I want to cancel an order',
        'How do returns work?',
        "My scanner won't pair",
      ],
    },
    messages: conversation.messages.filter((m) => m.role !== 'note'),
    cursor: conversation.seq,
  };
}
const conversationOf = (token) => {
  const conversation = db.conversations.get(sessions.get(token));
  if (!conversation) throw new Problem(401, 'unauthorized', 'This chat has ended.');
  return conversation;
};
const find = (list, key) =>
  list.find((x) => x.id === key || x.slug === key || x.number === key) ??
  (() => {
    throw missing();
  })();

function validate(yaml) {
  const errors = [];
  const seen = new Map();
  yaml.split('\n').forEach((line, i) => {
    const tab = line.indexOf('\t');
    if (tab >= 0)
      errors.push({
        line: i + 1,
        column: tab + 1,
        path: '',
        message: 'A tab cannot indent YAML; use spaces.',
        severity: 'error',
      });
    const key = /^([A-Za-z_]+):/.exec(line)?.[1];
    if (key && seen.has(key))
      errors.push({
        line: i + 1,
        column: 1,
        path: key,
        message: `The key "${key}" was already given on line ${seen.get(key)}.`,
        severity: 'error',
      });
    if (key) seen.set(key, i + 1);
    if (
      key &&
      !/^(schema_version|organization_id|config_id|product_type|name|slug|greeting|suggestions|config_metadata|system_prompt|channels|external_integrations|unavailable_action|knowledge|llm_config|personalization|escalation_rules|tools|intents|workflow_features)$/.test(
        key,
      )
    )
      errors.push({
        line: i + 1,
        column: 1,
        path: key,
        message: `Unknown key "${key}".`,
        severity: 'error',
      });
    const tool = /^ {2}- name: ([A-Za-z0-9_]*[A-Z][A-Za-z0-9_]*)/.exec(line);
    if (tool)
      errors.push({
        line: i + 1,
        column: 11,
        path: 'tools[].name',
        message: `"${tool[1]}" is not snake_case.`,
        severity: 'error',
      });
    const warm = /temperature: ([0-9.]+)/.exec(line);
    if (warm && Number(warm[1]) > 2)
      errors.push({
        line: i + 1,
        column: line.indexOf('temperature') + 14,
        path: 'llm_config.temperature',
        message: 'temperature must be between 0 and 2.',
        severity: 'error',
      });
  });
  return { valid: errors.length === 0, errors };
}

// ---- routes: [method, pattern, handler(call)] ---------------------------------------------------
const login = (member, body) => ({
  access_token: `mock.${member.id}`,
  expires_in: 3600,
  member,
  org: db.org,
});
const routes = [
  [
    'GET',
    '/demo',
    () =>
      process.env.MOCK_PLAIN
        ? (() => {
            throw missing();
          })()
        : {
            demo: true,
            org: { ...db.org, agent: 'support' },
            visitor: { name: 'Maya Lindqvist', email: 'maya@nordvik.example' },
            sign_ins: [db.members[1], db.members[2], db.members[5]].map((m) => ({
              name: m.name,
              email: m.email,
              password: 'rapport-demo',
              role: m.roles[0],
            })),
          },
  ],
  [
    'POST',
    '/auth/login',
    ({ body, res }) => {
      const member = db.members.find((m) => m.email === body.email);
      if (!member || body.password !== 'rapport-demo')
        throw new Problem(401, 'unauthorized', 'E-mail address or password is wrong.');
      const token = db.id();
      refresh.add(`${token}:${member.id}`);
      res.setHeader(
        'Set-Cookie',
        `rapport_refresh=${token}:${member.id}; HttpOnly; SameSite=Strict; Path=/api/v1/auth`,
      );
      return login(member);
    },
    'open',
  ],
  [
    'POST',
    '/auth/refresh',
    ({ req }) => {
      const value = /rapport_refresh=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];
      const member = db.members.find((m) => m.id === value?.split(':')[1]);
      if (!value || !refresh.has(value) || !member)
        throw new Problem(401, 'unauthorized', 'Please sign in again.');
      return login(member);
    },
    'open',
  ],
  [
    'POST',
    '/auth/logout',
    ({ res }) => (
      res.setHeader('Set-Cookie', 'rapport_refresh=; Max-Age=0; Path=/api/v1/auth'),
      null
    ),
    'open',
  ],
  ['GET', '/auth/me', ({ member }) => ({ member, org: db.org })],
  [
    'GET',
    '/conversations',
    ({ query }) =>
      page(
        [...db.conversations.values()]
          .filter(
            (c) =>
              c.messages.length > 0 &&
              (!query.get('status') || query.get('status').split(',').includes(c.status)) &&
              (!query.get('owner') || c.owner === query.get('owner')) &&
              (!query.get('q') ||
                `${c.contact.name} ${c.messages.map((m) => m.text).join(' ')}`
                  .toLowerCase()
                  .includes(query.get('q').toLowerCase())),
          )
          .sort((a, b) => b.updated_at - a.updated_at)
          .map(listed),
      ),
  ],
  [
    'GET',
    '/conversations/:id',
    ({ params }) => listed(find([...db.conversations.values()], params[0])),
  ],
  [
    'GET',
    '/conversations/:id/messages',
    ({ params, query }) =>
      page(
        find([...db.conversations.values()], params[0]).messages.filter(
          (m) => m.seq > Number(query.get('after') ?? 0),
        ),
      ),
  ],
  [
    'POST',
    '/conversations/:id/messages',
    ({ params, body, member }) => {
      const conversation = find([...db.conversations.values()], params[0]);
      if (conversation.owner !== 'human')
        throw new Problem(409, 'conflict', 'Take the conversation over before you answer.');
      const message = db.addMessage(conversation, 'member', body.text, {
        author: { id: member.id, name: member.name },
      });
      tellMessage(conversation, message);
      return message;
    },
  ],
  [
    'POST',
    '/conversations/:id/takeover',
    ({ params, member }) => {
      const conversation = find([...db.conversations.values()], params[0]);
      own(conversation, 'human', { id: member.id, name: member.name });
      return listed(conversation);
    },
  ],
  [
    'POST',
    '/conversations/:id/release',
    ({ params, member }) => {
      const conversation = find([...db.conversations.values()], params[0]);
      own(conversation, 'ai', null);
      conversation.escalation = null;
      return listed(conversation);
    },
  ],
  [
    'POST',
    '/conversations/:id/close',
    ({ params }) => {
      const conversation = find([...db.conversations.values()], params[0]);
      conversation.status = 'completed';
      toChat(conversation, { type: 'status', status: 'completed' });
      emit('conversation_events', 'conversation_completed', { conversation_id: conversation.id });
      return listed(conversation);
    },
  ],
  [
    'POST',
    '/conversations/:id/guidance',
    ({ params, body, member }) => {
      const conversation = find([...db.conversations.values()], params[0]);
      const message = db.addMessage(conversation, 'note', `Guidance for Robin: ${body.text}`, {
        author: { id: member.id, name: member.name },
      });
      tellMessage(conversation, message);
      return message;
    },
  ],
  [
    'GET',
    '/conversations/:id/runs',
    ({ params }) =>
      page(
        find([...db.conversations.values()], params[0]).runs.map((r) =>
          (({ steps, ...run }) => run)(db.runs.get(r)),
        ),
      ),
  ],
  [
    'GET',
    '/runs/:id',
    ({ params }) =>
      db.runs.get(params[0]) ??
      (() => {
        throw missing();
      })(),
  ],
  [
    'POST',
    '/runs/:id/cancel',
    ({ params }) => Object.assign(db.runs.get(params[0]), { status: 'cancelled' }),
  ],
  [
    'POST',
    '/runs/:id/fork',
    ({ params, body }) => {
      const run = db.runs.get(params[0]);
      const fork = {
        ...run,
        id: db.id(),
        parent_id: run.id,
        parent_step: body.step,
        started_at: Date.now(),
        finished_at: Date.now() + run.duration_ms,
      };
      db.runs.set(fork.id, fork);
      db.conversations.get(run.conversation_id).runs.unshift(fork.id);
      return fork;
    },
  ],
  ['GET', '/agents', () => page(db.agents)],
  [
    'POST',
    '/agents',
    ({ body }) => {
      const agent = {
        id: db.id(),
        slug: /slug: *(\S+)/.exec(body.yaml)?.[1] ?? 'agent',
        name: /^name: *(.+)$/m.exec(body.yaml)?.[1] ?? 'Agent',
        product_type: 'chatbot',
        active_version: 1,
        channels: ['webchat'],
        updated_at: Date.now(),
      };
      db.agents.push(agent);
      db.versions.set(agent.id, [
        {
          version: 1,
          author: null,
          message: body.message,
          yaml: body.yaml,
          sha256: db.id().replaceAll('-', ''),
          created_at: Date.now(),
          status: 'active',
        },
      ]);
      return agent;
    },
  ],
  ['POST', '/agents/validate', ({ body }) => validate(body.yaml)],
  [
    'GET',
    '/agents/:id',
    ({ params, res }) => {
      const agent = find(db.agents, params[0]);
      res.setHeader('ETag', `"v${agent.active_version}"`);
      return {
        ...agent,
        yaml: db.versions.get(agent.id).find((v) => v.version === agent.active_version).yaml,
      };
    },
  ],
  [
    'PUT',
    '/agents/:id',
    ({ params, body, req, res, member }) => {
      const agent = find(db.agents, params[0]);
      if (req.headers['if-match'] && req.headers['if-match'] !== `"v${agent.active_version}"`)
        throw new Problem(
          409,
          'conflict',
          `Version ${agent.active_version} was saved in the meantime.`,
        );
      const bad = validate(body.yaml).errors;
      if (bad.length) throw new Problem(400, 'invalid', bad[0].message, bad[0]);
      const list = db.versions.get(agent.id);
      for (const v of list) if (v.status === 'active') v.status = 'superseded';
      agent.active_version = list.length + 1;
      agent.updated_at = Date.now();
      list.push({
        version: agent.active_version,
        author: { id: member.id, name: member.name },
        message: body.message,
        yaml: body.yaml,
        sha256: db.id().replaceAll('-', '').repeat(2),
        created_at: Date.now(),
        status: 'active',
      });
      res.setHeader('ETag', `"v${agent.active_version}"`);
      emit('config_events', 'config_updated', {
        agent_id: agent.id,
        version: agent.active_version,
      });
      return { ...agent, yaml: body.yaml };
    },
  ],
  [
    'GET',
    '/agents/:id/versions',
    ({ params }) =>
      page(
        db.versions
          .get(find(db.agents, params[0]).id)
          .map(({ yaml, ...v }) => v)
          .reverse(),
      ),
  ],
  [
    'GET',
    '/agents/:id/versions/:n',
    ({ params }) =>
      db.versions.get(find(db.agents, params[0]).id).find((v) => v.version === Number(params[1])) ??
      (() => {
        throw missing();
      })(),
  ],
  [
    'GET',
    '/agents/:id/diff',
    ({ query }) => ({
      from: Number(query.get('from')),
      to: Number(query.get('to')),
      unified: '',
      changes: [{ path: 'llm_config.temperature', kind: 'changed', old: 0.5, new: 0.3 }],
    }),
  ],
  [
    'POST',
    '/agents/:id/rollback',
    ({ params, body, member }) => {
      const agent = find(db.agents, params[0]);
      const list = db.versions.get(agent.id);
      const target = list.find((v) => v.version === body.version);
      for (const v of list) if (v.status === 'active') v.status = 'rolled_back';
      agent.active_version = list.length + 1;
      list.push({
        ...target,
        version: agent.active_version,
        author: { id: member.id, name: member.name },
        message: `Rollback to version ${body.version}: ${body.reason}`,
        created_at: Date.now(),
        status: 'active',
      });
      return { ...agent, yaml: target.yaml };
    },
  ],
  ['GET', '/documents', () => page(db.documents.map(({ text, ...d }) => d))],
  [
    'POST',
    '/documents',
    ({ body }) => {
      const text = body.text ?? '';
      const document = {
        id: db.id(),
        title: body.title ?? 'Untitled',
        text,
        media_type: body.media_type ?? 'text/markdown',
        namespace: body.namespace ?? 'help',
        source_url: null,
        chunk_count: 1,
        size_bytes: text.length,
        status: 'indexed',
        created_at: Date.now(),
        updated_at: Date.now(),
      };
      db.documents.unshift(document);
      return document;
    },
  ],
  ['GET', '/documents/:id', ({ params }) => find(db.documents, params[0])],
  [
    'DELETE',
    '/documents/:id',
    ({ params }) => (
      db.documents.splice(db.documents.indexOf(find(db.documents, params[0])), 1),
      null
    ),
  ],
  [
    'POST',
    '/knowledge/search',
    ({ body }) => {
      const words = body.query.toLowerCase().match(/\w{3,}/g) ?? [];
      return page(
        db.documents
          .flatMap((d) =>
            d.text.split('\n\n').map((text, chunk) => ({
              document_id: d.id,
              chunk,
              title: d.title,
              text,
              start: d.text.indexOf(text),
              end: d.text.indexOf(text) + text.length,
              score:
                words.filter((w) => `${d.title} ${text}`.toLowerCase().includes(w)).length /
                (words.length || 1),
            })),
          )
          .filter((r) => r.score > 0)
          .sort((a, b) => b.score - a.score)
          .slice(0, body.k ?? 8),
      );
    },
  ],
  [
    'GET',
    '/accounts',
    ({ query }) =>
      page(
        db.accounts.filter((a) =>
          a.name.toLowerCase().includes((query.get('q') ?? '').toLowerCase()),
        ),
      ),
  ],
  ['GET', '/accounts/:id', ({ params }) => find(db.accounts, params[0])],
  ['GET', '/contacts', () => page(db.contacts)],
  ['GET', '/contacts/:id', ({ params }) => find(db.contacts, params[0])],
  ['GET', '/tickets', () => page(db.tickets)],
  ['GET', '/tickets/:id', ({ params }) => find(db.tickets, params[0])],
  [
    'GET',
    '/records',
    () =>
      page([
        {
          name: 'order',
          title: 'Order',
          plural: 'Orders',
          key: 'number',
          list: ['number', 'status', 'item_summary', 'total_cents', 'placed_at'],
          count: db.orders.length,
        },
      ]),
  ],
  ['GET', '/records/:kind', () => page(db.orders)],
  ['GET', '/records/:kind/:id', ({ params }) => find(db.orders, params[1])],
  [
    'GET',
    '/events',
    ({ query }) =>
      page(
        db.events
          .filter((e) => !query.get('topic') || e.topic === query.get('topic'))
          .slice(-50)
          .reverse(),
      ),
  ],
  [
    'GET',
    '/topics',
    () =>
      page(
        db.topics.map((name) => ({
          name,
          event_count: db.events.filter((e) => e.topic === name).length,
        })),
      ),
  ],
  ['GET', '/dead-letters', () => page(db.deadLetters)],
  [
    'POST',
    '/dead-letters/:id/replay',
    ({ params }) => (
      db.deadLetters.splice(db.deadLetters.indexOf(find(db.deadLetters, params[0])), 1),
      { status: 'replayed' }
    ),
  ],
  ['GET', '/jobs', () => page([])],
  ['GET', '/members', () => page(db.members)],
  [
    'POST',
    '/members',
    ({ body }) => (
      db.members.push({
        id: db.id(),
        status: 'active',
        created_at: Date.now(),
        last_login_at: null,
        ...body,
      }),
      db.members.at(-1)
    ),
  ],
  ['PATCH', '/members/:id', ({ params, body }) => Object.assign(find(db.members, params[0]), body)],
  [
    'DELETE',
    '/members/:id',
    ({ params }) => (db.members.splice(db.members.indexOf(find(db.members, params[0])), 1), null),
  ],
  ['GET', '/keys', () => page(db.keys)],
  [
    'POST',
    '/keys',
    ({ body }) => {
      const key = {
        id: db.id(),
        created_at: Date.now(),
        rotating: false,
        expires_at: null,
        ...body,
      };
      db.keys.push(key);
      return { id: key.id, key: `rk_${db.id().replaceAll('-', '')}` };
    },
  ],
  [
    'POST',
    '/keys/:id/rotate',
    ({ params }) => ({
      id: find(db.keys, params[0]).id,
      key: `rk_${db.id().replaceAll('-', '')}`,
    }),
  ],
  [
    'DELETE',
    '/keys/:id',
    ({ params }) => (db.keys.splice(db.keys.indexOf(find(db.keys, params[0])), 1), null),
  ],
  ['GET', '/audit-entries', () => page(db.audit)],
  // ---- chat
  [
    'POST',
    '/chat/sessions',
    ({ body }) => {
      if (!/^[\w-]+\/[\w-]+$/.test(body.agent ?? ''))
        throw new Problem(400, 'invalid', 'agent must look like org/agent.');
      let token = body.token;
      if (body.pairing_code) {
        token = pairings.get(body.pairing_code);
        if (!token) throw new Problem(404, 'not_found', 'This code is wrong or has expired.');
        pairings.delete(body.pairing_code);
      }
      if (token) return session(conversationOf(token), token);
      token = db.id();
      const contact = db.contacts.find((c) => c.email === body.contact?.email) ?? {
        id: db.id(),
        name: 'Visitor',
        email: null,
      };
      const conversation = db.makeConversation(contact);
      sessions.set(token, conversation.id);
      return session(conversation, token);
    },
    'open',
  ],
  [
    'GET',
    '/chat/messages',
    async ({ query }) => {
      const conversation = conversationOf(query.get('token'));
      const fresh = () =>
        conversation.messages.filter(
          (m) => m.seq > Number(query.get('after') ?? 0) && m.role !== 'note',
        );
      const until = Date.now() + Number(query.get('wait_ms') ?? 0);
      while (fresh().length === 0 && Date.now() < until)
        await new Promise((r) => setTimeout(r, 100));
      return {
        items: fresh(),
        cursor: conversation.seq,
        owner: conversation.owner,
        status: conversation.status,
      };
    },
    'open',
  ],
  [
    'POST',
    '/chat/messages',
    ({ body }) => ({ message: fromContact(conversationOf(body.token), body.text, body.client_id) }),
    'open',
  ],
  [
    'POST',
    '/chat/handover',
    ({ body }) => (handover(conversationOf(body.token), 'user_requested'), { status: 'escalated' }),
    'open',
  ],
  ['POST', '/chat/typing', () => null, 'open'],
  [
    'POST',
    '/chat/restart',
    ({ body }) => {
      const before = conversationOf(body.token);
      before.status = 'completed';
      const conversation = db.makeConversation(
        db.contacts.find((c) => c.id === before.contact.id) ?? before.contact,
      );
      sessions.set(body.token, conversation.id);
      return session(conversation, body.token);
    },
    'open',
  ],
  [
    'POST',
    '/chat/pairing',
    ({ body }) => {
      conversationOf(body.token);
      const code = Math.random().toString(36).slice(2, 8).toUpperCase();
      pairings.set(code, body.token);
      return { code, expires_at: Date.now() + 600_000 };
    },
    'open',
  ],
].map(([method, pattern, handler, open]) => ({
  method,
  handler,
  open: open === 'open' || pattern === '/demo',
  path: new RegExp(`^/api/v1${pattern.replace(/:\w+/g, '([^/]+)')}$`),
}));

async function api(req, res, url) {
  for (const route of routes) {
    const match = route.method === req.method && route.path.exec(url.pathname);
    if (!match) continue;
    const member = db.members.find((m) => req.headers.authorization === `Bearer mock.${m.id}`);
    if (!route.open && !member) throw new Problem(401, 'unauthorized', 'Please sign in.');
    const raw = await new Promise((resolve) => {
      const parts = [];
      req
        .on('data', (part) => parts.push(part))
        .on('end', () => resolve(Buffer.concat(parts).toString()));
    });
    let body = {};
    if (/json/.test(req.headers['content-type'] ?? '')) body = JSON.parse(raw || '{}');
    else if (raw)
      body = {
        title: /^# (.+)$/m.exec(raw)?.[1]?.trim() ?? /filename="([^"]+)"/.exec(raw)?.[1],
        text: raw.split('\r\n\r\n').at(-1)?.split('\r\n--')[0],
      };
    const value = await route.handler({
      req,
      res,
      query: url.searchParams,
      params: match.slice(1).map(decodeURIComponent),
      body,
      member,
    });
    res.writeHead(value === null ? 204 : 200, { 'Content-Type': 'application/json' });
    return res.end(value === null ? undefined : JSON.stringify(value));
  }
  throw missing();
}

function stream(req, res, url) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (frame) => res.write(`data: ${JSON.stringify(frame)}\n\n`);
  if (url.pathname.endsWith('/events/tail')) {
    const line = { send };
    liveLines.add(line);
    return req.on('close', () => liveLines.delete(line));
  }
  const conversation = conversationOf(url.searchParams.get('token'));
  const line = { conversationId: conversation.id, send };
  open(line, conversation, Number(url.searchParams.get('after') ?? 0));
  req.on('close', () => chatLines.delete(line));
}
function open(line, conversation, after) {
  line.send({
    type: 'hello',
    cursor: conversation.seq,
    owner: conversation.owner,
    status: conversation.status,
    member: conversation.assignee,
  });
  for (const m of conversation.messages)
    if (m.seq > after && m.role !== 'note') line.send({ type: 'message', message: m, seq: m.seq });
  chatLines.add(line);
}

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
function file(res, path) {
  const wanted =
    path === '/'
      ? '/index.html'
      : /^\/console(\/|$)/.test(path)
        ? '/console/index.html'
        : /^\/chat\//.test(path)
          ? '/chat/index.html'
          : path;
  const name = join(dist, wanted);
  if (!existsSync(name)) return false;
  res.writeHead(200, {
    'Content-Type': types[extname(name)] ?? 'text/plain',
    'Content-Security-Policy':
      "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' https:; connect-src 'self'",
  });
  res.end(readFileSync(name));
  return true;
}

const server = createServer((req, res) => {
  const url = new URL(req.url, 'http://mock');
  res.setHeader('Access-Control-Allow-Origin', '*');
  res.setHeader('Access-Control-Allow-Headers', '*');
  if (req.method === 'OPTIONS') return res.writeHead(204).end();
  const fail = (error) => {
    const problem = error instanceof Problem ? error : new Problem(500, 'internal', String(error));
    if (!(error instanceof Problem)) console.error(error);
    res.writeHead(problem.status, { 'Content-Type': 'application/problem+json' });
    res.end(
      JSON.stringify({
        type: 'about:blank',
        title: problem.code,
        status: problem.status,
        code: problem.code,
        detail: problem.message,
        ...problem.more,
        request_id: db.id(),
      }),
    );
  };
  if (/\/(chat\/events|events\/tail|runs\/[^/]+\/events)$/.test(url.pathname)) {
    try {
      return stream(req, res, url);
    } catch (error) {
      return fail(error);
    }
  }
  if (url.pathname.startsWith('/api/')) return void api(req, res, url).catch(fail);
  if (process.env.MOCK_DIST && file(res, url.pathname)) return;
  fail(missing());
});

const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (req, socket, head) => {
  const url = new URL(req.url, 'http://mock');
  if (process.env.MOCK_NO_WS && url.pathname.includes('/chat/')) return socket.destroy();
  sockets.handleUpgrade(req, socket, head, (ws) => {
    const line = { send: (frame) => ws.send(JSON.stringify(frame)) };
    ws.on('close', () => (chatLines.delete(line), liveLines.delete(line)));
    if (url.pathname === '/api/v1/chat/ws') {
      const conversation = db.conversations.get(sessions.get(url.searchParams.get('token')));
      if (!conversation) return ws.close(4401);
      line.conversationId = conversation.id;
      open(line, conversation, Number(url.searchParams.get('after') ?? 0));
      ws.on('message', (data) => {
        const frame = JSON.parse(data);
        if (frame.type === 'ping') line.send({ type: 'pong' });
        if (frame.type === 'typing') toWatchers(conversation, { type: 'typing', who: 'contact' });
      });
      return;
    }
    ws.on('message', (data) => {
      const frame = JSON.parse(data);
      if (frame.type === 'auth') (liveLines.add(line), line.send({ type: 'ready' }));
      if (frame.type === 'unwatch') line.watching = null;
      if (frame.type === 'watch') line.watching = frame.conversation_id;
      if (frame.type === 'typing')
        toChat(db.conversations.get(frame.conversation_id), {
          type: 'typing',
          who: 'member',
          name: 'Hannah',
        });
    });
  });
});
server.listen(port, '127.0.0.1', () =>
  console.log(`mock on http://127.0.0.1:${server.address().port}`),
);
