// Invented data of the demo workspace, in the shapes of /api/v1.
import { existsSync, readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
export const id = () => randomUUID();
export const ago = (ms) => Date.now() - ms;

const sample = new URL('../../../samples/brightwell/agents/support.yaml', import.meta.url);
export const agentYaml = existsSync(sample)
  ? readFileSync(sample, 'utf8')
  : 'product_type: chatbot\n';

export const org = { id: id(), name: 'Brightwell', slug: 'brightwell' };
export const members = [
  ['Ingrid Solberg', 'ingrid@brightwell.example', ['admin', 'supervisor']],
  ['Tom Okafor', 'tom@brightwell.example', ['supervisor', 'support']],
  ['Hannah Brandt', 'hannah@brightwell.example', ['support']],
  ['Luca Ferri', 'luca@brightwell.example', ['support']],
  ['Priya Nair', 'priya@brightwell.example', ['support', 'engineer']],
  ['Ben Castell', 'ben@brightwell.example', ['engineer']],
].map(([name, email, roles]) => ({
  id: id(),
  name,
  email,
  roles,
  status: 'active',
  created_at: ago(90 * day),
  last_login_at: ago(3 * hour),
}));

export const agents = [
  {
    id: id(),
    slug: 'support',
    name: 'Robin',
    product_type: 'chatbot',
    active_version: 3,
    channels: ['webchat'],
    updated_at: ago(2 * day),
  },
  {
    id: id(),
    slug: 'voice',
    name: 'Robin by phone',
    product_type: 'voicebot',
    active_version: 1,
    channels: ['voice'],
    updated_at: ago(20 * day),
  },
];
export const versions = new Map(agents.map((agent) => [agent.id, []]));
const history = [
  [
    1,
    'Ben Castell',
    'First version',
    21 * day,
    agentYaml
      .replace('I can look up orders, invoices', 'I can look up orders')
      .replace('temperature: 0.3', 'temperature: 0.5'),
  ],
  [
    2,
    'Priya Nair',
    'Answer questions about invoices',
    9 * day,
    agentYaml.replace('temperature: 0.3', 'temperature: 0.5'),
  ],
  [3, 'Ben Castell', 'Cooler temperature; fewer surprises in wording', 2 * day, agentYaml],
];
for (const [version, author, message, before, yaml] of history)
  versions.get(agents[0].id).push({
    version,
    author: { id: members.find((m) => m.name === author).id, name: author },
    message,
    yaml,
    sha256: id().replaceAll('-', '') + id().replaceAll('-', ''),
    created_at: ago(before),
    status: version === 3 ? 'active' : 'superseded',
  });
versions.get(agents[1].id).push({
  version: 1,
  author: { id: members[5].id, name: 'Ben Castell' },
  message: 'First version',
  yaml: 'schema_version: "1.0"\nproduct_type: voicebot\nname: Robin by phone\n',
  sha256: id().replaceAll('-', '').repeat(2),
  created_at: ago(20 * day),
  status: 'active',
});

export const accounts = [
  [
    'nordvik-logistics',
    'Nordvik Logistics',
    'growth',
    'active',
    24,
    1411200,
    82,
    'low',
    'Oslo',
    'NO',
  ],
  [
    'harrow-tools',
    'Harrow & Sons Tools',
    'starter',
    'renewal_approaching',
    8,
    278400,
    61,
    'medium',
    'Leeds',
    'GB',
  ],
  ['petalier', 'Petalier Fleurs', 'growth', 'at_risk', 12, 705600, 34, 'high', 'Lyon', 'FR'],
  ['kiel-marine', 'Kiel Marine Supply', 'scale', 'active', 64, 6067200, 91, 'low', 'Kiel', 'DE'],
  ['tinta', 'Tinta Print Works', 'starter', 'trial', 3, 0, 70, 'low', 'Porto', 'PT'],
].map(([slug, name, plan, stage, seats, arr_cents, score, risk, city, country], i) => ({
  id: id(),
  slug,
  name,
  plan,
  stage,
  seats,
  arr_cents,
  currency: 'EUR',
  city,
  country,
  domain: `${slug}.example`,
  since: ago((400 - i * 60) * day),
  renewal_date: Date.now() + (20 + i * 40) * day,
  owner: 'marek@brightwell.example',
  usage: {
    trend: i === 2 ? 'down' : 'up',
    active_users: seats - 2,
    picks_30d: 4200 * (i + 1),
    sparkline: [8, 9, 9, 11, 10, 12, 14, 15].map((v) => (i === 2 ? 16 - v / 2 : v)),
  },
  health: {
    score,
    risk,
    formula: 'copilot_v1',
    signals:
      risk === 'high'
        ? ['Usage fell by 38 % in 30 days', 'Two complaints this month']
        : ['Daily use of picking lists'],
  },
  open_tickets: i % 3,
}));
export const contacts = [
  ['Maya Lindqvist', 'maya@nordvik.example', 0, 'Warehouse Manager', 'admin'],
  ['Owen Harrow', 'owen@harrow.example', 1, 'Owner', 'admin'],
  ['Claire Dubois', 'claire@petalier.example', 2, 'Head of Operations', 'manager'],
  ['Jonas Petersen', 'jonas@kiel-marine.example', 3, 'IT Lead', 'manager'],
  ['Inês Rocha', 'ines@tinta.example', 4, 'Studio Manager', 'viewer'],
  ['Erik Dahl', 'erik@nordvik.example', 0, 'Shift Lead', 'viewer'],
].map(([name, email, at, title, portal_role]) => ({
  id: id(),
  name,
  email,
  title,
  portal_role,
  account: accounts[at].slug,
  account_id: accounts[at].id,
  language: 'en',
  timezone: 'Europe/Oslo',
  created_at: ago(300 * day),
  last_seen_at: ago(2 * hour),
}));
export const orders = [
  ['BW-10421', 'processing', '4 × Kestrel K2 scanner', 119600, 3],
  ['BW-10417', 'shipped', '12 × label roll 57 × 32 mm', 10680, 5],
  ['BW-10388', 'delivered', '1 × Heron label printer', 34900, 16],
].map(([number, status, item_summary, total_cents, days]) => ({
  id: id(),
  number,
  status,
  item_summary,
  total_cents,
  currency: 'EUR',
  account: 'nordvik-logistics',
  contact: 'maya@nordvik.example',
  placed_at: ago(days * day),
  expected_at: Date.now() + 2 * day,
  shipping_method: 'standard',
}));
export const tickets = [
  [
    'T-1042',
    'Scanner loses Bluetooth after sleep',
    'in_progress',
    'hardware_issue',
    'high',
    0,
    'luca@brightwell.example',
  ],
  [
    'T-1039',
    'Invoice shows the old address',
    'awaiting_customer',
    'billing_inquiry',
    'medium',
    1,
    'hannah@brightwell.example',
  ],
  ['T-1036', 'CSV import stops at row 5,001', 'open', 'bug_report', 'critical', 3, null],
].map(([number, subject, status, category, priority, at, assignee], i) => ({
  id: id(),
  number,
  subject,
  description: subject,
  status,
  category,
  priority,
  account: accounts[at].slug,
  contact: contacts[at].email,
  channel: 'webchat',
  assignee,
  sentiment: -0.2 * i,
  created_at: ago((i + 1) * day),
  updated_at: ago((i + 1) * hour * 3),
  tags: ['warehouse'],
}));
export const documents = [
  [
    'Returns and refunds',
    'returns-policy',
    'Goods can be returned within 30 days of delivery, in their original box. We send a prepaid label by e-mail.\n\nRefunds are paid to the original means of payment within five working days after the parcel has reached Venlo. Opened label rolls cannot be returned.',
  ],
  [
    'Cancel or change an order',
    'cancel-order',
    'An order can be cancelled or its address changed for as long as it is being prepared. Once it is on its way it has to be returned instead.\n\nThe invoice of a cancelled order is credited at once.',
  ],
  [
    'Pair a Kestrel scanner with a phone or tablet',
    'pair-kestrel-scanner',
    'Hold the trigger for eight seconds until the light blinks blue. Open the app, choose Devices, then Pair a scanner, and hold the scanner over the code on the screen.\n\nIf pairing fails, remove the scanner in the Bluetooth settings of the phone first.',
  ],
  [
    'Import products from a CSV file',
    'import-products',
    'The file needs a header row with sku and name. Up to 50,000 rows are read at a time. Rows with errors are listed with their line number and leave the others untouched.',
  ],
].map(([title, slug, text]) => ({
  id: id(),
  title,
  slug,
  text,
  media_type: 'text/markdown',
  namespace: 'help',
  source_url: `https://brightwell.example/help/${slug}`,
  chunk_count: text.split('\n\n').length,
  size_bytes: text.length,
  status: 'indexed',
  created_at: ago(40 * day),
  updated_at: ago(12 * day),
}));
export const events = [];
export const topics = [
  'conversation_events',
  'message_events',
  'agent_run_events',
  'config_events',
  'auth_events',
  'knowledge_events',
];
export const deadLetters = [
  {
    id: id(),
    topic: 'message_events',
    event_type: 'message_sent',
    consumer: 'crm_message_events_consumer',
    attempts: 4,
    error: 'HTTP 503 from the CRM: upstream unavailable',
    failed_at: ago(3 * hour),
    payload: { conversation_id: id(), message_id: id() },
  },
];
export const keys = [
  {
    id: id(),
    name: 'Order export',
    scopes: ['records:read'],
    created_at: ago(50 * day),
    expires_at: Date.now() + 300 * day,
    rotating: false,
  },
];
export const audit = [
  {
    id: id(),
    seq: 3,
    at: ago(2 * day),
    actor_kind: 'member',
    actor_id: members[5].id,
    actor_name: 'Ben Castell',
    action: 'agent.version_created',
    resource: 'agent/support',
    detail: { version: 3 },
    hash: id().replaceAll('-', ''),
  },
  {
    id: id(),
    seq: 2,
    at: ago(3 * day),
    actor_kind: 'member',
    actor_id: members[0].id,
    actor_name: 'Ingrid Solberg',
    action: 'member.role_updated',
    resource: 'member/priya@brightwell.example',
    detail: { added: ['engineer'] },
    hash: id().replaceAll('-', ''),
  },
  {
    id: id(),
    seq: 1,
    at: ago(4 * day),
    actor_kind: 'member',
    actor_id: members[0].id,
    actor_name: 'Ingrid Solberg',
    action: 'session.started',
    resource: 'member/ingrid@brightwell.example',
    detail: {},
    hash: id().replaceAll('-', ''),
  },
];

// ---- conversations ------------------------------------------------------------------------------
export const conversations = new Map();
export const runs = new Map();

export function makeConversation(contact, extra = {}) {
  const conversation = {
    id: id(),
    contact: {
      id: contact.id,
      name: contact.name,
      email: contact.email,
      account_id: contact.account_id,
      account: accounts.find((a) => a.id === contact.account_id) ?? null,
    },
    channel: 'webchat',
    status: 'active',
    owner: 'ai',
    agent: { id: agents[0].id, name: 'Robin' },
    agent_version: 3,
    assignee: null,
    sentiment: 0,
    escalation: null,
    created_at: Date.now(),
    updated_at: Date.now(),
    messages: [],
    runs: [],
    seq: 0,
    flow: null,
    ...extra,
  };
  conversations.set(conversation.id, conversation);
  return conversation;
}

export function addMessage(conversation, role, text, extra = {}) {
  const message = {
    id: id(),
    seq: ++conversation.seq,
    role,
    author: null,
    text,
    citations: [],
    run_id: null,
    created_at: Date.now(),
    status: 'sent',
    ...extra,
  };
  conversation.messages.push(message);
  conversation.updated_at = message.created_at;
  return message;
}

export const cite = (n, document, quote) => {
  const start = Math.max(0, document.text.indexOf(quote));
  return {
    n,
    document_id: document.id,
    title: document.title,
    url: document.source_url,
    start,
    end: start + quote.length,
    quote,
  };
};

export function makeRun(conversation, parts) {
  const started = parts.started_at ?? Date.now() - 800;
  const steps = [];
  let at = started;
  const step = (node, ms, more = {}) => {
    steps.push({
      seq: steps.length + 1,
      node,
      status: 'completed',
      started_at: at,
      duration_ms: ms,
      input: null,
      output: null,
      delta: {},
      events: [],
      llm_calls: [],
      tool_calls: [],
      passages: [],
      ...more,
    });
    at += ms;
  };
  step('classify', 4, {
    delta: {
      intent: parts.intent,
      confidence: parts.confidence ?? 0.93,
      sentiment: conversation.sentiment,
    },
    llm_calls: [],
  });
  step('context', 7, {
    delta: { contact: conversation.contact.email, account: conversation.contact.account?.slug },
    passages: parts.passages ?? [],
  });
  step('escalation', 1, { delta: { escalate: parts.escalate ?? false } });
  step('generate', 12, {
    delta: { draft: parts.text },
    llm_calls: [
      {
        provider: 'builtin',
        model: 'builtin-1',
        tokens_in: 812,
        tokens_out: 64,
        cost_microcents: 0,
        latency_ms: 9,
        cache: 'miss',
        prompt: `system: You are Robin …\nuser: ${parts.asked}`,
        response: parts.tool
          ? `→ ${parts.tool.name}(${JSON.stringify(parts.tool.arguments)})`
          : parts.text,
      },
    ],
  });
  if (parts.tool) {
    step('tools', 31, {
      tool_calls: [
        {
          id: id(),
          status: 'ok',
          latency_ms: 24,
          attempt: 1,
          idempotency_key: id(),
          error: null,
          ...parts.tool,
        },
      ],
      delta: { tool_result: parts.tool.result },
    });
    step('generate', 6, {
      delta: { draft: parts.text },
      llm_calls: [
        {
          provider: 'builtin',
          model: 'builtin-1',
          tokens_in: 934,
          tokens_out: 48,
          cost_microcents: 0,
          latency_ms: 5,
          cache: 'miss',
          prompt: 'tool: …',
          response: parts.text,
        },
      ],
    });
  }
  step('validate', 2, {
    delta: { grounded: true },
    events: [{ at, type: 'answer_checked', data: { numbers: 'all found in tool results' } }],
  });
  const run = {
    id: id(),
    conversation_id: conversation.id,
    graph: 'support_turn',
    status: 'completed',
    started_at: started,
    finished_at: at,
    duration_ms: at - started,
    step_count: steps.length,
    tokens_in: parts.tool ? 1746 : 812,
    tokens_out: parts.tool ? 112 : 64,
    cost_microcents: parts.cost ?? 0,
    error: null,
    steps,
    ...(parts.run ?? {}),
  };
  runs.set(run.id, run);
  conversation.runs.unshift(run.id);
  return run;
}

function past(contactAt, minutesAgo, extra, turns) {
  const conversation = makeConversation(contacts[contactAt], {
    created_at: ago(minutesAgo * minute),
    ...extra,
  });
  let at = conversation.created_at;
  for (const [role, text, more] of turns) {
    at += 40_000;
    let run_id = null;
    if (role === 'ai')
      run_id = makeRun(conversation, {
        started_at: at - 500,
        intent: more?.intent ?? 'order_status',
        text,
        asked: conversation.messages.at(-1)?.text ?? '',
        ...more,
      }).id;
    addMessage(conversation, role, text, {
      created_at: at,
      run_id,
      author: more?.author ?? null,
      citations: more?.citations ?? [],
    });
  }
  return conversation;
}
const hannah = { id: members[2].id, name: 'Hannah Brandt' };
const luca = { id: members[3].id, name: 'Luca Ferri' };
past(
  2,
  18,
  {
    status: 'escalated',
    sentiment: -0.72,
    escalation: { reason: 'negative_sentiment', priority: 'high', created_at: ago(15 * minute) },
  },
  [
    [
      'contact',
      'The new scanners drop the connection every ten minutes. My team stood still for an hour this morning.',
    ],
    [
      'ai',
      'That costs you real time, so let us get it fixed. Hold the trigger for eight seconds until the light blinks blue, then pair it again in the app [1].',
      {
        intent: 'scanner_trouble',
        citations: [
          cite(1, documents[2], 'Hold the trigger for eight seconds until the light blinks blue.'),
        ],
      },
    ],
    [
      'contact',
      'We did that three times. This is the second week now, I want this solved and not another article.',
    ],
    ['system', 'Robin asked a person to join: the contact is unhappy.'],
  ],
);
past(
  1,
  44,
  {
    status: 'human',
    owner: 'human',
    assignee: hannah,
    sentiment: -0.1,
    escalation: { reason: 'user_requested', priority: 'normal', created_at: ago(40 * minute) },
  },
  [
    ['contact', 'Can you put our new address on the last invoice?'],
    [
      'ai',
      'I can send an invoice again, but I cannot change its address. Shall I ask a colleague?',
      { intent: 'invoice_details', confidence: 0.61 },
    ],
    ['contact', 'Yes please'],
    ['system', 'Owen asked for a person.'],
    ['note', 'Customer moved in October, see T-1039.', { author: hannah }],
    [
      'member',
      'Hello Owen, Hannah here. I am correcting INV-2026-0173 now and will e-mail it to you within the hour.',
      { author: hannah },
    ],
    ['contact', 'Great, thank you!'],
  ],
);
past(0, 130, { status: 'active', sentiment: 0.3 }, [
  ['contact', 'Where is BW-10417?'],
  [
    'ai',
    'Order **BW-10417** (12 × label roll 57 × 32 mm, €106.80) is on its way to you. Expected: 18 November 2026.',
    {
      tool: {
        name: 'get_order',
        arguments: { order_number: 'BW-10417' },
        result: { number: 'BW-10417', status: 'shipped', total_cents: 10680, currency: 'EUR' },
      },
    },
  ],
  ['contact', 'perfect'],
]);
past(3, 60 * 5, { status: 'completed', owner: 'ai', sentiment: 0.6 }, [
  ['contact', 'How many rows can I import at once?'],
  [
    'ai',
    'Up to 50,000 rows are read at a time; rows with errors are listed with their line number [1].',
    {
      intent: 'import_data',
      passages: [
        {
          document_id: documents[3].id,
          title: documents[3].title,
          text: documents[3].text,
          score: 0.91,
          start: 0,
          end: documents[3].text.length,
        },
      ],
      citations: [cite(1, documents[3], 'Up to 50,000 rows are read at a time.')],
    },
  ],
  ['contact', 'Brilliant, that is all.'],
]);
past(4, 60 * 9, { status: 'completed', owner: 'human', assignee: luca, sentiment: 0.1 }, [
  ['contact', 'My label printer prints everything shifted by 3 mm'],
  [
    'ai',
    'Run the calibration in Settings → Printers → Calibrate, with at least five labels loaded. Did that help?',
    { intent: 'printer_trouble' },
  ],
  ['contact', 'No'],
  [
    'member',
    'Hi Inês, the sensor cover of that batch sits loose. A replacement is on its way.',
    { author: luca },
  ],
]);
past(5, 60 * 26, { status: 'abandoned', sentiment: 0 }, [
  ['contact', 'hello?'],
  ['ai', 'Hello Erik, what can I do for you?', { intent: 'greeting' }],
]);
