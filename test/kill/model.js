// A model that does what it is asked, once, as far as it can know: it looks through the whole
// conversation for what was asked, what tools did and what was answered, and keeps nothing itself.
const ASKED = /\b(charge|ticket) (R\d+)\b/g;
const REF = /\bR\d+\b/;
const DONE = /"number":/; // of the order, of the ticket; what was refused has none
const REFS = /\bR\d+\b/g;

const textOf = (content) =>
  typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('\n');

/** Refs of what tools have done, by the calls that their results belong to. */
function doneBy(messages) {
  const refs = new Map(); // id of the call -> ref
  const done = new Set();
  for (const message of messages) {
    for (const call of message.tool_calls ?? [])
      refs.set(call.id, REF.exec(call.function.arguments)?.[0]);
    if (message.role !== 'tool') continue;
    const ref = refs.get(message.tool_call_id);
    if (ref && DONE.test(textOf(message.content))) done.add(ref);
  }
  return done;
}

const callOf = ([kind, ref]) =>
  kind === 'charge'
    ? { name: 'charge', arguments: { ref } }
    : { name: 'create_ticket', arguments: { description: `Please look after ${ref}, thank you.` } };

function reply({ messages }) {
  const answered = new Set(
    messages
      .filter((m) => m.role === 'assistant') // calls stand with the answer before them
      .flatMap((m) => textOf(m.content).match(REFS) ?? []),
  );
  const asked = messages
    .filter((m) => m.role === 'user')
    .flatMap((m) => [...textOf(m.content).matchAll(ASKED)].map(([, kind, ref]) => [kind, ref]));
  const open = [...new Map(asked.map((pair) => [pair[1], pair])).values()].filter(
    ([, ref]) => !answered.has(ref),
  );
  const done = doneBy(messages);
  const missing = open.filter(([, ref]) => !done.has(ref));
  if (missing.length) return { text: '', tool_calls: missing.slice(0, 2).map(callOf) };
  const refs = open.map(([, ref]) => ref);
  return { text: refs.length ? `Done: ${refs.join(', ')}.` : 'There is nothing left to do.' };
}

export const MODEL_SCRIPT = { name: 'doer', rules: [{ id: 'do', reply }] };
