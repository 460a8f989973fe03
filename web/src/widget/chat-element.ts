/**
 * <rapport-chat agent="org/agent" mode="bubble|inline|page" theme="auto|light|dark">: the chat as
 * one element with a shadow root. Further attributes: base (origin of the Rapport server), title,
 * suggestions (one per line), contact-name, contact-email, contact-identity (proof of the address,
 * made by the embedding site), code (a pairing code to start with).
 */
import * as icons from '../icons';
import { h, icon } from './dom';
import { ChatSession } from './session';
import { style } from './style';
import { ChatView, type Mode } from './view';

export class RapportChat extends HTMLElement {
  private session: ChatSession | null = null;
  private view: ChatView | null = null;
  private root: HTMLElement | null = null;
  private launcher: HTMLButtonElement | null = null;
  private badge = h('span', { class: 'badge', hidden: true });
  private readSeq = 0;
  private seenSeq = 0;
  private readonly onVisible = () => this.nameTab();

  connectedCallback(): void {
    if (this.session) return;
    const agent = this.getAttribute('agent') ?? '';
    const origin = this.getAttribute('base') || location.origin;
    const name = this.getAttribute('contact-name');
    const email = this.getAttribute('contact-email');
    const identity = this.getAttribute('contact-identity');
    this.session = new ChatSession({
      base: `${origin.replace(/\/$/, '')}/api/v1`,
      agent,
      contact: name && email ? { name, email, ...(identity ? { identity } : {}) } : undefined,
    });
    if (!this.hasAttribute('mode')) this.setAttribute('mode', 'bubble');
    this.build(this.getAttribute('mode') as Mode, `${origin.replace(/\/$/, '')}/chat/${agent}`);
    this.session.subscribe(() => this.count());
    document.addEventListener('visibilitychange', this.onVisible);
    const code = this.getAttribute('code');
    if (code)
      void this.session.join(code).then((joined) => (joined ? undefined : this.session?.start()));
    else if (this.getAttribute('mode') !== 'bubble') void this.session.start();
    else if (this.session.wasOpen) this.open(false);
    else if (this.session.hasHistory) void this.session.start();
  }

  disconnectedCallback(): void {
    this.session?.stop();
    document.removeEventListener('visibilitychange', this.onVisible);
    this.session = this.view = null;
    this.shadowRoot?.replaceChildren();
  }

  /** Opens the panel of a bubble. */
  open(focus = true): void {
    if (!this.view || !this.launcher || !this.session) return;
    this.launcher.hidden = true;
    this.root?.append(this.view.element);
    this.launcher.setAttribute('aria-expanded', 'true');
    this.session.rememberOpen(true);
    void this.session.start();
    this.count();
    if (focus) this.view.focus();
  }

  close(): void {
    if (!this.view || !this.launcher) return;
    this.view.element.remove();
    this.launcher.hidden = false;
    this.launcher.setAttribute('aria-expanded', 'false');
    this.session?.rememberOpen(false);
    this.launcher.focus();
  }

  private build(mode: Mode, pageAddress: string): void {
    const shadow = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    dress(shadow);
    const title = this.getAttribute('title');
    this.view = new ChatView(this.session as ChatSession, {
      mode,
      title,
      suggestions: (this.getAttribute('suggestions') ?? '')
        .split('\n')
        .map((s) => s.trim())
        .filter(Boolean),
      pageAddress,
      onClose: () => this.close(),
    });
    this.root = h('div', { class: 'root' });
    shadow.append(this.root);
    if (mode !== 'bubble') return this.root.append(this.view.element);
    this.launcher = h(
      'button',
      {
        type: 'button',
        class: 'launcher',
        'aria-haspopup': 'dialog',
        'aria-expanded': 'false',
        'aria-label': title ? `Open chat: ${title}` : 'Open chat',
        onclick: () => this.open(),
      },
      icon(icons.chat, 26),
      this.badge,
    );
    this.root.append(this.launcher);
  }

  /** As a page of its own the chat names the tab, and counts there what came in unseen. */
  private nameTab(): void {
    const state = this.session?.state;
    if (this.getAttribute('mode') !== 'page' || !state?.agent) return;
    const last = state.messages.reduce((most, m) => Math.max(most, m.seq), 0);
    if (document.visibilityState === 'visible') this.seenSeq = last;
    const unseen = state.messages.filter(
      (m) => m.seq > this.seenSeq && m.role !== 'contact',
    ).length;
    document.title = unseen ? `(${unseen}) ${state.agent.name}` : state.agent.name;
  }

  /** Counts what came in while the panel was closed. */
  private count(): void {
    this.nameTab();
    const messages = this.session?.state.messages ?? [];
    const last = messages.reduce((most, m) => Math.max(most, m.seq), 0);
    const shown = this.launcher === null || this.launcher.hidden;
    if (shown || this.readSeq === 0) this.readSeq = last;
    const unread = messages.filter((m) => m.seq > this.readSeq && m.role !== 'contact').length;
    this.badge.hidden = unread === 0;
    this.badge.textContent = String(Math.min(99, unread));
    if (this.launcher)
      this.launcher.setAttribute('aria-label', unread ? `Open chat, ${unread} new` : 'Open chat');
  }
}

function dress(shadow: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    shadow.adoptedStyleSheets = [sheet];
  } catch {
    shadow.append(h('style', {}, style));
  }
}

export function defineChat(): void {
  if (!customElements.get('rapport-chat')) customElements.define('rapport-chat', RapportChat);
}
