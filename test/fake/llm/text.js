// Small things both wire formats do to text. A token here is four characters, at least one: a count
// that anyone can predict.
export const CHARS_PER_TOKEN = 4;

export const tokensOf = (value) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return Math.max(1, Math.ceil(text.length / CHARS_PER_TOKEN));
};

/** Cuts `text` at the first stop string, then at `maxTokens`: `{ text, stop, cut }`. */
export function limitText(text, stops, maxTokens) {
  let stop = null;
  let end = text.length;
  for (const candidate of stops) {
    const at = text.indexOf(candidate);
    if (at >= 0 && at < end) [end, stop] = [at, candidate];
  }
  const chars = [...text.slice(0, end)];
  const room = maxTokens * CHARS_PER_TOKEN;
  const cut = chars.length > room;
  return { text: chars.slice(0, room).join(''), stop: cut ? null : stop, cut };
}

/** The pieces a text is streamed in: `chunks` as given, or `size` characters each. */
export function piecesOf(text, { chunks, chunk_chars: size = 12 } = {}) {
  if (chunks) return chunks;
  const chars = [...text];
  const pieces = [];
  for (let i = 0; i < chars.length; i += size) pieces.push(chars.slice(i, i + size).join(''));
  return pieces;
}

/** The JSON value of a text, or the text itself when it is not JSON. */
export function valueOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** The first complaint `check` has about an item of a list, or null. */
export function firstComplaint(list, check) {
  for (const [i, item] of list.entries()) {
    const complaint = check(item, i, list);
    if (complaint) return complaint;
  }
  return null;
}
