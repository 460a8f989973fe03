/** The small dialogs over the chat: start over, show a pairing code, enter a pairing code. */
import { h } from './dom';

export interface SheetHost {
  root: HTMLElement;
  /** Where focus goes back to when the sheet closes. */
  returnFocus(): void;
}

export class Sheet {
  private element: HTMLElement | null = null;
  private timer = 0;

  constructor(private readonly host: SheetHost) {}

  get isOpen(): boolean {
    return this.element !== null;
  }

  close(): void {
    clearInterval(this.timer);
    if (!this.element) return;
    this.element.remove();
    this.element = null;
    this.host.returnFocus();
  }

  confirmRestart(restart: () => void): void {
    const yes = h('button', { type: 'button', class: 'button main' }, 'Start over');
    yes.addEventListener('click', () => {
      this.close();
      restart();
    });
    this.open('Start over?', [
      h(
        'p',
        {},
        'This conversation is closed and a new one begins. The earlier one stays with the support team.',
      ),
      h('div', { class: 'row' }, this.cancel(), yes),
    ]);
  }

  showCode(code: string, expiresAt: number, address: string | null): void {
    const left = h('span', {});
    const tick = () => {
      const seconds = Math.max(0, Math.round((expiresAt - Date.now()) / 1000));
      left.textContent =
        seconds > 0
          ? `The code is valid for ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}.`
          : 'This code has expired. Ask for a new one.';
    };
    tick();
    const copied = h('span', { role: 'status', class: 'sr' });
    const copy = h('button', { type: 'button', class: 'button' }, 'Copy code');
    copy.addEventListener('click', () => {
      void navigator.clipboard?.writeText(code).then(() => {
        copy.textContent = 'Copied';
        copied.textContent = 'Code copied';
      });
    });
    this.open('Continue on another device', [
      h('p', {}, 'Open the chat there, choose “I have a code” in its menu, and enter: '),
      h('p', { class: 'code', 'data-pairing-code': true }, code),
      h('p', {}, address ? `Or open ${address} there. ` : '', left),
      copied,
      h('div', { class: 'row' }, copy, this.done()),
    ]);
    this.timer = window.setInterval(tick, 1000);
  }

  askCode(join: (code: string) => Promise<boolean>): void {
    const input = h('input', {
      id: 'code',
      autocomplete: 'one-time-code',
      autocapitalize: 'characters',
      spellcheck: 'false',
      maxlength: 16,
      required: true,
    });
    const problem = h('p', { role: 'alert', hidden: true }, 'This code is wrong or has expired.');
    const go = h('button', { type: 'submit', class: 'button main' }, 'Continue here');
    const form = h(
      'form',
      {},
      h(
        'p',
        {},
        'On the other device choose “Continue on another device” in the menu of the chat.',
      ),
      h('label', { for: 'code' }, 'Code'),
      input,
      problem,
      h('div', { class: 'row' }, this.cancel(), go),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      go.disabled = true;
      void join(input.value).then((joined) => {
        go.disabled = false;
        if (joined) return this.close();
        problem.hidden = false;
        input.focus();
      });
    });
    this.open('Continue a conversation here', [form]);
  }

  private cancel(): HTMLElement {
    return h('button', { type: 'button', class: 'button', onclick: () => this.close() }, 'Cancel');
  }

  private done(): HTMLElement {
    return h(
      'button',
      { type: 'button', class: 'button main', onclick: () => this.close() },
      'Done',
    );
  }

  private open(title: string, body: Node[]): void {
    this.close();
    const card = h(
      'div',
      { class: 'card', role: 'dialog', 'aria-modal': 'true', 'aria-label': title },
      h('h3', {}, title),
    );
    card.append(...body);
    this.element = h('div', { class: 'sheet' }, card);
    this.element.addEventListener('click', (event) => {
      if (event.target === this.element) this.close();
    });
    this.element.addEventListener('keydown', (event) => this.onKey(event, card));
    this.host.root.append(this.element);
    card.querySelector<HTMLElement>('input, .button.main')?.focus();
  }

  private onKey(event: KeyboardEvent, card: HTMLElement): void {
    if (event.key === 'Escape') {
      event.stopPropagation();
      return this.close();
    }
    if (event.key !== 'Tab') return;
    const stops = [...card.querySelectorAll<HTMLElement>('button:not(:disabled), input, a[href]')];
    const first = stops[0];
    const last = stops[stops.length - 1];
    const active = (card.getRootNode() as ShadowRoot).activeElement;
    const target =
      event.shiftKey && active === first ? last : !event.shiftKey && active === last ? first : null;
    if (!target) return;
    event.preventDefault();
    target.focus();
  }
}
