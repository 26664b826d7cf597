/** A signal to abort: it follows another one, and fires by itself when a time is up. (AbortSignal.any is too new.) */
export class Deadline {
  #controller = new AbortController();
  #outer;
  #timer;
  #hasPassed = false;
  #abort = () => this.#controller.abort();

  /** @param {AbortSignal} [outer] @param {number} [ms] without it, there is time until `renew` */
  constructor(outer, ms) {
    this.#outer = outer;
    outer?.addEventListener('abort', this.#abort, { once: true });
    if (outer?.aborted) this.#abort();
    if (ms !== undefined) this.renew(ms);
  }

  get signal() {
    return this.#controller.signal;
  }

  /** Did the time run out? */
  get hasPassed() {
    return this.#hasPassed;
  }

  /** From now on, so much time. @param {number} ms */
  renew(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#hasPassed = true;
      this.#abort();
    }, ms);
  }

  /** To be called when what it is for is done. */
  end() {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
  }
}

/** Waits, but no longer than until the signal fires. @param {number} ms @param {AbortSignal} signal */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
