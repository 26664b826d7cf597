/** One event stream, from its request to its end. */

import { Deadline } from './deadline.js';
import { EventParser } from './event-parser.js';

/** Where the server names no moment to move at: some time within this, so that not everybody does so at once. */
const MOVE_SPREAD_MS = 500;

/**
 * How a stream ended. `moved`: the server wants the next one to begin in `pauseMs`; `silent`: nothing came for too
 * long; `cut`: it broke off or was ended; `refused`: there was no stream, and `problem` says why.
 * @typedef {{how: 'moved'|'silent'|'cut'|'refused', pauseMs?: number,
 *            problem?: import('./problem.js').Problem}} Ending
 */

export class Stream {
  #deadline;
  #signal;
  #firstEventMs;
  #silenceMs;
  #hasBegun = false;
  #isMoving = false;
  #movesAt = 0;

  /** @param {{firstEventMs: number, silenceMs: number}} timings @param {AbortSignal} signal */
  constructor({ firstEventMs, silenceMs }, signal) {
    this.#firstEventMs = firstEventMs;
    this.#silenceMs = silenceMs;
    this.#signal = signal;
  }

  /** Has there been an event? */
  get hasBegun() {
    return this.#hasBegun;
  }

  /**
   * Hands over the events until the stream ends, or the signal fires.
   * @param {(signal: AbortSignal) => Promise<Response>} request
   * @param {string} lastEventId
   * @param {{onBytes: () => void,
   *          onEvent: (data: any, lastEventId: string, retryMs: number|null) => void}} listener
   * @returns {Promise<Ending>}
   */
  async read(request, lastEventId, listener) {
    this.#deadline = new Deadline(this.#signal, this.#firstEventMs);
    try {
      const response = await request(this.#deadline.signal);
      await this.#read(response.body.getReader(), new EventParser(lastEventId), listener);
      return this.#ending();
    } catch (problem) {
      return this.#deadline.hasPassed ? this.#ending() : { how: 'refused', problem };
    } finally {
      this.#deadline.end();
    }
  }

  #ending() {
    if (this.#isMoving) return { how: 'moved', pauseMs: Math.max(0, this.#movesAt - Date.now()) };
    return { how: this.#deadline.hasPassed ? 'silent' : 'cut' };
  }

  async #read(reader, parser, { onBytes, onEvent }) {
    const next = () => reader.read().catch(() => ({ done: true, value: undefined }));
    for (let { done, value } = await next(); !done; { done, value } = await next()) {
      onBytes();
      for (const event of parser.push(value)) {
        if (this.#signal.aborted) return;
        this.#hasBegun = true;
        const data = parsed(event.data);
        if (data?.type === 'draining') this.#moveIn(data.reconnectInMs ?? Math.random() * MOVE_SPREAD_MS);
        onEvent(data, event.lastEventId, parser.retryMs);
      }
      if (this.#hasBegun && !this.#isMoving) this.#deadline.renew(this.#silenceMs);
    }
  }

  /** Until then events may come, and the next stream will resume after the last of them. */
  #moveIn(ms) {
    this.#isMoving = true;
    this.#movesAt = Date.now() + ms;
    this.#deadline.renew(ms);
  }
}

/** Null for what is no event of ours. */
function parsed(text) {
  try {
    const data = JSON.parse(text);
    return typeof data?.type === 'string' ? data : null;
  } catch {
    return null;
  }
}
