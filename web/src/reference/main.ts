/** /reference.html: the API description of this server, as a page to read. */
import '../tokens.css';
import './reference.css';
import { h } from '../widget/dom';

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  description?: string;
  enum?: unknown[];
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}
interface Operation {
  summary?: string;
  tags?: string[];
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: { content?: Record<string, { schema?: Schema }> };
  security?: unknown[];
  'x-scope'?: string;
  'x-roles'?: string[];
}
interface Description {
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
}

const everyRole = 9;
const root = document.getElementById('root') as HTMLElement;

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map(String).join(' | ');
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'any');
  if (schema.items) return `${type} of ${typeOf(schema.items)}`;
  return schema.format ? `${type} (${schema.format})` : type;
}

function limitsOf(schema: Schema): string {
  const parts: string[] = [];
  if (schema.minLength !== undefined) parts.push(`at least ${schema.minLength} characters`);
  if (schema.maxLength !== undefined) parts.push(`at most ${schema.maxLength} characters`);
  if (schema.minimum !== undefined) parts.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) parts.push(`up to ${schema.maximum}`);
  return parts.join(', ');
}

function bodyTable(schema: Schema): HTMLElement {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) =>
    h(
      'tr',
      {},
      h(
        'td',
        {},
        h('code', {}, name),
        required.has(name) && h('span', { class: 'must' }, 'required'),
      ),
      h('td', {}, typeOf(field)),
      h('td', {}, [field.description, limitsOf(field)].filter(Boolean).join('; ')),
    ),
  );
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Body' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h('tr', {}, h('th', {}, 'Field'), h('th', {}, 'Type'), h('th', {}, 'Meaning')),
      ),
      h('tbody', {}, ...rows),
    ),
  );
}

function accessOf(operation: Operation): string {
  if (!operation.security?.length) return 'Open to everybody.';
  const roles = operation['x-roles'] ?? [];
  const all = roles.length >= everyRole || roles.length === 0;
  const who = all ? 'Every member' : `Members who are ${roles.join(', ')}`;
  const scope = operation['x-scope'];
  return scope ? `${who}; API keys with the scope ${scope}.` : `${who}.`;
}

function operationEntry(method: string, path: string, operation: Operation): HTMLElement {
  const schema = operation.requestBody?.content?.['application/json']?.schema;
  const entry = h(
    'details',
    {},
    h(
      'summary',
      {},
      h('b', { 'data-method': method }, method.toUpperCase()),
      h('code', {}, path),
      h('span', {}, operation.summary ?? ''),
    ),
    h('p', {}, accessOf(operation)),
  );
  const parameters = operation.parameters ?? [];
  if (parameters.length)
    entry.append(h('p', {}, `In the path: ${parameters.map((p) => p.name).join(', ')}.`));
  if (Object.keys(schema?.properties ?? {}).length) entry.append(bodyTable(schema as Schema));
  return entry;
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

function draw(description: Description): void {
  const groups = new Map<string, HTMLElement[]>();
  for (const [path, operations] of Object.entries(description.paths))
    for (const [method, operation] of Object.entries(operations)) {
      const tag = operation.tags?.[0] ?? 'other';
      groups.set(tag, [...(groups.get(tag) ?? []), operationEntry(method, path, operation)]);
    }
  const names = [...groups.keys()].sort();
  const logo = h('img', { src: '/favicon.svg', alt: '', width: 26, height: 26 });
  root.append(
    h(
      'header',
      {},
      h('a', { href: '/', class: 'logo' }, logo, 'Rapport'),
      h('a', { href: '/openapi.json' }, 'openapi.json'),
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'nav',
        { 'aria-label': 'Services' },
        h(
          'ul',
          {},
          ...names.map((name) => h('li', {}, h('a', { href: `#${name}` }, capital(name)))),
        ),
      ),
      h(
        'main',
        {},
        h('h1', {}, 'API reference'),
        h('p', { class: 'lead' }, leadOf(description.info.version)),
        ...names.map((name) =>
          h('section', { id: name }, h('h2', {}, capital(name)), ...(groups.get(name) ?? [])),
        ),
      ),
    ),
  );
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function leadOf(version: string): string {
  return (
    `Version ${version} of this server. Send the access token of a member, or an API key, as ` +
    'Authorization: Bearer. Lists take limit and cursor; errors are problem documents (RFC 9457).'
  );
}

fetch('/openapi.json')
  .then((response) => response.json() as Promise<Description>)
  .then(draw)
  .catch(() => {
    const text = 'The API description could not be read. Reload to try again.';
    root.append(h('p', { role: 'alert', class: 'lead' }, text));
  });
