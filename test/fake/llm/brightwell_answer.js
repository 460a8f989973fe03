// How the scenario `brightwell` puts the result of a tool into words. Everything it says comes out
// of the result.

const MONTHS =
  'January February March April May June July August September October November December'.split(
    ' ',
  );
const SIGNS = { EUR: '€', USD: '$', GBP: '£' };
const PASSAGE_CHARS = 320;

function money(cents, currency = 'USD') {
  const amount = (cents / 100).toFixed(2).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return `${SIGNS[currency] ?? `${currency} `}${amount}`;
}

function date(ms) {
  const day = new Date(ms);
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
}

const FIELD_WORDS = [
  [/_cents$/, (value, all) => money(value, all.currency)],
  [/_at$/, (value) => date(value)],
];

/** One field in words: `total_cents` becomes "total €12.00". */
function fieldText(key, value, all) {
  if (value === null || typeof value === 'object') return null;
  const row = FIELD_WORDS.find(([pattern]) => pattern.test(key));
  if (row && typeof value === 'number')
    return `${key.replace(row[0], '').replaceAll('_', ' ')} ${row[1](value, all)}`;
  return `${key.replaceAll('_', ' ')} ${value}`;
}

function recordText(record) {
  const skip = ['currency', 'number', 'status'];
  const parts = Object.entries(record)
    .filter(([key]) => !skip.includes(key))
    .map(([key, value]) => fieldText(key, value, record))
    .filter(Boolean);
  const head = record.number ? `${record.number}: ` : '';
  return `${head}${parts.join(', ')}`;
}

function orderText(order) {
  const price = money(order.total_cents, order.currency);
  const expected = order.expected_at ? ` Expected: ${date(order.expected_at)}.` : '';
  const placed = date(order.placed_at);
  const what = `${order.item_summary}, ${price}`;
  return `Order ${order.number} (${what}), placed on ${placed}, ${order.state}.${expected}`;
}

const passagesOf = (value) =>
  Array.isArray(value) ? value : (value?.items ?? value?.passages ?? value?.results ?? []);

/** The beginning of the best passage, as whole sentences, with its number. */
export function citedText(value) {
  const [best] = passagesOf(value);
  if (!best)
    return 'I could not find anything about that in the help centre. Shall I ask a colleague?';
  const plain = best.text.replace(/^#.*$/gm, '').replace(/\s+/g, ' ').trim();
  const whole =
    plain.slice(0, PASSAGE_CHARS).match(/^.*[.!?](?=\s|$)/)?.[0] ?? plain.slice(0, PASSAGE_CHARS);
  return `${whole} [${best.n ?? 1}]`;
}

const ANSWERS = {
  get_order: orderText,
  cancel_order: ({ number, total_cents: cents, currency }) =>
    `Done: order ${number} is cancelled. ${money(cents, currency)} will not be charged.`,
  change_delivery_address: (r) => `Done: order ${r.number} now goes to ${r.delivery_address}.`,
  start_return: (r) => `Done: the return ${r.return_number} for order ${r.number} is open.`,
  resend_invoice: (r) => `Done: invoice ${r.number} is on its way to ${r.sent_to}.`,
  create_ticket: (r) => `Done: your ticket is ${r.number}.`,
  request_handover: () => 'I am bringing in a colleague. They will see everything we wrote.',
  search_knowledge: citedText,
};

function refusalOf(value, content) {
  const error = value?.error ?? value;
  if (typeof error === 'string') return error;
  return error?.detail ?? error?.message ?? error?.reason ?? content;
}

/** The words for one tool result. */
export function answerOf({ name, value, content, is_error: isError }) {
  if (isError || value?.error) return refusalOf(value, content);
  if (value === null || typeof value !== 'object') return String(content);
  const question = value.confirm ?? value.confirmation ?? value.question;
  if (typeof question === 'string') return question;
  if (ANSWERS[name]) return ANSWERS[name](value);
  const list = value.items;
  if (!Array.isArray(list)) return recordText(value);
  return list.length
    ? list.map((item) => `- ${recordText(item)}`).join('\n')
    : 'There are none yet.';
}
