// A model that says what a recording's model said: finds its place in the recording from the
// request alone, so it answers the same after a crash, a retry, or in any order of conversations.
import { isDeepStrictEqual } from 'node:util';
import { valueOf } from '../fake/llm/text.js';

const FAREWELL = 'Please hold on.';

const plain = (text) => text.replace(/\s+/g, ' ').trim();

/** What the contact and the agent said up to turn k, and what the contact says in it. */
const saidUpTo = (turns, k) => [
  ...turns.slice(0, k).flatMap((turn) => [turn.contact, turn.answer ?? FAREWELL]),
  turns[k].contact,
];

function isTail(whole, tail) {
  const from = whole.length - tail.length;
  return from >= 0 && tail.every((text, i) => plain(text) === plain(whole[from + i]));
}

/** Nothing is said to a tool's empty result: providers refuse empty messages. */
const resultOf = (content) => (content === '(empty)' ? '' : content);
const sameResult = (want, content) =>
  isDeepStrictEqual(want, valueOf(resultOf(content))) || want === resultOf(content);

class Place extends Error {}

function placeOf(recording, messages) {
  const at = messages.findLastIndex((m) => m.role === 'user');
  // In the past the words count; calls between them are checked when they are made.
  const said = messages
    .slice(0, at + 1)
    .filter((m) => m.role === 'user' || (m.role === 'assistant' && !m.tool_calls))
    .map((m) => m.content);
  if (plain(said[0]).startsWith('(The conversation begins.)')) said.splice(0, 2);
  else if (messages.find((m) => m.role !== 'system')?.role === 'assistant') said.shift();
  for (const [k, turn] of recording.turns.entries())
    if (isTail(saidUpTo(recording.turns, k), said)) return { k, turn, since: messages.slice(at + 1) };
  throw new Place(`${recording.name} has no place where ${JSON.stringify(said.at(-1))} is said`);
}

/**
 * `{ script, seen }`: the script for FakeLlm, and what it noticed: tool messages that came as they
 * were recorded, and complaints about everything else. `seen.onRequest` is told of every request.
 */
export function scriptOf(recordings) {
  const byName = new Map(recordings.map((one) => [one.name, one]));
  const seen = { results: new Set(), complaints: [], onRequest: null };
  const check = (name, k, turn, since) => {
    const results = since.filter((m) => m.role === 'tool');
    results.forEach((message, i) => {
      const call = turn.calls[i];
      const same = call && (!('result' in call) || sameResult(call.result, message.content));
      if (same) seen.results.add(`${name} ${k} ${i}`);
      else seen.complaints.push({ name, turn: k, call: i, want: call?.result, got: message.content });
    });
    return results.length;
  };
  const reply = ({ messages, system }) => {
    seen.onRequest?.(messages);
    const name = /You are talking to ([\w-]+)/.exec(system)?.[1];
    const recording = byName.get(name);
    try {
      if (!recording) throw new Place(`no recording ${name}`);
      const { k, turn, since } = placeOf(recording, messages);
      const done = check(name, k, turn, since);
      const { said, ...call } = turn.calls[done] ?? {};
      if (!call.name) return { text: turn.answer ?? FAREWELL };
      return { text: said ?? '', tool_calls: [{ name: call.name, arguments: call.arguments }] };
    } catch (e) {
      if (!(e instanceof Place)) throw e;
      seen.complaints.push({ name, why: e.message });
      return { fault: { status: 400, message: e.message } };
    }
  };
  return { seen, script: { name: 'recordings', rules: [{ id: 'recording', reply }] } };
}
