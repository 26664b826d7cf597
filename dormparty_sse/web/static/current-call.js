/** The call the page shows, if any: at most one, and the next begins only after the last was told to leave. */

import { Call } from './call.js';

export class CurrentCall {
  #media;
  #callView;
  #connectionView;
  #doubt;
  /** @type {Call|null} */
  #call = null;
  #left = Promise.resolve();

  /**
   * @param {import('./media.js').LocalMedia} media
   * @param {import('./call-view.js').CallView} callView
   * @param {import('./connection-view.js').ConnectionView} connectionView
   * @param {import('./doubt.js').Doubt} doubt
   */
  constructor(media, callView, connectionView, doubt) {
    this.#media = media;
    this.#callView = callView;
    this.#connectionView = connectionView;
    this.#doubt = doubt;
  }

  /** @returns {string|undefined} */
  get sessionId() {
    return this.#call?.sessionId;
  }

  /** @returns {string|undefined} */
  get roomName() {
    return this.#call?.roomName;
  }

  /** Resolves when the room of the last call is left. */
  get left() {
    return this.#left;
  }

  /** Joins the room of a match, and shows what becomes of it. @param {import('./dormparty-client.js').Match} match */
  enter(match) {
    this.leave();
    const call = new Call(match, this.#media, this.#callView.elements);
    this.#call = call;
    call.addEventListener('change', ({ detail }) => {
      this.#callView.render(detail);
      this.#connectionView.setCallShaky(detail.reconnecting);
      this.#doubt.see(detail);
    });
    this.#callView.begin(match.createdAt);
    call.join();
  }

  /**
   * Shows whether the partner is away for a moment, if this is about the call that is shown.
   * @param {string|undefined} sessionId @param {boolean} away
   */
  setPartnerAway(sessionId, away) {
    if (this.#call && sessionId === this.#call.sessionId) this.#connectionView.setPartnerAway(away);
  }

  /** Leaves the room and clears the screen, if there is a call. */
  leave() {
    if (!this.#call) return;
    this.#left = this.#call.leave();
    this.#call = null;
    this.#callView.finish();
    this.#doubt.end();
    this.#connectionView.setCallShaky(false);
    this.#connectionView.setPartnerAway(false);
  }

  /** Plays the sound that the browser held back; to be called from a click. */
  startAudio() {
    this.#call?.startAudio();
  }
}
