// What a fake received, kept for assertions, with a way to wait for the next entry instead of
// sleeping.
const ENTRIES_MAX = 10_000;
const WAIT_MAX_MS = 30_000;
const PATIENCE_MS = 45_000; // of machines with other work, too

export class Journal {
  #entries = [];
  #waiters = new Set();
  #seq = 0;

  add(entry) {
    const row = { n: ++this.#seq, ...entry };
    this.#entries.push(row);
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
    this.changed();
    return row;
  }

  /** Call after changing an entry in place, so that those who wait look again. */
  changed() {
    for (const look of [...this.#waiters]) look();
  }

  reset() {
    this.#entries = [];
    this.#seq = 0;
  }

  list(keep = () => true) {
    return this.#entries.filter(keep);
  }

  /** Resolves to the kept entries once there are `count`; it is an error that they never come. */
  async wait(count, keep, waitMs = PATIENCE_MS) {
    const found = await this.#seen(count, waitMs, keep);
    if (found.length >= count) return found;
    const had = JSON.stringify(this.list().map(({ path, outcome }) => [path, outcome]));
    throw new Error(`${found.length} of ${count} requests came, of all these: ${had}`);
  }

  /** Resolves to the kept entries once there are `count`, or to what there is after `waitMs`. */
  atLeast(count, waitMs, keep) {
    return this.#seen(count, Math.min(waitMs, WAIT_MAX_MS), keep);
  }

  #seen(count, waitMs, keep) {
    return new Promise((resolve) => {
      let timer = null;
      const finish = () => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve(this.list(keep));
      };
      const look = () => this.list(keep).length >= count && finish();
      if (this.list(keep).length >= count) return finish();
      this.#waiters.add(look);
      timer = setTimeout(finish, waitMs);
    });
  }
}

/** The filter and wait that `GET /control/requests` understands. */
export function queryJournal(journal, query) {
  const after = Number(query.get('after') ?? 0);
  const keep = (row) =>
    row.n > after &&
    ['wire', 'path', 'outcome', 'rule'].every(
      (key) => !query.has(key) || String(row[key]) === query.get(key),
    );
  return journal.atLeast(
    Number(query.get('at_least') ?? 0),
    Number(query.get('wait_ms') ?? 5000),
    keep,
  );
}
