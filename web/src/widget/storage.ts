/**
 * What the widget keeps on the visitor's device: the token of the conversation and messages that
 * were typed but not acknowledged yet. Storage may be blocked or full; then memory has to do.
 */

export interface Outgoing {
  client_id: string;
  text: string;
  created_at: number;
  state: 'sending' | 'waiting' | 'failed';
  reason?: string;
}

interface Kept {
  token: string | null;
  outbox: Outgoing[];
  open: boolean;
}

const outboxLimit = 50;

export class Storage {
  private readonly key: string;
  private kept: Kept = { token: null, outbox: [], open: false };

  constructor(agent: string, base: string) {
    this.key = `rapport:${base}:${agent}`;
    try {
      const value = JSON.parse(localStorage.getItem(this.key) ?? 'null') as Partial<Kept> | null;
      if (value && typeof value === 'object') {
        if (typeof value.token === 'string') this.kept.token = value.token;
        if (Array.isArray(value.outbox)) this.kept.outbox = value.outbox.filter(isOutgoing);
        this.kept.open = value.open === true;
      }
    } catch {
      // Blocked or damaged storage is no reason not to chat.
    }
  }

  get token(): string | null {
    return this.kept.token;
  }
  set token(value: string | null) {
    this.kept.token = value;
    this.save();
  }

  get outbox(): Outgoing[] {
    return this.kept.outbox;
  }
  set outbox(value: Outgoing[]) {
    this.kept.outbox = value.slice(-outboxLimit);
    this.save();
  }

  get open(): boolean {
    return this.kept.open;
  }
  set open(value: boolean) {
    this.kept.open = value;
    this.save();
  }

  private save(): void {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.kept));
    } catch {
      // See above.
    }
  }
}

function isOutgoing(value: unknown): value is Outgoing {
  const o = value as Partial<Outgoing> | null;
  return (
    typeof o === 'object' &&
    o !== null &&
    typeof o.client_id === 'string' &&
    typeof o.text === 'string' &&
    typeof o.created_at === 'number'
  );
}
