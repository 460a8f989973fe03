// Decides what the model answers: rules matched in order against a turn, a turn being what both
// wire formats say in one shape (see README.md for the fields).
import { sampleOf } from './sample.js';
import { brightwell } from './brightwell.js';

export const BUILTIN = { echo: echoScript, brightwell };

function echoScript() {
  return { name: 'echo', rules: [], default: { text: 'You said: {{user}}' } };
}

const WHEN_KEYS = new Set(
  'user system model wire history tools tool_result last turn stream format'.split(' '),
);
const RULE_KEYS = new Set(['id', 'when', 'times', 'skip', 'reply', 'fault']);

/** Throws with the rule's number when a script cannot be understood. */
export function checkScript(script) {
  if (!script || typeof script !== 'object') throw new Error('a script is an object');
  if (!Array.isArray(script.rules ?? [])) throw new Error('rules is a list');
  (script.rules ?? []).forEach((rule, i) => {
    for (const key of Object.keys(rule))
      if (!RULE_KEYS.has(key)) throw new Error(`rules[${i}].${key} is unknown`);
    if (typeof rule.when === 'function') return;
    for (const [key, value] of Object.entries(rule.when ?? {})) {
      if (!WHEN_KEYS.has(key)) throw new Error(`rules[${i}].when.${key} is unknown`);
      if (['user', 'system', 'model', 'history'].includes(key)) patterns(value);
    }
  });
}

function patterns(value) {
  return [value].flat().map((p) => (p instanceof RegExp ? p : new RegExp(p, 'iu')));
}

/** The named and numbered groups of the first pattern when all match, else null. */
function matchAll(value, text) {
  let groups = null;
  for (const pattern of patterns(value)) {
    const hit = pattern.exec(text);
    if (!hit) return null;
    groups ??= { ...hit, ...hit.groups };
  }
  return groups;
}

function matchResult(want, turn) {
  return turn.results.find(
    (result) =>
      (want.name === undefined || result.name === want.name) &&
      (want.content === undefined || matchAll(want.content, result.content)) &&
      (want.is_error === undefined || want.is_error === result.is_error),
  );
}

const MATCHERS = {
  user: (value, turn) => matchAll(value, turn.user),
  system: (value, turn) => matchAll(value, turn.system) && {},
  model: (value, turn) => matchAll(value, turn.model) && {},
  history: (value, turn) => matchAll(value, turn.history) && {},
  wire: (value, turn) => turn.wire === value && {},
  stream: (value, turn) => turn.stream === value && {},
  last: (value, turn) => turn.last === value && {},
  turn: (value, turn) => turn.number === value && {},
  format: (value, turn) => (turn.format?.type ?? 'text') === value && {},
  tools: (value, turn) =>
    [value].flat().every((name) => turn.tools.some((tool) => tool.name === name)) && {},
  tool_result: (value, turn) => matchResult(value, turn) && {},
};

function matchRule(rule, turn) {
  if (typeof rule.when === 'function') return rule.when(turn) ? {} : null;
  let match = {};
  for (const [key, value] of Object.entries(rule.when ?? {})) {
    const groups = MATCHERS[key](value, turn);
    if (!groups) return null;
    match = { ...match, ...groups };
  }
  return match;
}

function lookUp(scope, path) {
  return path
    .trim()
    .split('.')
    .reduce((at, key) => at?.[key], scope);
}

/** Replaces {{path}} in every string of a reply. */
function fill(value, scope) {
  if (typeof value === 'string') {
    return value.replace(/\{\{([^{}]+)\}\}/g, (_, path) => {
      const found = lookUp(scope, path);
      return typeof found === 'object' ? JSON.stringify(found) : String(found ?? '');
    });
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, scope));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, fill(v, scope)]));
}

function scopeOf(turn, match) {
  const parsed = turn.results.map((result) => result.value);
  return { ...turn, match, result: parsed.at(-1), results: parsed };
}

/** What every reply obeys, whatever the script says: forced tools, formats, one call only. */
function obey(reply, turn) {
  const calls = [...(reply.tool_calls ?? [])];
  const forced = turn.tool_choice;
  if (forced.type === 'none') calls.length = 0;
  if (calls.length === 0 && (forced.type === 'any' || forced.type === 'tool')) {
    const tool = turn.tools.find((t) => t.name === forced.name) ?? turn.tools[0];
    calls.push({ name: tool.name, arguments: sampleOf(tool.schema, turn.user) });
  }
  if (!turn.parallel) calls.length = Math.min(calls.length, 1);
  const out = { ...reply, tool_calls: calls, text: reply.text ?? '' };
  if (out.json !== undefined) out.text = JSON.stringify(out.json);
  else if (turn.format && !calls.length && !reply.refusal && !isJson(out.text)) {
    const schema = turn.format.schema;
    out.text = JSON.stringify(schema ? sampleOf(schema, turn.user) : { text: out.text });
  }
  return out;
}

function isJson(text) {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

export class Script {
  #script;
  #seen = new Map();

  constructor(script = echoScript()) {
    this.load(script);
  }

  load(script) {
    const loaded = script.builtin ? BUILTIN[script.builtin]?.(script) : script;
    if (!loaded) throw new Error(`no builtin scenario ${script.builtin}`);
    checkScript(loaded);
    this.#script = loaded;
    this.#seen = new Map();
  }

  get settings() {
    return this.#script;
  }

  /** `{ rule, reply, fault }` for a turn. A rule counts as used when it matched. */
  answer(turn) {
    for (const [i, rule] of (this.#script.rules ?? []).entries()) {
      const match = matchRule(rule, turn);
      if (!match) continue;
      const seen = (this.#seen.get(i) ?? 0) + 1;
      this.#seen.set(i, seen);
      const skip = rule.skip ?? 0;
      if (seen <= skip || seen > skip + (rule.times ?? Infinity)) continue;
      return this.#built(rule.id ?? `rules[${i}]`, rule, turn, match);
    }
    const fallback = { reply: this.#script.default ?? { text: 'I have no script for this.' } };
    return this.#built('default', fallback, turn, {});
  }

  #built(id, rule, turn, match) {
    const scope = scopeOf(turn, match);
    const raw = typeof rule.reply === 'function' ? rule.reply(turn, match) : (rule.reply ?? {});
    const reply = typeof rule.reply === 'function' ? raw : fill(raw, scope);
    return { rule: id, reply: obey(reply, turn), fault: rule.fault ?? reply.fault ?? {} };
  }
}
