// The server under test: the real program in a fresh data folder with the demo workspace, or the
// one that RAPPORT_URL names (then nothing is started or stopped).
import { startRapport } from '../wire/rapport.js';

const given = process.env.RAPPORT_URL?.replace(/\/$/, '');

/** For `describe(name, { skip })`: only the absence of a server excuses. */
export const skip =
  given || process.env.RAPPORT_BIN ? false : 'neither RAPPORT_BIN nor RAPPORT_URL is set';

export async function startServer() {
  if (given)
    return {
      url: given,
      port: Number(new URL(given).port),
      stop: async () => {},
    };
  return startRapport();
}

export const AGENT = 'brightwell/support';
export const PASSWORD = 'rapport-demo';
export const HANNAH = 'hannah@brightwell.example';
export const INGRID = 'ingrid@brightwell.example';
export const BEN = 'ben@brightwell.example';

/** What a member sees through the API, to compare the pages with. */
export async function memberApi(server, email = INGRID) {
  const call = async (method, path, { token, body } = {}) => {
    const headers = { 'content-type': 'application/json' };
    if (token) headers.authorization = `Bearer ${token}`;
    const response = await fetch(`${server.url}/api/v1${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
  const { access_token: token } = await call('POST', '/auth/login', {
    body: { email, password: PASSWORD, org: 'brightwell', session: 'token' },
  });
  return {
    get: (path) => call('GET', path, { token }),
    post: (path, body = {}) => call('POST', path, { token, body }),
    patch: (path, body) => call('PATCH', path, { token, body }),
  };
}
