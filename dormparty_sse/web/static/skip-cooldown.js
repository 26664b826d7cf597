/** Who has skipped too often may not skip for a while. What the button says meanwhile, and when that is over. */

import { announce } from './screens.js';
import { clockWords } from './words.js';

const TICK_MS = 250;

export class SkipCooldown {
  #now;
  #onChange;
  #until = 0;
  #timer = 0;

  /** @param {() => number} now the server's clock, in milliseconds @param {() => void} onChange begun, or over */
  constructor(now, onChange) {
    this.#now = now;
    this.#onChange = onChange;
  }

  get isOn() {
    return this.#until > this.#now();
  }

  /** @param {number|null|undefined} until by the server's clock, in milliseconds; nothing: there is none */
  set(until) {
    this.#until = until ?? 0;
    clearInterval(this.#timer);
    if (this.isOn) this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#draw();
    this.#onChange();
  }

  /** Says once that there is a cooldown, to whom cannot see the button. */
  announce() {
    if (this.isOn) announce(`You can skip again in ${this.#left}.`);
  }

  get #left() {
    return clockWords(Math.ceil((this.#until - this.#now()) / 1000));
  }

  #tick() {
    this.#draw();
    if (this.isOn) return;
    clearInterval(this.#timer);
    this.#onChange();
    if (document.body.dataset.screen === 'call') announce('You can skip again.');
  }

  #draw() {
    const button = document.getElementById('skip');
    button.classList.toggle('cooling', this.isOn);
    document.getElementById('skip-words').textContent = this.isOn ? `Skip again in ${this.#left}` : 'Skip';
  }
}
