// The part every fake shares: an HTTP server on the loopback, a bounded body reader, a command line
// of flags, and an exit that leaves no socket behind.
import http from 'node:http';

export const BODY_MAX_BYTES = 64 * 1024 * 1024;

/** Reads flags of the form `--name value` or `--name`; `known` maps each to its default. */
export function readFlags(argv, known) {
  const flags = { ...known };
  for (let i = 0; i < argv.length; i++) {
    const name = argv[i].replace(/^--/, '').replaceAll('-', '_');
    if (!argv[i].startsWith('--') || !(name in known)) throw new Error(`unknown flag ${argv[i]}`);
    if (typeof known[name] === 'boolean') flags[name] = true;
    else if (i + 1 >= argv.length) throw new Error(`--${name} needs a value`);
    else flags[name] = argv[++i];
  }
  return flags;
}

/** Collects a body of at most `max` bytes; answers null when it is larger. */
export async function readBody(req, max = BODY_MAX_BYTES) {
  const parts = [];
  let size = 0;
  for await (const part of req) {
    size += part.length;
    if (size <= max) parts.push(part);
  }
  return size > max ? null : Buffer.concat(parts);
}

/** Parses a body as JSON: `{ value }`, or `{ error }` with the parser's own words. */
export function parseJson(bytes) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { value: JSON.parse(text) };
  } catch (e) {
    return { error: e.message };
  }
}

export function replyJson(res, status, value, headers = {}) {
  const bytes = Buffer.from(JSON.stringify(value));
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    ...headers,
  });
  res.end(bytes);
}

/**
 * Starts `handle(req, res, url)` on 127.0.0.1. Resolves to `{ port, url, close }`; `close` cuts
 * what is still open, because a fake may be stalling on purpose.
 */
export function listen(handle, port = 0) {
  const server = http.createServer(async (req, res) => {
    try {
      await handle(req, res, new URL(req.url, 'http://fake'));
    } catch (e) {
      if (res.headersSent || res.destroyed) res.destroy();
      else replyJson(res, 500, { fake_error: String(e.stack ?? e) });
    }
  });
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(port), '127.0.0.1', () => {
      const bound = server.address().port;
      const close = () =>
        new Promise((done) => {
          server.close(done);
          server.closeAllConnections();
        });
      resolve({ port: bound, url: `http://127.0.0.1:${bound}`, close });
    });
  });
}

/** What every fake is: a server with a place, until it is closed. */
export class Fake {
  #server = null;

  async serve(handle, port = 0) {
    this.#server = await listen(handle, port);
    return this;
  }

  get url() {
    return this.#server.url;
  }

  get port() {
    return this.#server.port;
  }

  close() {
    return this.#server.close();
  }
}

/**
 * For a fake run as a program: one JSON line when ready, a clean exit on SIGTERM and SIGINT, and
 * with --until-eof when its standard input ends. `known`: its flags but for those and --port.
 */
export async function runAsProgram(name, known, start) {
  try {
    const flags = readFlags(process.argv.slice(2), { port: '0', until_eof: false, ...known });
    const fake = await start(flags);
    if (flags.until_eof) stopAtEof(fake);
    const { port, url } = fake;
    process.stdout.write(`${JSON.stringify({ ready: true, name, port, url, pid: process.pid })}\n`);
    const stop = () => fake.close().then(() => process.exit(0));
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    return fake;
  } catch (e) {
    process.stderr.write(`${name}: ${e.message}\n`);
    process.exit(2);
  }
}

/** Ends the program when its standard input ends: whoever started it through a pipe is gone. */
function stopAtEof(fake) {
  process.stdin.resume();
  process.stdin.once('end', () => fake.close().then(() => process.exit(0)));
}
