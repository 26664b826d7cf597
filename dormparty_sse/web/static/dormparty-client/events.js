/** What a client dispatches. (CustomEvent would do, but Node 18 has none.) */

/** @template T */
export class ClientEvent extends Event {
  /** @type {T} */
  detail;

  /** @param {string} type @param {T} detail */
  constructor(type, detail) {
    super(type);
    this.detail = detail;
  }
}

/** `room-closing`: the room is to be left, and the server told so. */
export class RoomClosingEvent extends ClientEvent {
  /** @type {Promise<unknown>[]} */
  #promises = [];

  /** Puts off the word to the server until this has settled. @param {Promise<unknown>} promise */
  waitUntil(promise) {
    this.#promises.push(promise);
  }

  /** Resolves when all of them have settled, whichever way. */
  settled() {
    return Promise.allSettled(this.#promises);
  }
}
