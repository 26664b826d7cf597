/** The call screen: what covers the partner's picture, the small signs over it, and when buttons may be pressed. */

import { announce, showText } from './screens.js';
import { SkipCooldown } from './skip-cooldown.js';
import { clockWords } from './words.js';

/** Long enough that a click meant for the last call does not end the next one. */
const GUARD_MS = 1_000;
const HINT_MS = 6_000;
/** Whoever just came in needs a moment until camera and microphone arrive. */
const SETTLING_MS = 4_000;

const CONNECTING = 'Found someone. Connecting you…';

const element = (id) => document.getElementById(id);

export class CallView {
  #now;
  #since = 0;
  #metAt = 0;
  /** @type {import('./call.js').CallView|null} */
  #call = null;
  #busy = false;
  #guarded = false;
  #guardTimer = 0;
  #clockTimer = 0;
  #hintTimer = 0;
  #cooldown;

  /** @param {() => number} now the server's clock, in milliseconds */
  constructor(now) {
    this.#now = now;
    this.#cooldown = new SkipCooldown(now, () => this.#drawButtons());
    const video = element('remote-video');
    for (const event of ['loadedmetadata', 'resize']) video.addEventListener(event, fitPicture);
    addEventListener('resize', fitPicture);
  }

  get elements() {
    return { video: element('remote-video'), audio: element('remote-audio') };
  }

  /** Prepares the screen for a new match. @param {number} since when it was made */
  begin(since) {
    this.#since = since;
    this.#metAt = 0;
    this.#call = null;
    this.#busy = false;
    this.hint('');
    this.#guard(GUARD_MS);
    clearInterval(this.#clockTimer);
    this.#clockTimer = setInterval(() => this.#draw(), 1_000);
    this.#cooldown.announce();
    this.#draw();
  }

  /** Puts the screen to rest. */
  finish() {
    clearInterval(this.#clockTimer);
    this.hint('');
  }

  /** How long the two have seen each other, at most. @returns {number} milliseconds */
  get durationMs() {
    return this.#metAt ? this.#now() - this.#since : 0;
  }

  /** While an answer is awaited, nothing that ends the call can be pressed again. @param {boolean} busy */
  setBusy(busy) {
    this.#busy = busy;
    this.#drawButtons();
  }

  /** Until when Skip can not be pressed, by the server's clock. @param {number|null} [until] nothing: it can */
  setSkipCooldown(until) {
    this.#cooldown.set(until);
  }

  /** Keeps what ends the call out of reach for a while. @param {number} ms */
  #guard(ms) {
    this.#guarded = true;
    clearTimeout(this.#guardTimer);
    this.#guardTimer = setTimeout(() => {
      this.#guarded = false;
      this.#drawButtons();
    }, ms);
    this.#drawButtons();
  }

  /** Says something for a few seconds; an empty text takes it away. @param {string} text */
  hint(text) {
    clearTimeout(this.#hintTimer);
    showText(element('call-hint'), text);
    if (!text) return;
    announce(text);
    this.#hintTimer = setTimeout(() => this.hint(''), HINT_MS);
  }

  /** @param {import('./call.js').CallView} call */
  render(call) {
    this.#call = call;
    if (call.partnerHere && !this.#metAt) {
      this.#metAt = Date.now();
      announce('You’re connected. Say hi.');
    }
    this.#draw();
  }

  #draw() {
    showText(element('timer'), this.#metAt ? clockWords(this.durationMs / 1000) : '');
    if (!this.#call) return;
    const settled = this.#metAt > 0 && Date.now() - this.#metAt > SETTLING_MS;
    const words = coverWords(this.#call, this.#metAt > 0, settled);
    const curtain = element('curtain');
    if (words) element('curtain-text').textContent = words;
    curtain.classList.toggle('open', !words);
    curtain.classList.toggle('waits', words === CONNECTING);
    showText(element('call-chip'), chipWords(this.#call, settled));
    element('start-audio').hidden = !this.#call.audioBlocked;
  }

  #drawButtons() {
    const isHeld = this.#busy || this.#guarded;
    for (const id of ['skip', 'end', 'block']) element(id).disabled = isHeld;
    if (this.#cooldown.isOn) element('skip').disabled = true;
  }
}

/** What stands where the partner's picture is not. */
function coverWords(call, met, settled) {
  if (call.phase === 'failed') return 'We can’t reach the video server. Check your network.';
  if (call.phase === 'lost') return 'The call was cut off. Skip to go on.';
  if (call.partnerCamera) return '';
  if (met && !call.partnerHere) return 'Your partner dropped out…';
  return settled ? 'Their camera is off.' : CONNECTING;
}

function chipWords(call, settled) {
  if (call.weak) return 'Your connection is weak';
  if (call.partnerWeak) return 'Their connection is weak';
  if (call.partnerHere && !call.partnerMicrophone && settled) return 'Their microphone is off';
  return '';
}

/** A picture of the other orientation is shown whole, instead of losing most of it to the edges. */
function fitPicture() {
  const video = element('remote-video');
  const upright = video.videoHeight > video.videoWidth;
  const uprightPlace = video.clientHeight > video.clientWidth;
  video.classList.toggle('whole', video.videoWidth > 0 && upright !== uprightPlace);
}
