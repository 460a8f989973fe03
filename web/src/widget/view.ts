/** Draws one conversation and passes on what the visitor does. Owns every element it makes. */
import * as icons from '../icons';
import { accentOf } from './color';
import { h, icon, place, show } from './dom';
import { dayLabel, messageEntry, outgoingEntry } from './entry';
import { renderMarkdown } from './markdown';
import { Menu } from './menu';
import type { ChatSession, ChatState } from './session';
import { Sheet } from './sheet';
import type { Message } from './wire';

export type Mode = 'bubble' | 'inline' | 'page';

export interface ViewOptions {
  mode: Mode;
  title: string | null;
  suggestions: string[];
  /** Where the same chat can be opened as a page of its own, for pairing. */
  pageAddress: string | null;
  onClose(): void;
}

const groupGapMs = 5 * 60_000;
const textLimit = 4000;
const sizesItself = CSS.supports('field-sizing', 'content');
const reconnectShownMs = 1500;
const earlierWithinPx = 160;
const quietMs = 400;

export class ChatView {
  readonly element: HTMLElement;
  private readonly session: ChatSession;
  private readonly face = h('div', { class: 'face', 'aria-hidden': 'true' });
  private readonly name = h('h2', {});
  private readonly presence = h('p', {});
  private readonly log = h('div', {
    class: 'log',
    role: 'log',
    'aria-live': 'polite',
    'aria-label': 'Conversation',
  });
  private readonly live = h('div', { class: 'log', 'aria-live': 'off', 'aria-hidden': 'true' });
  private readonly chips = h('div', {
    class: 'chips',
    role: 'group',
    'aria-label': 'Suggested questions',
  });
  private readonly scroll = h('div', {
    class: 'scroll',
    tabindex: 0,
    role: 'region',
    'aria-label': 'Messages',
  });
  private readonly latest: HTMLButtonElement;
  private readonly earlier: HTMLButtonElement;
  private readonly stage = h('div', { class: 'stage' });
  private readonly strip = h('div', { class: 'strip', hidden: true, role: 'status' });
  private readonly said = h('div', { class: 'sr', role: 'status' });
  private readonly input: HTMLTextAreaElement;
  private readonly go: HTMLButtonElement;
  private readonly foot = h('div', { class: 'foot' });
  private readonly composer: HTMLElement;
  private readonly over: HTMLElement;
  private readonly hint = h('span', {});
  private readonly line = h('span', {});
  private readonly menu: Menu;
  private readonly sheet: Sheet;
  private readonly waitingNote = h('div', { class: 'state' });
  private readonly bones = h(
    'div',
    { class: 'bones', 'aria-hidden': 'true' },
    h('i'),
    h('i'),
    h('i'),
  );
  private readonly drawn = new Map<string, { key: string; element: HTMLElement }>();
  private oldest = 0;
  private newest = 0;
  private frame = 0;
  private wantsFocus = false;
  private pinned = true;
  private stripTimer = 0;
  private linkShown = 'websocket';
  private linkNext = 'websocket';
  private shownPairing: string | null = null;

  constructor(
    session: ChatSession,
    private readonly options: ViewOptions,
  ) {
    this.session = session;
    this.input = h('textarea', {
      rows: 1,
      maxlength: textLimit,
      placeholder: 'Write a message…',
      'aria-label': 'Message',
      enterkeyhint: 'send',
    });
    this.go = h('button', { type: 'button', class: 'go', 'aria-label': 'Send' }, icon(icons.send));
    this.latest = h(
      'button',
      { type: 'button', class: 'latest', hidden: true },
      icon(icons.down, 14),
      'New messages',
    );
    this.earlier = h(
      'button',
      { type: 'button', class: 'earlier', hidden: true, onclick: () => void session.readOlder() },
      'Earlier messages',
    );
    this.composer = h(
      'div',
      {},
      h('div', { class: 'box' }, this.input, this.go),
      h('div', { class: 'under' }, this.hint, this.line),
    );
    this.over = h(
      'div',
      { class: 'over', hidden: true },
      h('p', {}, 'This conversation is closed.'),
      h(
        'button',
        { type: 'button', class: 'button main', onclick: () => void session.restart() },
        'Start a new one',
      ),
    );
    this.menu = new Menu('Chat options', () => this.menuItems());
    this.sheet = new Sheet({ root: h('div'), returnFocus: () => this.focus() });
    this.element = this.assemble();
    this.wire();
    session.subscribe(() => this.schedule());
    this.draw();
  }

  /** Puts the cursor where one writes, now or as soon as the chat has started. */
  focus(): void {
    this.wantsFocus = this.foot.hidden;
    if (this.wantsFocus) this.element.focus({ preventScroll: true });
    else if (!this.composer.hidden) this.input.focus({ preventScroll: true });
    else this.scroll.focus({ preventScroll: true });
  }

