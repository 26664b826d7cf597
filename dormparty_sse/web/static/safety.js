/** Block and Report: in the call, and just after it. They are about whom the page met last. */

import { ReportDialog } from './report-dialog.js';
import { keepFocus } from './screens.js';
import { problemWords } from './words.js';

/** What is said once it is done. */
const DONE = {
  block: 'You won’t meet again.',
  report: 'Thank you. Our moderators will look into it, and you two won’t meet again.',
};

export class Safety {
  #client;
  #page;
  #dialog = new ReportDialog((...report) => this.#report(...report));
  #last = '';
  /** What was done about whom one met there, by sessionId. @type {Map<string, 'block'|'report'>} */
  #done = new Map();

  /**
   * @param {import('./dormparty-client.js').DormPartyClient} client
   * @param {object} page
   * @param {(sessionId: string) => boolean} page.isInCall  is this the call that is shown?
   * @param {(busy: boolean) => void} page.setBusy          while the answer is awaited
   * @param {(text: string) => void} page.say
   * @param {(text: string) => Promise<void>} page.goHome   with this as the last word
   */
  constructor(client, page) {
    this.#client = client;
    this.#page = page;
    const actions = { block: () => this.#block(this.#last), report: () => this.#ask() };
    for (const button of document.querySelectorAll('[data-safety]')) {
      button.addEventListener('click', actions[button.dataset.safety]);
    }
  }

  /** Here the page meets somebody. @param {string} sessionId */
  met(sessionId) {
    this.#last = sessionId;
    this.#draw();
  }

  /** How a match ended that ended by this; empty where it did not. @param {string} sessionId */
  endingWords(sessionId) {
    return DONE[this.#done.get(sessionId)] ?? '';
  }

  async #block(sessionId) {
    const isHere = this.#page.isInCall(sessionId);
    this.#page.setBusy(true);
    try {
      await this.#act('block', sessionId, () => this.#client.block(sessionId));
      if (!isHere) this.#page.say(DONE.block); // or else the event says it, as after a skip
    } catch (problem) {
      this.#page.say(problemWords(problem));
    } finally {
      this.#page.setBusy(false);
    }
  }

  #ask() {
    this.#dialog.open(this.#last, this.#page.isInCall(this.#last));
  }

  async #report(sessionId, reason, details) {
    const isHere = this.#page.isInCall(sessionId);
    await this.#act('report', sessionId, () => this.#client.report(sessionId, reason, details));
    this.#dialog.close();
    if (isHere) await this.#page.goHome(DONE.report);
    else this.#page.say(DONE.report);
  }

  /** What follows from it may be told before the answer is there. */
  async #act(action, sessionId, ask) {
    const before = this.#done.get(sessionId);
    this.#done.set(sessionId, action);
    try {
      await ask();
    } catch (problem) {
      if (problem.status) this.#done.set(sessionId, before); // without an answer, it may have arrived
      throw problem;
    } finally {
      this.#draw();
      keepFocus();
    }
  }

  /** After the call, what is left to be done about the last person. */
  #draw() {
    const done = this.#done.get(this.#last);
    for (const line of document.querySelectorAll('[data-last-person]')) {
      line.hidden = !this.#last || done === 'report';
      line.querySelector('[data-safety=block]').hidden = done === 'block';
    }
  }
}
