/** The notice that a connection, one's own or the partner's, is being repaired. Short gaps are worth no word. */

import { announce, showText } from './screens.js';

const WORTH_A_WORD_MS = 600;

export class ConnectionView {
  #streamLost = false;
  #callShaky = false;
  #partnerAway = false;
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

  /** @param {boolean} away is the partner out of the server's reach, and may come back? */
  setPartnerAway(away) {
    this.#partnerAway = away;
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
    if (this.#callShaky) return 'Your connection is shaky. Reconnecting…';
    return this.#partnerAway ? 'Your partner’s connection is being repaired…' : '';
  }

  #show() {
    this.#timer = 0;
    const text = this.#text();
    const banner = document.getElementById('reconnecting');
    if (text && text !== banner.textContent) announce(text);
    showText(banner, text);
  }
}
