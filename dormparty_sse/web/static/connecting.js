/** Gets the page connected: again and again, until the server is there. */

const AGAIN_MS = 5_000;

export class Connecting {
  #client;
  #isFinal;
  #timer = 0;

  /**
   * @param {import('./dormparty-client.js').DormPartyClient} client
   * @param {(problem: import('./dormparty-client.js').Problem) => boolean} isFinal  no use in trying again?
   */
  constructor(client, isFinal) {
    this.#client = client;
    this.#isFinal = isFinal;
  }

  async now() {
    this.stop();
    try {
      await this.#client.connect();
    } catch (problem) {
      if (!this.#isFinal(problem)) this.later();
    }
  }

  later() {
    this.stop();
    this.#timer = setTimeout(() => this.now(), AGAIN_MS * (0.5 + Math.random()));
  }

  stop() {
    clearTimeout(this.#timer);
  }
}
