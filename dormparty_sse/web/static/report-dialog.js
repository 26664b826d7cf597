/** The dialog that asks what happened. It outlasts the call: whom it is about is settled when it opens. */

import { keepFocus, showText } from './screens.js';
import { OFFENCES, problemWords } from './words.js';

const element = (id) => document.getElementById(id);

export class ReportDialog {
  #send;
  #dialog = element('report-dialog');
  #form = element('report-form');
  #sessionId = '';
  #isSending = false;

  /** @param {(sessionId: string, reason: string, details: string) => Promise<void>} send may throw a Problem */
  constructor(send) {
    this.#send = send;
    element('report-reasons').append(...Object.entries(OFFENCES).map(choice));
    element('report-cancel').addEventListener('click', () => this.close());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#dialog.addEventListener('close', keepFocus); // the button that opened it may be gone with its screen
  }

  /** @param {string} sessionId where one met the person it is about @param {boolean} inCall is that now? */
  open(sessionId, inCall) {
    this.#sessionId = sessionId;
    this.#form.reset();
    showText(element('report-problem'), '');
    const end = inCall ? 'Sending ends this call. ' : '';
    element('report-about').textContent = `${end}You won’t meet again, and they aren’t told who reported them.`;
    this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }

  async #submit() {
    if (this.#isSending) return;
    this.#isSending = true;
    const said = new FormData(this.#form);
    showText(element('report-problem'), '');
    try {
      await this.#send(this.#sessionId, said.get('reason'), said.get('details'));
    } catch (problem) {
      showText(element('report-problem'), problemWords(problem));
    } finally {
      this.#isSending = false;
    }
  }
}

function choice([value, words]) {
  const input = document.createElement('input');
  Object.assign(input, { type: 'radio', name: 'reason', value, required: true });
  const label = document.createElement('label');
  label.append(input, words);
  return label;
}
