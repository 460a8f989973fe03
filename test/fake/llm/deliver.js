// Sends an answer, or fails to: every fault a script can ask for happens here.
import { replyJson } from '../listen.js';

const HUGE_UNIT = 'All work and no play makes a very long answer. ';
const PIECE_BYTES_HUGE = 4096;

/** The reply with what the fault changes of its content. */
export function spoil(reply, fault) {
  const out = { ...reply };
  if (fault.huge_bytes) {
    out.text = HUGE_UNIT.repeat(Math.ceil(fault.huge_bytes / HUGE_UNIT.length));
    out.chunk_chars ??= PIECE_BYTES_HUGE;
  }
  if (fault.invalid_arguments)
    out.tool_calls = out.tool_calls.map((call) => ({
      ...call,
      raw_arguments:
        typeof fault.invalid_arguments === 'string'
          ? fault.invalid_arguments
          : `${JSON.stringify(call.arguments ?? {}).slice(0, -1)}, "oops": [1, 2`,
    }));
  return out;
}

/** An answer that is only an error, or only nothing: true when it was sent. */
export function sendFault(call, fault) {
  const { res, wire, requestId } = call;
  const headers = { ...call.headers, ...fault.headers };
  if (fault.reset) return end(call, 'reset', () => res.socket.resetAndDestroy());
  if (fault.status) {
    if (fault.body !== undefined) return sendRaw(call, fault.status, fault);
    replyJson(res, fault.status, wire.errorBody(fault.status, fault, requestId), headers);
    return end(call, 'error');
  }
  if (fault.content_type || fault.body !== undefined) return sendRaw(call, 200, fault);
  if (fault.empty) return sendRaw(call, 200, { body: '', ...fault });
  return false;
}

function sendRaw(call, status, fault) {
  const type = fault.content_type ?? 'application/json';
  call.res.writeHead(status, { ...call.headers, 'content-type': type, ...fault.headers });
  call.res.end(fault.body ?? '<html><body>Bad gateway</body></html>');
  return end(call, 'raw');
}

function end(call, outcome, act = () => {}) {
  call.note(outcome);
  act();
  return true;
}

/** A whole answer in one body. */
export async function sendWhole(call, message, fault) {
  const { res, steps, signal, headers } = call;
  if (fault.stall !== undefined) return stall(call);
  if (fault.no_usage) delete message.usage;
  let bytes = Buffer.from(JSON.stringify(message));
  const cut = fault.cut ?? fault.cut_bytes;
  if (fault.malformed !== undefined) bytes = bytes.subarray(0, bytes.length >> 1);
  res.writeHead(200, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    ...headers,
    ...fault.headers,
  });
  if (cut !== undefined) {
    res.write(bytes.subarray(0, fault.cut_bytes ?? bytes.length >> 1));
    return cutHere(call);
  }
  await steps.wait(fault.body_steps, signal);
  res.end(bytes);
  return end(call, 'complete');
}

/** Cuts the connection once what was written before has left. */
async function cutHere(call) {
  await new Promise((resolve) => call.res.write('', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  return end(call, 'cut', () => call.res.destroy());
}

async function stall(call) {
  call.note('stalled');
  await call.steps.forever(call.signal);
}

/** The events of an answer as the fault leaves them. */
function planOf(events, fault, wire) {
  let plan = fault.no_usage ? wire.withoutUsage(events) : events;
  if (fault.no_end) plan = plan.filter((item) => !wire.isEnd(item));
  if (fault.unknown_events) plan = [...plan.slice(0, 1), ...wire.unknownEvents(), ...plan.slice(1)];
  if (fault.ping_every)
    plan = plan.flatMap((item, i) =>
      i && i % fault.ping_every === 0 ? [wire.pingEvent(), item] : [item],
    );
  if (fault.malformed !== undefined) {
    const at = Number(fault.malformed);
    plan = plan.map((item, i) => (i === at ? { ...item, data: '{"type": "broken' } : item));
  }
  if (fault.error_after !== undefined)
    plan = [...plan.slice(0, fault.error_after), wire.errorEvent(fault.error ?? {})];
  return plan;
}

const EOLS = { lf: '\n', crlf: '\r\n', cr: '\r' };

/** A streamed answer: server-sent events, one by one, until the end or the fault. */
export async function sendEvents(call, events, reply, fault) {
  const { res, wire, steps, signal, headers } = call;
  const eol = EOLS[fault.line_end ?? 'lf'];
  if (fault.stall === 'headers') return stall(call);
  const type = 'text/event-stream; charset=utf-8';
  res.writeHead(200, {
    'content-type': type,
    'cache-control': 'no-cache',
    ...headers,
    ...fault.headers,
  });
  res.flushHeaders();
  res.socket?.setNoDelay(true);
  let sent = 0;
  for (const item of planOf(events, fault, wire)) {
    if (fault.stall === sent && !(await stallHere(call, fault))) return;
    if (fault.cut === sent) return cutHere(call);
    await steps.wait(sent ? reply.delta_steps : 0, signal);
    if (signal.aborted) return;
    const cutAt = fault.cut_inside === sent ? (fault.cut_inside_bytes ?? 10) : Infinity;
    await write(call, wire.encode(item, eol), fault.split_bytes, cutAt);
    if (cutAt !== Infinity) return cutHere(call);
    call.sent(++sent);
  }
  res.end();
  end(call, 'complete');
}

/** Stalls for good, or for `stall_steps`; true when the stream may go on. */
async function stallHere(call, fault) {
  if (!fault.stall_steps) return void (await stall(call));
  call.note('stalled');
  await call.steps.wait(fault.stall_steps, call.signal);
  return !call.signal.aborted;
}

/** Writes with back-pressure, and in pieces of `split` bytes when a client is to be teased. */
async function write(call, text, split, cutAt) {
  const bytes = Buffer.from(text).subarray(0, cutAt);
  const size = split || bytes.length;
  for (let i = 0; i < bytes.length && !call.signal.aborted; i += size) {
    const more = call.res.write(bytes.subarray(i, i + size));
    if (!more) await drained(call);
    else if (split || cutAt !== Infinity) await new Promise((resolve) => setImmediate(resolve));
  }
}

function drained({ res, signal }) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const go = () => {
      res.off('drain', go);
      signal.removeEventListener('abort', go);
      resolve();
    };
    res.on('drain', go);
    signal.addEventListener('abort', go);
  });
}
