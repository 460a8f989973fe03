// Embeddings that mean a little: words and their letter groups hashed into a vector, so that texts
// which share words are near each other. The same text always gives the same vector.
import { createHash } from 'node:crypto';
import { typeName } from './openai_check.js';
import { tokensOf } from './text.js';

const SIZES = { 'text-embedding-3-large': 3072 };
const SIZE_DEFAULT = 1536;
const INPUTS_MAX = 2048;

function featuresOf(text) {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const grams = words.flatMap((word) =>
    Array.from({ length: Math.max(0, word.length - 2) }, (_, i) => `#${word.slice(i, i + 3)}`),
  );
  return [...words, ...grams];
}

export function embed(text, size) {
  const vector = new Float32Array(size);
  for (const feature of featuresOf(text)) {
    const hash = createHash('md5').update(feature).digest();
    vector[hash.readUInt32LE(0) % size] += hash[4] & 1 ? 1 : -1;
  }
  const norm = Math.hypot(...vector) || 1;
  return vector.map((value) => value / norm);
}

function checkInput(input) {
  if (input === undefined)
    return { message: "Missing required parameter: 'input'.", param: 'input' };
  const list = Array.isArray(input) ? input : [input];
  if (!list.length || list.some((item) => item === ''))
    return { message: "'$.input' is invalid. Input cannot be an empty string.", param: 'input' };
  if (list.length > INPUTS_MAX)
    return { message: `'$.input' is invalid. At most ${INPUTS_MAX} inputs.`, param: 'input' };
  const odd = list.find(
    (item) => !['string', 'number'].includes(typeof item) && !Array.isArray(item),
  );
  if (odd === undefined) return null;
  return { message: `Invalid type for 'input': got ${typeName(odd)}.`, param: 'input' };
}

const isTokens = (input) => Array.isArray(input) && typeof input[0] === 'number';

/** The answer to `POST /v1/embeddings`: `{ status, body }` or `{ status, complaint }`. */
export function embeddingsOf(request) {
  if (!request.model)
    return { status: 400, complaint: { message: 'you must provide a model parameter' } };
  const complaint = checkInput(request.input);
  if (complaint) return { status: 400, complaint };
  const size = request.dimensions ?? SIZES[request.model] ?? SIZE_DEFAULT;
  const texts = isTokens(request.input) ? [request.input] : [request.input].flat();
  const data = texts.map((item, index) => {
    const vector = embed(
      typeof item === 'string' ? item : item.map((t) => `t${t}`).join(' '),
      size,
    );
    const bytes = Buffer.from(vector.buffer);
    const embedding = request.encoding_format === 'base64' ? bytes.toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const tokens = texts.reduce((sum, text) => sum + tokensOf(text), 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { status: 200, body: { object: 'list', data, model: request.model, usage } };
}
