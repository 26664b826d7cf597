/**
 * When one's own room does not fit what the server has said, the server is asked to look, and asks LiveKit. What comes
 * of that arrives as events; the answer itself changes nothing.
 */

const PATIENCE_MS = 1_500;
const AGAIN_MS = 2_000;
/** In these the server speaks of the match, and so has looked at it. */
const WORDS = ['snapshot', 'call-started', 'partner-reconnecting', 'partner-back'];

export class Doubt {
  #client;
  /** @type {import('./call.js').CallView|null} */
  #view = null;
  #timer = 0;
  #askedAt = -Infinity;

  /** @param {import('./dormparty-client.js').DormPartyClient} client */
  constructor(client) {
    this.#client = client;
    for (const type of WORDS) client.addEventListener(type, () => this.#beginAnew());
  }

  /** What the room says now. @param {import('./call.js').CallView} view */
  see(view) {
    this.#view = view;
    if (!this.#isJustified()) this.#stop();
    else if (!this.#timer) this.#wait(PATIENCE_MS);
  }

  /** The call is over. */
  end() {
    this.#view = null;
    this.#stop();
  }

  #isJustified() {
    if (!this.#view) return false;
    const { phase, partnerHere, partnerLeft } = this.#view;
    if (phase === 'lost' || partnerLeft) return true;
    return phase === 'joined' && partnerHere && this.#client.state === 'CONNECTING';
  }

  #beginAnew() {
    this.#stop();
    if (this.#isJustified()) this.#wait(PATIENCE_MS);
  }

  #wait(ms) {
    const left = this.#askedAt + AGAIN_MS - performance.now();
    this.#timer = setTimeout(() => this.#ask(), Math.max(ms, left));
  }

  #ask() {
    this.#askedAt = performance.now();
    this.#client.checkMatch().catch(() => {});
    this.#wait(AGAIN_MS);
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }
}
