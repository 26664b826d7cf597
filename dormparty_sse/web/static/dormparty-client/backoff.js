/** How long to wait before the next attempt: first what the server has asked for, then twice as long each time. */

const SHORTEST_MS = 500;

export class Backoff {
  #firstMs;
  #longestMs;
  #failures = 0;

  /** @param {{firstPauseMs: number, longestPauseMs: number}} timings */
  constructor({ firstPauseMs, longestPauseMs }) {
    this.#firstMs = firstPauseMs;
    this.#longestMs = longestPauseMs;
  }

  /** An attempt has worked. @param {number|null} [firstMs] what the server wants the first pause to be */
  succeeded(firstMs) {
    this.#firstMs = firstMs ?? this.#firstMs;
    this.#failures = 0;
  }

  /**
   * The pause after a failure, in milliseconds. The first is the server's own word; of the others a random part
   * keeps many clients from coming back at once.
   * @param {number} [atLeastMs] what the server has asked for this time
   */
  failed(atLeastMs = 0) {
    const growing = Math.max(this.#firstMs, SHORTEST_MS) * 2 ** this.#failures * (0.5 + Math.random() / 2);
    const pauseMs = this.#failures === 0 ? this.#firstMs : Math.min(growing, this.#longestMs);
    this.#failures += 1;
    return Math.max(pauseMs, atLeastMs * (1 + Math.random() / 2));
  }
}