  private assemble(): HTMLElement {
    const head = h(
      'div',
      { class: 'head' },
      this.face,
      h('div', { class: 'who' }, this.name, this.presence),
      this.menu.element,
    );
    if (this.options.mode === 'bubble')
      head.append(
        h(
          'button',
          {
            type: 'button',
            class: 'icon',
            'aria-label': 'Close chat',
            onclick: () => this.options.onClose(),
          },
          icon(icons.close),
        ),
      );
    this.scroll.append(this.earlier, this.log, this.live, this.chips);
    this.stage.append(this.scroll, this.latest);
    this.foot.append(this.composer, this.over);
    const panel = h(
      'section',
      { class: 'panel', 'aria-label': this.options.title ?? 'Chat' },
      head,
      this.bones,
      this.waitingNote,
      this.stage,
      this.strip,
      this.foot,
      this.said,
    );
    if (this.options.mode === 'bubble') {
      panel.setAttribute('role', 'dialog');
      panel.tabIndex = -1;
    }
    Object.assign(this.sheet, { host: { root: panel, returnFocus: () => this.focus() } });
    return panel;
  }

  private wire(): void {
    this.input.addEventListener('input', () => {
      this.fit();
      this.session.tellTyping();
    });
    this.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.go.addEventListener('click', () => this.submit());
    this.latest.addEventListener('click', () => this.toEnd());
    this.scroll.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.scroll;
      this.pinned = scrollHeight - scrollTop - clientHeight < 48;
      if (this.pinned) show(this.latest, false);
      else if (scrollTop < earlierWithinPx) void this.session.readOlder();
    });
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.options.mode === 'bubble' && !this.sheet.isOpen)
        this.options.onClose();
    });
    new ResizeObserver(() => {
      if (this.pinned) this.toEnd();
    }).observe(this.stage);
    this.fit();
  }

  private fit(): void {
    if (!sizesItself) {
      this.input.style.height = 'auto';
      if (this.input.scrollHeight)
        this.input.style.height = `${Math.min(140, this.input.scrollHeight)}px`;
    }
    this.go.disabled = !this.input.value.trim();
    const left = textLimit - this.input.value.length;
    this.hint.textContent = left < 200 ? `${left} characters left` : this.usualHint();
  }

  private usualHint(): string {
    return this.session.state.owner === 'human' && !this.session.state.waiting
      ? ''
      : 'AI answers can be wrong. Sources are shown.';
  }

  private submit(): void {
    const text = this.input.value;
    if (!text.trim()) return;
    this.session.send(text);
    this.input.value = '';
    this.fit();
    this.toEnd();
    this.input.focus({ preventScroll: true });
  }

  private toEnd(): void {
    this.pinned = true;
    this.scroll.scrollTop = this.scroll.scrollHeight;
    show(this.latest, false);
  }

  private menuItems() {
    const { state } = this.session;
    const ready = state.phase === 'ready';
    return [
      {
        icon: icons.person,
        label: 'Talk to a person',
        disabled: !ready || state.waiting || state.owner === 'human',
        run: () => void this.session.handover(),
      },
      {
        icon: icons.restart,
        label: 'Start over',
        disabled: !ready,
        run: () => this.sheet.confirmRestart(() => void this.session.restart()),
      },
      {
        icon: icons.devices,
        label: 'Continue on another device',
        disabled: !ready,
        run: () => void this.session.pair(),
      },
      {
        icon: icons.key,
        label: 'I have a code',
        disabled: state.phase === 'starting',
        run: () => this.sheet.askCode((code) => this.session.join(code)),
      },
    ];
  }

  private schedule(): void {
    if (this.frame) return;
    // A hidden page gets no animation frames, but its screen reader and title still want news.
    if (document.visibilityState === 'hidden') this.draw();
    else
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
  }

  private draw(): void {
    const { state } = this.session;
    this.drawHead(state);
    const started = state.agent !== null && state.phase !== 'failed';
    show(this.bones, state.phase === 'starting' || (state.phase === 'idle' && !state.agent));
    show(this.waitingNote, state.phase === 'failed');
    show(this.stage, started);
    show(this.foot, started);
    if (state.phase === 'failed') this.drawFailure(state);
    if (!started) return show(this.strip, false);
    this.drawLog(state);
    this.drawLive(state);
    this.drawChips(state);
    this.drawStrip(state);
    this.drawFoot(state);
    if (this.wantsFocus) this.focus();
    this.drawPairing(state);
    if (this.pinned) this.toEnd();
  }

  private drawHead(state: ChatState): void {
    const human = state.owner === 'human' && !state.waiting;
    const agent = state.agent;
    const name = human
      ? (state.member?.name ?? 'Our team')
      : (agent?.name ?? this.options.title ?? 'Chat');
    if (this.name.textContent !== name) {
      this.name.textContent = name;
      const picture =
        !human && agent?.avatar && /^(https?:)?\//.test(agent.avatar) ? agent.avatar : null;
      this.face.replaceChildren(picture ? h('img', { src: picture, alt: '' }) : initials(name));
    }
    this.face.classList.toggle('human', human);
    const presence = human
      ? 'Team member, answering now'
      : state.waiting
        ? 'A person will join you here'
        : agent
          ? 'AI assistant'
          : '';
    if (this.presence.textContent !== presence) this.presence.textContent = presence;
    const accent = accentOf(agent?.color);
    const host = this.element.getRootNode();
    if (accent && host instanceof ShadowRoot)
      for (const [key, value] of Object.entries(accent))
        (host.host as HTMLElement).style.setProperty(key, value);
  }

  private drawFailure(state: ChatState): void {
    this.waitingNote.replaceChildren(
      h('p', { role: 'alert' }, state.problem ?? 'The chat cannot be reached right now.'),
      h(
        'button',
        { type: 'button', class: 'button', onclick: () => void this.session.start() },
        'Try again',
      ),
    );
  }

  private drawLog(state: ChatState): void {
    const agentName = state.agent?.name ?? 'Assistant';
    const wanted: HTMLElement[] = [];
    let before: Message | null = null;
    let speaker: Message | null = null;
    for (const message of this.withGreeting(state)) {
      const day = before && dayLabel(before.created_at) === dayLabel(message.created_at);
      if (!day && message.seq > 0)
        wanted.push(
          this.keep(`day-${message.id}`, dayLabel(message.created_at), () =>
            h('div', { class: 'day' }, dayLabel(message.created_at)),
          ),
        );
      const joined = joinLine(message, speaker);
      if (joined)
        wanted.push(
          this.keep(`join-${message.id}`, joined, () => h('div', { class: 'system' }, joined)),
        );
      if (message.role === 'ai' || message.role === 'member') speaker = message;
      const first: boolean =
        !before ||
        !day ||
        before.role !== message.role ||
        before.author?.id !== message.author?.id ||
        message.created_at - before.created_at > groupGapMs;
      wanted.push(
        this.keep(message.id, `${first}|${message.text.length}|${message.status ?? ''}`, () =>
          messageEntry(message, agentName, first),
        ),
      );
      before = message;
    }
    for (const entry of state.outbox)
      wanted.push(
        this.keep(`out-${entry.client_id}`, `${entry.state}|${entry.reason ?? ''}`, () =>
          outgoingEntry(entry, {
            retry: (id) => this.session.retry(id),
            edit: (id) => {
              this.input.value = this.session.discard(id);
              this.fit();
              this.input.focus();
            },
          }),
        ),
      );
    const grown = wanted.some((element) => !element.isConnected);
    this.placeLog(state, wanted);
    const keep = new Set(wanted);
    for (const [id, entry] of this.drawn) if (!keep.has(entry.element)) this.drawn.delete(id);
    const newest = state.messages[state.messages.length - 1]?.seq ?? 0;
    const news = newest > this.newest || state.outbox.length > 0;
    this.newest = newest;
    if (grown && news && !this.pinned) show(this.latest, true);
    show(this.earlier, state.older !== null);
  }

  /** Earlier messages push nothing down that is being read, and are not read out as news. */
  private placeLog(state: ChatState, wanted: HTMLElement[]): void {
    const oldest = state.messages[0]?.seq ?? 0;
    const earlier = this.oldest > 0 && oldest < this.oldest;
    this.oldest = oldest;
    if (!earlier) return place(this.log, wanted);
    const fromEnd = this.scroll.scrollHeight - this.scroll.scrollTop;
    this.log.setAttribute('aria-live', 'off');
    place(this.log, wanted);
    this.scroll.scrollTop = this.scroll.scrollHeight - fromEnd;
    setTimeout(() => this.log.setAttribute('aria-live', 'polite'), quietMs);
  }

  private keep(id: string, key: string, make: () => HTMLElement): HTMLElement {
    const known = this.drawn.get(id);
    if (known?.key === key) return known.element;
    const element = make();
    this.drawn.set(id, { key, element });
    return element;
  }

  /** The greeting opens every conversation, whether or not the server stored it as a message. */
  private withGreeting(state: ChatState): Message[] {
    const greeting = state.agent?.greeting ?? '';
    const stored = state.messages
      .slice(0, 2)
      .some((m) => m.role === 'ai' && m.text.trim() === greeting.trim());
    if (!greeting || stored || state.older !== null) return state.messages;
    const at = state.messages[0]?.created_at ?? Date.now();
    return [
      {
        id: 'greeting',
        seq: 0,
        role: 'ai',
        author: null,
        text: greeting,
        citations: [],
        created_at: at,
      },
      ...state.messages,
    ];
  }

  private drawLive(state: ChatState): void {
    const name =
      state.typing?.name ||
      (state.typing?.who === 'member' ? state.member?.name : state.agent?.name);
    if (state.draft) {
      const text = h('div', { class: 'text caret', dir: 'auto' });
      text.append(renderMarkdown(state.draft.text));
      place(this.live, [
        h(
          'div',
          { class: 'entry first', 'data-draft': true },
          h(
            'p',
            { class: 'by' },
            h('b', {}, state.agent?.name ?? ''),
            h('span', {}, 'AI assistant'),
          ),
          text,
        ),
      ]);
    } else if (state.typing) {
      if (!this.live.querySelector('.dots'))
        place(this.live, [
          h(
            'div',
            { class: `entry first${state.typing.who === 'member' ? ' person' : ''}` },
            h('div', { class: 'text' }, h('span', { class: 'dots' }, h('i'), h('i'), h('i'))),
          ),
        ]);
    } else {
      place(this.live, []);
    }
    const said = state.typing || state.draft ? `${name || 'The assistant'} is writing` : '';
    if (this.said.textContent !== said) this.said.textContent = said;
  }

  private drawChips(state: ChatState): void {
    const untouched =
      !state.messages.some((m) => m.role === 'contact') && state.outbox.length === 0;
    const list =
      untouched && !this.session.isOver
        ? this.options.suggestions.length
          ? this.options.suggestions
          : (state.agent?.suggestions ?? [])
        : [];
    show(this.chips, list.length > 0);
    const key = list.join('\n');
    if (this.chips.dataset.key === key) return;
    this.chips.dataset.key = key;
    this.chips.replaceChildren(
      ...list.slice(0, 6).map((text) => {
        const chip = h('button', { type: 'button' }, text);
        chip.addEventListener('click', () => {
          this.session.send(text);
          this.focus();
        });
        return chip;
      }),
    );
  }

  private drawStrip(state: ChatState): void {
    if (state.link !== this.linkNext) {
      // A line that comes back within a moment is not worth a word.
      this.linkNext = state.link;
      clearTimeout(this.stripTimer);
      const wait = state.link === 'connecting' ? reconnectShownMs : 0;
      this.stripTimer = window.setTimeout(() => {
        this.linkShown = this.session.state.link;
        this.schedule();
      }, wait);
    }
    const [text, tone] = stripOf(state, this.linkShown);
    const key = `${text}|${tone}`;
    show(this.strip, text !== '');
    if (this.strip.dataset.key === key) return;
    this.strip.dataset.key = key;
    this.strip.className = `strip ${tone}`;
    this.strip.replaceChildren(h('span', {}, text));
    if (state.notice)
      this.strip.append(
        h(
          'button',
          {
            type: 'button',
            class: 'icon',
            'aria-label': 'Dismiss',
            onclick: () => this.session.dismissNotice(),
          },
          icon(icons.close, 16),
        ),
      );
  }

  private drawFoot(state: ChatState): void {
    show(this.composer, !this.session.isOver);
    show(this.over, this.session.isOver);
    if (this.input.value.length < textLimit - 200) this.hint.textContent = this.usualHint();
    const line =
      state.link === 'polling'
        ? 'Slow connection: new messages may take a moment'
        : state.link === 'events'
          ? 'Simple connection'
          : '';
    if (this.line.textContent !== line) this.line.textContent = line;
    this.element.dataset.link = state.link;
  }

  private drawPairing(state: ChatState): void {
    const code = state.pairing?.code ?? null;
    if (code === this.shownPairing) return;
    this.shownPairing = code;
    if (state.pairing) {
      this.sheet.showCode(state.pairing.code, state.pairing.expires_at, this.options.pageAddress);
      this.session.endPairing();
      this.shownPairing = null;
    }
  }
}

/** Says when a person begins to answer, before their first message. */
function joinLine(message: Message, speaker: Message | null): string | null {
  if (message.role !== 'member' || !message.author) return null;
  const same = speaker?.role === 'member' && speaker.author?.id === message.author.id;
  return same ? null : `${message.author.name} has joined the conversation`;
}

function stripOf(state: ChatState, link: string): [string, string] {
  if (state.notice) return [state.notice, ''];
  if (link === 'offline')
    return ['No connection. What you write is kept and sent when it is back.', 'bad'];
  if (link === 'connecting' && state.link === 'connecting') return ['Reconnecting…', ''];
  if (state.waiting)
    return [
      'We have asked a person to join. You can keep writing, or close the page and come back.',
      'human',
    ];
  return ['', ''];
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  return (
    (words[0]?.[0] ?? '') + (words.length > 1 ? (words[words.length - 1]?.[0] ?? '') : '')
  ).toUpperCase();
}
