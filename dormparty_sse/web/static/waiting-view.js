/** The waiting screen: place in line, and why nobody was found yet. */

import { announce } from './screens.js';
import { clockWords, estimateWords, holdWords, positionWords } from './words.js';

const element = (id) => document.getElementById(id);

/**
 * @typedef {{position?: number|null, queueLength?: number|null, estimatedWaitSeconds?: number|null,
 *   holdReason?: string|null, holdUntil?: number|null}} Queue
 */

export class WaitingView {
  #now;
  /** @type {Queue} */
  #queue = {};
  #timer = 0;

  /** @param {() => number} now the server's clock, in milliseconds */
  constructor(now) {
    this.#now = now;
  }

  /** Shows what is known; what an event leaves out stays. @param {Queue} queue */
  update(queue) {
    const before = this.#queue.holdReason;
    this.#queue = { ...this.#queue, ...queue };
    const { position, queueLength, estimatedWaitSeconds, holdReason } = this.#queue;
    element('position').textContent = positionWords(position ?? null, queueLength ?? null);
    const promising = !holdReason || holdReason === 'alone-in-queue';
    element('estimate').textContent = promising ? estimateWords(estimatedWaitSeconds) : '';
    clearInterval(this.#timer);
    if (holdReason === 'cooldown') this.#timer = setInterval(() => this.#drawHold(), 250);
    this.#drawHold();
    if (holdReason && holdReason !== before) announce(element('hold-reason').textContent);
  }

  /** Forgets the queue, when the waiting is over or begins anew. */
  reset() {
    this.#queue = {};
    this.update({});
  }

  #drawHold() {
    const { holdReason, holdUntil } = this.#queue;
    const hold = element('hold-reason');
    const words = holdWords(holdReason ?? null);
    hold.hidden = !words;
    hold.dataset.reason = holdReason ?? '';
    hold.textContent = words;
    if (holdReason === 'cooldown' && holdUntil) hold.append(' ', countdown(holdUntil - this.#now()), '.');
  }
}

function countdown(ms) {
  const clock = document.createElement('b');
  clock.textContent = clockWords(Math.ceil(ms / 1000));
  return clock;
}
