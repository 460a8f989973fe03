// A value that fits a JSON Schema, preferring what the given text suggests: enough for a model that
// is forced to call a tool or to answer in a format no script foresaw.

const DEPTH_MAX = 8;

const wordsOf = (text) =>
  new Set(
    String(text)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [],
  );

function bestOf(options, text) {
  const words = wordsOf(text);
  let best = options[0];
  let bestScore = 0;
  for (const option of options) {
    const parts = [...wordsOf(String(option).replaceAll('_', ' '))];
    const score = parts.filter((part) => words.has(part)).length / (parts.length || 1);
    if (score > bestScore) [best, bestScore] = [option, score];
  }
  return best;
}

function stringOf(schema, text) {
  if (schema.pattern) {
    const loose = new RegExp(schema.pattern.replace(/^\^|\$$/g, ''), 'u');
    return loose.exec(text)?.[0] ?? '';
  }
  const formats = { date: '2026-01-01', 'date-time': '2026-01-01T00:00:00Z' };
  if (schema.format in formats) return formats[schema.format];
  if (schema.format === 'email') return /[^\s@]+@[^\s@]+\.\w+/.exec(text)?.[0] ?? 'a@example.com';
  const padded = (text || 'text').padEnd(schema.minLength ?? 0, '.');
  return [...padded].slice(0, schema.maxLength ?? 200).join('');
}

function numberOf(schema, text) {
  const said = /-?\d+(\.\d+)?/.exec(text)?.[0];
  const low = schema.minimum ?? (schema.exclusiveMinimum ?? -1) + 1;
  const high = schema.maximum ?? Infinity;
  const value = said === undefined ? low : Math.min(Math.max(Number(said), low), high);
  return schema.type === 'integer' ? Math.trunc(value) : value;
}

function objectOf(schema, text, depth) {
  const out = {};
  for (const key of schema.required ?? Object.keys(schema.properties ?? {}))
    out[key] = sampleOf(schema.properties?.[key] ?? {}, text, depth + 1);
  return out;
}

export function sampleOf(schema, text = '', depth = 0) {
  if (!schema || depth > DEPTH_MAX) return null;
  if ('const' in schema) return schema.const;
  if (schema.enum) return bestOf(schema.enum, text);
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) return sampleOf(variants[0], text, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'string') return stringOf(schema, text);
  if (type === 'integer' || type === 'number') return numberOf({ ...schema, type }, text);
  if (type === 'boolean') return false;
  if (type === 'null') return null;
  if (type === 'array') {
    const one = () => sampleOf(schema.items ?? { type: 'string' }, text, depth + 1);
    return Array.from({ length: schema.minItems ?? 0 }, one);
  }
  return objectOf(schema, text, depth);
}
