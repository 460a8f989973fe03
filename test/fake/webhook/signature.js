// Standard Webhooks: `id.timestamp.body`, HMAC-SHA256 under a secret shown as whsec_<base64>, in a
// list that carries one signature per key while keys rotate.
import { createHmac, timingSafeEqual } from 'node:crypto';

const SKEW_MAX_S = 300;
const SECRET_MIN_BYTES = 24;
const SECRET_MAX_BYTES = 64;

export function secretBytes(shown) {
  const bytes = Buffer.from(shown.replace(/^whsec_/, ''), 'base64');
  if (bytes.length < SECRET_MIN_BYTES || bytes.length > SECRET_MAX_BYTES)
    throw new Error(`a secret has 24 to 64 bytes, this one ${bytes.length}`);
  return bytes;
}

export function sign(secret, id, timestamp, body) {
  const hmac = createHmac('sha256', secretBytes(secret));
  return `v1,${hmac.update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
}

function same(a, b) {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

/** Why a request is not from us, or null when it is. `nowS` is the receiver's clock. */
export function signatureProblem({ headers, body, secrets, nowS }) {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const given = headers['webhook-signature'];
  if (!id || !timestamp || !given) return 'a webhook-* header is missing';
  if (!/^\d{1,12}$/.test(timestamp)) return 'webhook-timestamp is not a number of seconds';
  if (nowS !== null && Math.abs(nowS - Number(timestamp)) > SKEW_MAX_S)
    return 'webhook-timestamp is too old or too new';
  const wanted = secrets.map((secret) => sign(secret, id, timestamp, body));
  const matches = given.split(' ').some((one) => wanted.some((want) => same(one, want)));
  return matches ? null : 'webhook-signature matches no key';
}
