/** A button with a drop-down menu, operated by pointer or keyboard (WAI-ARIA menu button). */
import { more } from '../icons';
import { h, icon } from './dom';

export interface MenuItem {
  icon: string;
  label: string;
  disabled?: boolean;
  run(): void;
}

export class Menu {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private list: HTMLElement | null = null;
  private readonly onOutside = (event: Event) => {
    if (!event.composedPath().includes(this.element)) this.close(false);
  };

  constructor(
    label: string,
    private readonly items: () => MenuItem[],
  ) {
    this.button = h(
      'button',
      {
        type: 'button',
        class: 'icon',
        'aria-label': label,
        'aria-haspopup': 'menu',
        'aria-expanded': 'false',
      },
      icon(more, 22),
    );
    this.button.addEventListener('click', () => (this.list ? this.close(true) : this.open()));
    this.button.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown') return;
      event.preventDefault();
      this.open();
    });
    this.element = h('div', { class: 'anchor' }, this.button);
  }

  private open(): void {
    if (this.list) return;
    this.list = h('div', { class: 'menu', role: 'menu' });
    for (const item of this.items()) {
      const row = h(
        'button',
        { type: 'button', role: 'menuitem', tabindex: -1, disabled: item.disabled ?? false },
        icon(item.icon, 18),
        item.label,
      );
      row.addEventListener('click', () => {
        this.close(true);
        item.run();
      });
      this.list.append(row);
    }
    this.list.addEventListener('keydown', (event) => this.onKey(event));
    this.element.append(this.list);
    this.button.setAttribute('aria-expanded', 'true');
    document.addEventListener('pointerdown', this.onOutside, true);
    this.rows()[0]?.focus();
  }

  private close(focusButton: boolean): void {
    this.list?.remove();
    this.list = null;
    this.button.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', this.onOutside, true);
    if (focusButton) this.button.focus();
  }

  private rows(): HTMLElement[] {
    return [...(this.list?.querySelectorAll<HTMLElement>('button:not(:disabled)') ?? [])];
  }

  private onKey(event: KeyboardEvent): void {
    const rows = this.rows();
    const at = rows.indexOf(
      (this.element.getRootNode() as ShadowRoot).activeElement as HTMLElement,
    );
    const go = (index: number) => rows[(index + rows.length) % rows.length]?.focus();
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.stopPropagation();
      this.close(true);
      if (event.key === 'Escape') event.preventDefault();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      go(at + (event.key === 'ArrowDown' ? 1 : -1));
    } else if (event.key === 'Home' || event.key === 'End') {
      event.preventDefault();
      go(event.key === 'Home' ? 0 : -1);
    }
  }
}
