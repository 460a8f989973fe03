// Virtual time. A delay in a script is a number of steps, never a number of milliseconds: a test
// that wants to see what happens meanwhile advances the steps itself.
import { setTimeout as sleep } from 'node:timers/promises';

export class Steps {
  #now = 0;
  #waiters = new Set();
  #manual = false;
  #stepMs = 0;

  configure({ mode = 'auto', step_ms: stepMs = 0 } = {}) {
    this.#manual = mode === 'manual';
    this.#stepMs = stepMs;
  }

  get now() {
    return this.#now;
  }

  get waiting() {
    return this.#waiters.size;
  }

  /** Resolves after `count` steps, or at once when `signal` is aborted. */
  wait(count, signal) {
    if (!count || signal.aborted) return Promise.resolve();
    if (this.#manual) return this.#until(this.#now + count, signal);
    this.#now += count;
    if (this.#stepMs === 0) return new Promise((resolve) => setImmediate(resolve));
    return sleep(count * this.#stepMs, null, { signal }).catch(() => null);
  }

  /** Resolves only when `signal` is aborted: by the client leaving or by a reset. */
  forever(signal) {
    return this.#until(Infinity, signal);
  }

  advance(count) {
    this.#now += count;
    for (const waiter of [...this.#waiters]) if (waiter.at <= this.#now) this.#release(waiter);
  }

  reset() {
    for (const waiter of [...this.#waiters]) this.#release(waiter);
    this.#now = 0;
    this.configure();
  }

  #until(at, signal) {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const leave = () => this.#release(waiter);
      const waiter = {
        at,
        resolve: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', leave);
    });
  }

  #release(waiter) {
    this.#waiters.delete(waiter);
    waiter.resolve();
  }
}
