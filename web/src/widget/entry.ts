/** One entry of the transcript as elements: message, citations, time, and what can be done with it. */
import * as icons from '../icons';
import { h, icon } from './dom';
import { renderMarkdown, safeAddress } from './markdown';
import type { Outgoing } from './storage';
import type { Citation, Message } from './wire';

const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const dayOf = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
});

export function dayLabel(ms: number): string {
  const today = new Date().toDateString();
  const yesterday = new Date(Date.now() - 86_400_000).toDateString();
  const day = new Date(ms).toDateString();
  if (day === today) return 'Today';
  return day === yesterday ? 'Yesterday' : dayOf.format(ms);
}

export function timeLabel(ms: number): string {
  return timeOfDay.format(ms);
}

/** `first` opens a group of entries by the same author: it shows who speaks. */
export function messageEntry(message: Message, agentName: string, first: boolean): HTMLElement {
  if (message.role === 'system') return h('div', { class: 'system' }, message.text);
  const mine = message.role === 'contact';
  const text = h('div', { class: 'text', dir: 'auto' });
  const entry = h('div', {
    class: `entry${mine ? ' mine' : ''}${first ? ' first' : ''}${message.role === 'member' ? ' person' : ''}`,
    'data-seq': message.seq,
    'data-role': message.role,
  });
  if (mine) {
    entry.append(h('span', { class: 'sr' }, 'You said: '));
    text.textContent = message.text;
  } else if (first) {
    entry.append(byLine(message, agentName));
  } else {
    entry.append(h('span', { class: 'sr' }, `${message.author?.name ?? agentName}: `));
  }
  entry.append(text);
  if (!mine) {
    const sources = sourceList(message.citations);
    text.append(renderMarkdown(message.text, { citation: (n) => sources?.mark(n) ?? null }));
    if (sources) entry.append(sources.element);
  }
  if (mine && first === false) return entry;
  if (mine) entry.append(timeLine(message.created_at));
  return entry;
}

function byLine(message: Message, agentName: string): HTMLElement {
  const human = message.role === 'member';
  const name = human ? (message.author?.name ?? 'Our team') : agentName;
  return h(
    'p',
    { class: 'by' },
    h('b', {}, name),
    human ? h('span', { class: 'human' }, 'Team member') : h('span', {}, 'AI assistant'),
    timeElement(message.created_at),
  );
}

function timeElement(ms: number): HTMLElement {
  return h('time', { datetime: new Date(ms).toISOString() }, timeLabel(ms));
}

function timeLine(ms: number): HTMLElement {
  return h('div', { class: 'when' }, timeElement(ms));
}

interface Sources {
  element: HTMLElement;
  mark(n: number): HTMLElement | null;
}

function sourceList(citations: Citation[]): Sources | null {
  if (citations.length === 0) return null;
  const rows = new Map<number, { open(): void }>();
  const list = h('div', { hidden: true });
  const label = citations.length === 1 ? '1 source' : `${citations.length} sources`;
  const toggle = h(
    'button',
    { type: 'button', 'aria-expanded': 'false' },
    icon(icons.chevronRight, 14),
    label,
  );
  const setOpen = (open: boolean) => {
    toggle.setAttribute('aria-expanded', String(open));
    list.hidden = !open;
  };
  toggle.addEventListener('click', () => {
    setOpen(list.hidden);
    if (!list.hidden) list.scrollIntoView({ block: 'nearest' });
  });
  for (const citation of citations) {
    const row = sourceRow(citation);
    list.append(row.element);
    rows.set(citation.n, {
      open: () => {
        setOpen(true);
        row.open();
      },
    });
  }
  return {
    element: h('div', { class: 'sources' }, toggle, list),
    mark(n) {
      const row = rows.get(n);
      if (!row) return null;
      return h(
        'button',
        {
          type: 'button',
          class: 'mark',
          'aria-label': `Show source ${n}`,
          onclick: () => row.open(),
        },
        String(n),
      );
    },
  };
}

function sourceRow(citation: Citation): { element: HTMLElement; open(): void } {
  const body = h('div', { hidden: true }, h('q', { tabindex: 0 }, citation.quote));
  const address = citation.url ? safeAddress(citation.url) : null;
  if (address)
    body.append(
      h('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, 'Open the article'),
    );
  const toggle = h(
    'button',
    { type: 'button', 'aria-expanded': 'false' },
    h('span', { class: 'n' }, String(citation.n)),
    citation.title,
  );
  const setOpen = (open: boolean) => {
    toggle.setAttribute('aria-expanded', String(open));
    body.hidden = !open;
  };
  toggle.addEventListener('click', () => {
    setOpen(body.hidden);
    if (!body.hidden) body.scrollIntoView({ block: 'nearest' });
  });
  return {
    element: h('div', { class: 'source' }, toggle, body),
    open() {
      setOpen(true);
      toggle.focus({ preventScroll: true });
      body.scrollIntoView({ block: 'nearest' });
    },
  };
}

export interface OutgoingActions {
  retry(clientId: string): void;
  edit(clientId: string): void;
}

export function outgoingEntry(entry: Outgoing, act: OutgoingActions): HTMLElement {
  const line = h('div', { class: `when${entry.state === 'failed' ? ' bad' : ''}` });
  if (entry.state === 'sending') line.append('Sending…');
  if (entry.state === 'waiting')
    line.append('Kept on this device, sent when the connection is back');
  if (entry.state === 'failed') {
    line.append(
      h('span', {}, entry.reason ?? 'Not sent.'),
      h(
        'button',
        { type: 'button', class: 'link', onclick: () => act.retry(entry.client_id) },
        'Try again',
      ),
      h(
        'button',
        { type: 'button', class: 'link', onclick: () => act.edit(entry.client_id) },
        'Edit',
      ),
    );
  }
  return h(
    'div',
    { class: 'entry mine first pending', 'data-client-id': entry.client_id },
    h('span', { class: 'sr' }, 'You said: '),
    h('div', { class: 'text', dir: 'auto' }, entry.text),
    line,
  );
}
