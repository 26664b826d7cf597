/**
 * One event stream that stays open: it resumes after the last event seen, notices a silent
 * connection, and comes back with growing pauses where EventSource alone would give up.
 */

const SILENCE_MS = 40_000; // the server sends a heartbeat every 15 s
const CHECK_MS = 5_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const RENEWAL_SPREAD_MS = 500;

/**
 * Events: `message` with detail `{data, resumed}`, where `resumed` says that the connection was made
 * with a last event id; and `status` with detail `open`, `lost` or `closed`.
 */
export class EventStream extends EventTarget {
  #url;
  #beforeReopen;
  /** @type {EventSource|null} */
  #source = null;
  #lastEventId = '';
  #status = 'closed';
  #heardAt = 0;
  #failures = 0;
  #reopenTimer = 0;
  #silenceTimer = 0;

  /**
   * @param {string} url
   * @param {{beforeReopen?: () => Promise<unknown>}} [options] `beforeReopen` runs before a refused
   *   stream is asked for again, since only a request can tell that the session ran out.
   */
  constructor(url, { beforeReopen = async () => {} } = {}) {
    super();
    this.#url = url;
    this.#beforeReopen = beforeReopen;
  }

  /** @returns {'open'|'lost'|'closed'} */
  get status() {
    return this.#status;
  }

  /** Opens the stream, or opens it anew. @param {{fresh?: boolean}} [options] `fresh` forgets the last event. */
  open({ fresh = false } = {}) {
    this.#drop();
    if (fresh) this.#lastEventId = '';
    this.#heardAt = Date.now();
    this.#silenceTimer = setInterval(() => this.#checkSilence(), CHECK_MS);
    this.#connect();
  }

  /** Closes the stream for good; `open` may be called again. */
  close() {
    this.#drop();
    this.#setStatus('closed');
  }

  /** Moves to another connection, a moment later, so that not everybody does so at once. */
  renew() {
    this.#source?.close();
    this.#reopenTimer = setTimeout(() => this.#connect(), Math.random() * RENEWAL_SPREAD_MS);
  }

  /** To be called when the network is known to be back: the old connection may be dead, or wait for its pause. */
  hurry() {
    if (this.#status !== 'closed') this.open();
  }

  #connect() {
    const source = new EventSource(this.#address(), { withCredentials: true });
    this.#source = source;
    source.onopen = () => this.#heard();
    source.onmessage = (event) => this.#receive(event);
    source.onerror = () => this.#fail(source);
  }

  #address() {
    if (!this.#lastEventId) return this.#url;
    return `${this.#url}?lastEventId=${encodeURIComponent(this.#lastEventId)}`;
  }

  #receive(event) {
    const resumed = this.#lastEventId !== '';
    this.#lastEventId = event.lastEventId || this.#lastEventId;
    this.#heard();
    this.dispatchEvent(new CustomEvent('message', { detail: { data: JSON.parse(event.data), resumed } }));
  }

  #heard() {
    this.#heardAt = Date.now();
    this.#failures = 0;
    this.#setStatus('open');
  }

  #fail(source) {
    this.#setStatus('lost');
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    this.#reopenTimer = setTimeout(() => this.#reopen(), this.#pauseMs());
  }

  async #reopen() {
    const timer = this.#reopenTimer;
    try {
      await this.#beforeReopen();
    } catch {
      if (timer === this.#reopenTimer) this.#reopenTimer = setTimeout(() => this.#reopen(), this.#pauseMs());
      return;
    }
    if (timer === this.#reopenTimer) this.#connect();
  }

  /** Doubles with each failure; the random half keeps many clients from coming back at once. */
  #pauseMs() {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    return pause * (0.5 + Math.random() / 2);
  }

  #checkSilence() {
    if (Date.now() - this.#heardAt < SILENCE_MS) return;
    this.#setStatus('lost');
    this.open();
  }

  #drop() {
    clearTimeout(this.#reopenTimer);
    clearInterval(this.#silenceTimer);
    this.#reopenTimer = 0;
    this.#source?.close();
    this.#source = null;
  }

  #setStatus(status) {
    if (status === this.#status) return;
    this.#status = status;
    this.dispatchEvent(new CustomEvent('status', { detail: status }));
  }
}
