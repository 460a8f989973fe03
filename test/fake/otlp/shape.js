// The shape of OTLP/HTTP JSON, checked strictly: names in lowerCamelCase, ids in hex, enums as
// integers. Every complaint names the path.

const HEX = { 16: /^[0-9a-f]{16}$/i, 32: /^[0-9a-f]{32}$/i };
const VALUE_KINDS = {
  stringValue: (v) => typeof v === 'string',
  boolValue: (v) => typeof v === 'boolean',
  intValue: isInt64,
  doubleValue: (v) => typeof v === 'number' || ['NaN', 'Infinity', '-Infinity'].includes(v),
  bytesValue: (v) => typeof v === 'string',
  arrayValue: (v) => Array.isArray(v?.values ?? []),
  kvlistValue: (v) => Array.isArray(v?.values ?? []),
};
const SPAN_KEYS = (
  'traceId spanId parentSpanId traceState flags name kind startTimeUnixNano endTimeUnixNano ' +
  'attributes droppedAttributesCount events droppedEventsCount links droppedLinksCount status'
).split(' ');

function isInt64(value) {
  if (Number.isInteger(value)) return true;
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value);
}

class Checker {
  problems = [];

  need(good, path, what) {
    if (!good) this.problems.push(`${path}: ${what}`);
    return good;
  }

  hex(value, digits, path) {
    const good = typeof value === 'string' && HEX[digits].test(value) && !/^0+$/.test(value);
    this.need(good, path, `expected ${digits} hex digits, not all zero`);
  }

  time(value, path) {
    this.need(isInt64(value) && BigInt(value) > 0n, path, 'expected Unix nanoseconds');
  }

  list(value, path, each) {
    if (value === undefined) return;
    if (!this.need(Array.isArray(value), path, 'expected a list')) return;
    value.forEach((item, i) => each(item, `${path}[${i}]`));
  }

  attributes(list, path) {
    const keys = new Set();
    this.list(list, path, ({ key, value }, at) => {
      this.need(typeof key === 'string' && key !== '', `${at}.key`, 'expected a name');
      this.need(!keys.has(key), `${at}.key`, `${key} comes twice`);
      keys.add(key);
      this.value(value, `${at}.value`);
    });
  }

  value(value, path) {
    const kinds = Object.keys(value ?? {});
    if (!this.need(kinds.length === 1, path, 'expected exactly one kind of value')) return;
    const fits = VALUE_KINDS[kinds[0]];
    if (!this.need(fits, path, `${kinds[0]} is no kind of value`)) return;
    this.need(fits(value[kinds[0]]), `${path}.${kinds[0]}`, 'does not fit its kind');
  }

  span(span, path) {
    for (const key of Object.keys(span))
      this.need(SPAN_KEYS.includes(key), `${path}.${key}`, 'is no field of a span');
    this.hex(span.traceId, 32, `${path}.traceId`);
    this.hex(span.spanId, 16, `${path}.spanId`);
    if (span.parentSpanId) this.hex(span.parentSpanId, 16, `${path}.parentSpanId`);
    this.need(typeof span.name === 'string' && span.name, `${path}.name`, 'expected a name');
    const kind = span.kind ?? 0;
    this.need(Number.isInteger(kind) && kind >= 0 && kind <= 5, `${path}.kind`, 'expected 0 to 5');
    this.time(span.startTimeUnixNano, `${path}.startTimeUnixNano`);
    this.time(span.endTimeUnixNano, `${path}.endTimeUnixNano`);
    if (isInt64(span.startTimeUnixNano) && isInt64(span.endTimeUnixNano)) {
      const forward = BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano);
      this.need(forward, path, 'ends before it starts');
    }
    this.attributes(span.attributes, `${path}.attributes`);
    this.list(span.events, `${path}.events`, (event, at) => {
      this.time(event.timeUnixNano, `${at}.timeUnixNano`);
      this.need(typeof event.name === 'string', `${at}.name`, 'expected a name');
      this.attributes(event.attributes, `${at}.attributes`);
    });
    const code = span.status?.code ?? 0;
    this.need([0, 1, 2].includes(code), `${path}.status.code`, 'expected 0, 1 or 2');
  }
}

/** Checks an ExportTraceServiceRequest: `{ spans, problems }`, spans with their resource. */
export function checkTraces(body) {
  const checker = new Checker();
  const spans = [];
  if (!checker.need(Array.isArray(body?.resourceSpans), 'resourceSpans', 'expected a list'))
    return { spans, problems: checker.problems };
  checker.list(body.resourceSpans, 'resourceSpans', (group, at) => {
    checker.attributes(group.resource?.attributes, `${at}.resource.attributes`);
    const resource = plain(group.resource?.attributes);
    checker.need(resource['service.name'], `${at}.resource`, 'service.name is missing');
    checker.list(group.scopeSpans ?? null, `${at}.scopeSpans`, (scope, inner) => {
      checker.list(scope.spans ?? null, `${inner}.spans`, (span, path) => {
        checker.span(span, path);
        spans.push({ ...span, attributes: plain(span.attributes), resource, scope: scope.scope });
      });
    });
  });
  return { spans, problems: checker.problems };
}

/** Attributes as a plain object. */
export function plain(attributes) {
  const out = {};
  for (const { key, value } of Array.isArray(attributes) ? attributes : []) {
    const [kind] = Object.keys(value ?? {});
    out[key] = kind === 'intValue' ? Number(value[kind]) : value?.[kind];
  }
  return out;
}
