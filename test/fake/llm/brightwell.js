// The scenario `brightwell`: a competent support model over the demo agent of
// samples/brightwell/agents/support.yaml. It knows the agent only through what the request offers:
// it asks for what a tool's schema requires, calls tools, reads results, cites passages, and hands
// over. It keeps no state: like a real model it reads everything from the conversation.
import { answerOf, citedText } from './brightwell_answer.js';

// What the contact wants, most specific first; `look` is a tool to consult before acting.
const WANTS = [
  {
    tool: 'request_handover',
    said: /\b(human|real person|a person|colleague|someone real|representative)\b/,
  },
  { tool: 'cancel_order', said: /\b(cancel|call off)\b(?!.*\bsubscription)/, look: 'get_order' },
  { tool: 'change_delivery_address', said: /\b(delivery |shipping )?address\b/, look: 'get_order' },
  { tool: 'get_return', said: /\b(return|refund)\b.*\b(status|where|arrived|received)\b/ },
  { tool: 'start_return', said: /\b(return|send (it|them|this) back)\b/, look: 'get_order' },
  { tool: 'get_shipment', said: /\b(track|tracking|parcel|carrier|shipment)\b/ },
  { tool: 'list_orders', said: /\b(recent|latest|all|my|our) orders\b|have we ordered/ },
  { tool: 'get_order', said: /\border\b|\bbw-\d/ },
  { tool: 'resend_invoice', said: /\b(resend|send)\b.*\binvoice\b/ },
  { tool: 'get_invoice', said: /\binv-\d/ },
  { tool: 'list_invoices', said: /\binvoices?\b/ },
  { tool: 'change_seats', said: /\bseats?\b.*\d|\d.*\bseats?\b|\badd\b.*\bseats?\b/ },
  { tool: 'get_subscription', said: /\b(subscription|renewal|our plan|my plan)\b/ },
  { tool: 'get_ticket', said: /\bt-\d{4}/ },
  { tool: 'list_tickets', said: /\b(my|our|open) tickets\b/ },
  { tool: 'create_ticket', said: /\b(open|create|file)\b.*\bticket\b/ },
  { tool: 'request_demo', said: /\bdemo\b/ },
  { tool: 'update_phone', said: /\bphone number\b/ },
];
const YES = /^\s*(yes|yep|yeah|sure|ok(ay)?|please do|go ahead|do it|confirmed?|correct|right)\b/i;
const NO = /^\s*(no|nope|don'?t|stop|never ?mind|leave it)\b/i;
const SMALL_TALK = [
  [/^\s*(hi|hello|hey|good (morning|afternoon|evening))\b[^?]*$/i, 'Hello. What can I do for you?'],
  [/\b(thanks|thank you|cheers)\b/i, 'You are welcome. Is there anything else?'],
  [/^\s*(bye|goodbye|see you)\b/i, 'Goodbye, and a good day in the warehouse.'],
];
const QUESTIONS = {
  order_number: 'Which order is it? The number looks like BW-10421.',
  invoice_number: 'Which invoice is it? The number looks like INV-2026-0173.',
  ticket_number: 'Which ticket is it? The number looks like T-1042.',
  reason: 'May I ask why? A few words are enough.',
  new_address: 'What is the new address, complete and on one line?',
  email: 'To which e-mail address?',
  phone: 'What is the new number, with its country code?',
  seats: 'How many seats should it be in total?',
  team_size: 'For how many people?',
};

const patternOf = (schema) =>
  schema.pattern && new RegExp(schema.pattern.replace(/^\^|\$$/g, ''), 'iu');

function questionFor(name, schema) {
  return QUESTIONS[name] ?? `Could you tell me ${(schema.description ?? name).toLowerCase()}?`;
}

/** The contact's words after we asked `question`, when we did. */
function answerTo(question, said) {
  for (let i = said.length - 1; i > 0; i--)
    if (said[i].role === 'user' && said[i - 1].text.includes(question)) return said[i].text.trim();
  return null;
}

function reasonIn(texts) {
  for (const text of texts) {
    const found = /\b(?:because|since|as we|reason:?)\s+(.{3,})/i.exec(text);
    if (found) return found[1].trim();
  }
  return null;
}

/** What one parameter is, by pattern, by kind, or by what was answered to our own question. */
function valueOfSlot(name, schema, said) {
  const texts = said
    .filter((m) => m.role === 'user')
    .map((m) => m.text)
    .reverse();
  const find = (pattern) => texts.map((t) => pattern.exec(t)?.[0]).find(Boolean) ?? null;
  const pattern = patternOf(schema);
  if (pattern) return find(pattern)?.toUpperCase() ?? null;
  if (name === 'email' || schema.format === 'email') return find(/[^\s@<>]+@[^\s@<>]+\.\w+/);
  if (schema.type === 'integer') return Number(find(/\b\d+\b/)) || null;
  const answered = answerTo(questionFor(name, schema), said);
  if (answered) return answered;
  if (name === 'reason') return reasonIn(texts);
  return ['query', 'description', 'interest', 'product'].includes(name) ? texts[0] : null;
}

function fillSlots(tool, said) {
  const values = {};
  const missing = [];
  const properties = tool.schema?.properties ?? {};
  for (const name of tool.schema?.required ?? []) {
    const value = valueOfSlot(name, properties[name] ?? {}, said);
    if (value === null) missing.push(name);
    else values[name] = value;
  }
  return { values, missing };
}

/** Whether a message answers our own question for a detail: then only a person can be asked for. */
function isDetail(said, i) {
  const before = said[i - 1]?.text ?? '';
  return Object.values(QUESTIONS).some((question) => before.endsWith(question));
}

/** The last thing the contact wanted, and where in the conversation it was said. */
function wantOf(turn) {
  const offered = (want) => turn.tools.some((tool) => tool.name === want.tool);
  for (let i = turn.said.length - 1; i >= 0; i--) {
    if (turn.said[i].role !== 'user') continue;
    const text = turn.said[i].text.toLowerCase();
    const wants = isDetail(turn.said, i) ? WANTS.slice(0, 1) : WANTS;
    const want = wants.find((w) => w.said.test(text) && offered(w));
    if (want) return { ...want, at: i };
  }
  return null;
}

const calledWith = (turn, name) => turn.calls.some((call) => call.name === name);

/** The next step toward `want`: a look, a question for what is missing, or the call itself. */
function pursue(turn, want) {
  const said = turn.said.slice(want.at);
  const tool = turn.tools.find((t) => t.name === want.tool);
  const { values, missing } = fillSlots(tool, said);
  const looked = turn.results.find((result) => result.name === want.look);
  if (looked?.is_error || looked?.value?.error) return { text: answerOf(looked) };
  const open = missing[0];
  const canLook = want.look && values.order_number && turn.tools.some((t) => t.name === want.look);
  if (canLook && missing.length && !looked)
    return { tool_calls: [{ name: want.look, arguments: { order_number: values.order_number } }] };
  if (!open) return { tool_calls: [{ name: tool.name, arguments: values }] };
  const question = questionFor(open, tool.schema.properties[open]);
  return { text: looked ? `${answerOf(looked)} ${question}` : question };
}

/** Passages that the system text offers, as "[n] title" with the text below. */
function offeredPassages(system) {
  const found = [...system.matchAll(/^\[(\d+)\] (.*)\n([\s\S]*?)(?=\n\[\d+\] |$(?![\s\S]))/gmu)];
  return found.map(([, n, title, text]) => ({ n: Number(n), title, text }));
}

function search(turn) {
  const passages = offeredPassages(turn.system);
  if (passages.length) return { text: citedText(passages) };
  const tool = turn.tools.find((t) => t.name === 'search_knowledge');
  if (!tool) return { text: 'I am not sure about that. Shall I ask a colleague?' };
  return { tool_calls: [{ name: tool.name, arguments: { query: turn.user.slice(0, 400) } }] };
}

function afterResults(turn) {
  const want = wantOf(turn);
  const last = turn.results.at(-1);
  if (want?.look === last.name && !calledWith(turn, want.tool)) return pursue(turn, want);
  return { text: turn.results.map(answerOf).join('\n\n') };
}

/** Whether the last words only make sense together with what was said before. */
function isContinuation(turn, want) {
  if (want.at === turn.said.length - 1) return true;
  const before = turn.said.at(-2)?.text ?? '';
  return before.includes('?') && !/\belse\?\s*$/.test(before);
}

function reply(turn) {
  if (turn.format) return {};
  if (turn.last === 'tool_result') return afterResults(turn);
  const said = turn.user;
  const small = SMALL_TALK.find(([pattern]) => pattern.test(said));
  if (small) return { text: small[1] };
  const before = turn.said.at(-2)?.text ?? '';
  if (before && NO.test(said)) return { text: 'All right, I leave it as it is. Anything else?' };
  const want = wantOf(turn);
  if (want && (isContinuation(turn, want) || YES.test(said))) return pursue(turn, want);
  return search(turn);
}

export function brightwell(options = {}) {
  return { name: 'brightwell', clock: options.clock, rules: [{ id: 'brightwell', reply }] };
}
