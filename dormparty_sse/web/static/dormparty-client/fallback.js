/** Decides on the way by which events come: a stream, or polls where something holds streams back. */

/** So many streams in a row without an event, and requests are tried instead. */
const FRUITLESS = 2;
const LONGEST_FACTOR = 10;

export class Fallback {
  #firstPauseMs;
  #pauseMs;
  #fruitless = 0;
  #polls = false;
  #nextStreamAt = 0;

  /** @param {number} retryStreamMs how long to poll before a stream is tried again, the first time */
  constructor(retryStreamMs) {
    this.#firstPauseMs = retryStreamMs;
    this.#pauseMs = retryStreamMs;
  }

  /** @returns {'stream'|'polling'} */
  get transport() {
    return this.#polls ? 'polling' : 'stream';
  }

  /** What to try now; `check` is whether requests work at all. @returns {'stream'|'check'|'poll'} */
  choose() {
    if (this.#polls) return Date.now() < this.#nextStreamAt ? 'poll' : 'stream';
    if (this.#fruitless < FRUITLESS) return 'stream';
    this.#fruitless = FRUITLESS - 1; // should they not work, one more stream comes before the next check
    return 'check';
  }

  /** A stream has brought an event. */
  streamWorks() {
    this.#polls = false;
    this.#fruitless = 0;
    this.#pauseMs = this.#firstPauseMs;
  }

  /** A stream was asked for, and brought none. @param {boolean} isHeldBack or was it refused, or nobody there? */
  streamFailed(isHeldBack) {
    this.#fruitless = isHeldBack ? this.#fruitless + 1 : 0;
    if (this.#polls) this.#pollForAWhile();
  }

  /** Requests are answered, though streams are not. */
  requestsWork() {
    this.#polls = true;
    this.#pollForAWhile();
  }

  /** The server does not know of polls. */
  pollsAreRefused() {
    this.#polls = false;
    this.#fruitless = 0;
  }

  /** The network may be another one. */
  networkChanged() {
    this.#nextStreamAt = 0;
  }

  #pollForAWhile() {
    this.#nextStreamAt = Date.now() + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_FACTOR * this.#firstPauseMs);
  }
}
