/**
 * The bytes of an event stream become events, as the HTML standard says (9.2.6, "Interpreting an event stream"),
 * wherever the network has cut them.
 */

/** @typedef {{type: string, data: string, lastEventId: string}} ServerSentEvent */

export class EventParser {
  /** The id of the last complete event that had one. */
  lastEventId;
  /** @type {number|null} What the server wants a client to wait before it comes back, in milliseconds. */
  retryMs = null;
  #decoder = new TextDecoder(); // takes a byte order mark away
  #text = '';
  #endedWithCr = false;
  #id;
  #type = '';
  /** @type {string[]} */
  #data = [];

  /** @param {string} [lastEventId] that of the connection before */
  constructor(lastEventId = '') {
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /**
   * The events that these bytes complete.
   * @param {Uint8Array} bytes
   * @returns {ServerSentEvent[]}
   */
  push(bytes) {
    const events = [];
    for (const line of this.#lines(this.#decoder.decode(bytes, { stream: true }))) {
      if (line) this.#field(line);
      else this.#dispatch(events);
    }
    return events;
  }

  /** Complete lines. A CR ends its line at once, so the LF that may follow in the next bytes is dropped. */
  #lines(text) {
    if (!text) return [];
    const isRestOfCrLf = this.#endedWithCr && text.startsWith('\n');
    this.#endedWithCr = text.endsWith('\r');
    const lines = (this.#text + (isRestOfCrLf ? text.slice(1) : text)).split(/\r\n|\r|\n/);
    this.#text = lines.pop() ?? '';
    return lines;
  }

  #field(line) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#type = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(events) {
    this.lastEventId = this.#id;
    const data = this.#data.join('\n');
    if (this.#data.length > 0) {
      events.push({ type: this.#type || 'message', data, lastEventId: this.#id });
    }
    this.#data = [];
    this.#type = '';
  }
}
