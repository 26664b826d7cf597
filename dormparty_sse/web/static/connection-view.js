/** The notice that a connection is being repaired. Short gaps are not worth a word. */

import { announce, showText } from './screens.js';

const WORTH_A_WORD_MS = 600;

export class ConnectionView {
  #streamLost = false;
  #callShaky = false;
  #timer = 0;

  /** @param {boolean} lost is the server's event stream gone, though it is needed? */
  setStreamLost(lost) {
    this.#streamLost = lost;
    this.#draw();
  }

  /** @param {boolean} shaky is the connection to the room being repaired? */
  setCallShaky(shaky) {
    this.#callShaky = shaky;
    this.#draw();
  }

  #draw() {
    const text = this.#text();
    if (text && this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = text ? setTimeout(() => this.#show(), WORTH_A_WORD_MS) : 0;
    if (!text) this.#show();
  }

  #text() {
    if (this.#streamLost) return 'Connection lost. Reconnecting…';
    return this.#callShaky ? 'Your connection is shaky. Reconnecting…' : '';
  }

  #show() {
    this.#timer = 0;
    const text = this.#text();
    const banner = document.getElementById('reconnecting');
    if (text && banner.hidden) announce(text);
    showText(banner, text);
  }
}
