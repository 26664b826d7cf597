/** The page: what the server says decides the screen, what the user presses goes to the server. */

import { preloadLiveKit } from './call.js';
import { CallView } from './call-view.js';
import { Connecting } from './connecting.js';
import { ConnectionView } from './connection-view.js';
import { CurrentCall } from './current-call.js';
import { forgetDeparture, isReload, noteStay, recallDeparture, rememberDeparture } from './departure.js';
import { DormPartyClient } from './dormparty-client.js';
import { Doubt } from './doubt.js';
import { useKeys } from './keys.js';
import { showMedia } from './media-view.js';
import { LocalMedia } from './media.js';
import { Safety } from './safety.js';
import { announce, currentScreen, showNotice, showScreen } from './screens.js';
import { WaitingView } from './waiting-view.js';
import { barWords, departureWords, endingWords, idleWords, problemWords, talkedWords } from './words.js';

const END_PATIENCE_MS = 400;
const STILL_CLOSING_MS = 500;

const client = new DormPartyClient();
const media = new LocalMedia();
const waitingView = new WaitingView(() => client.now());
const callView = new CallView(() => client.now());
const connectionView = new ConnectionView();
const connecting = new Connecting(client, staysOut);
const call = new CurrentCall(media, callView, connectionView, new Doubt(client));
const safety = new Safety(client, {
  isInCall: (sessionId) => call.sessionId === sessionId,
  setBusy: (busy) => callView.setBusy(busy),
  say,
  goHome,
});

/** Start was pressed, and the server has not answered yet. */
let starting = false;
/** The transition that Start led to: whatever is older is no news any more. */
let startedSeq = 0;
/** What brought one home while Start was not answered: it may be older, or news. */
let idleMeanwhile = null;
/** The user wants to be out, and the server may not know yet. */
let wantsOut = false;
/** What ended the last call, until something else happens. */
let ending = '';

const isInvolved = () => ['waiting', 'call'].includes(currentScreen());

// Screens

function showLanding(notice = '') {
  forgetDeparture();
  call.leave();
  media.close();
  showNotice(notice);
  showScreen('landing');
  watchStream();
}

function showWaiting(queue = {}) {
  call.leave();
  media.open();
  if (currentScreen() === 'landing') showNotice(''); // it speaks of what was before
  if (currentScreen() !== 'waiting') waitingView.reset();
  waitingView.update(queue);
  showScreen('waiting');
  noteStay('waiting');
  watchStream();
}

/** @param {'superseded'|'error'} screen */
function showStop(screen) {
  forgetDeparture();
  call.leave();
  media.close();
  showNotice('');
  showScreen(screen);
  watchStream();
}

function showCall(match) {
  if (call.sessionId === match.sessionId) return;
  safety.met(match.sessionId);
  media.open();
  ending = '';
  showNotice('');
  call.enter(match);
  showScreen('call');
  noteStay('call');
  announce('Found someone. Connecting you.');
  watchStream();
}

/** Says it where it can be seen. */
function say(text) {
  if (currentScreen() === 'call') return callView.hint(text);
  showNotice(text);
  return scrollTo(0, 0);
}

function watchStream() {
  const lost = client.streamStatus === 'lost' || !navigator.onLine;
  connectionView.setStreamLost(isInvolved() && lost);
}

// What the user does

async function start() {
  if (starting) return;
  starting = true;
  idleMeanwhile = null;
  connecting.stop();
  const isLeaving = wantsOut; // so what the client knows of a match is old
  wantsOut = false;
  ending = '';
  showWaiting();
  preloadLiveKit().catch(() => {});
  try {
    if (isLeaving) await tellEnd();
    if (client.streamStatus !== 'open') await client.connect();
    if (isLeaving || !client.match) await enqueue();
  } catch (problem) {
    idleMeanwhile = null;
    failToStart(problem);
  } finally {
    starting = false;
  }
  if (idleMeanwhile) handlers.idle(idleMeanwhile);
}

async function enqueue() {
  try {
    const answer = await client.enqueue();
    startedSeq = answer.seq;
    if (currentScreen() === 'waiting') waitingView.update(answer);
  } catch (problem) {
    if (problem.state !== 'DISCONNECTING') throw problem;
    await pause(STILL_CLOSING_MS); // the last call is out of the way within a second
    await enqueue();
  }
}

function failToStart(problem) {
  if (!['unreachable', 'unavailable'].includes(problem.code)) return showLanding(problemWords(problem));
  showStop('error');
  return connecting.later();
}

async function skip() {
  callView.setBusy(true);
  try {
    await client.skip(call.sessionId);
  } catch (problem) {
    if (problem.cooldownUntil) callView.setSkipCooldown(problem.cooldownUntil);
    callView.hint(problemWords(problem));
  } finally {
    callView.setBusy(false);
  }
}

/**
 * Whatever the server answers, or if it does not: camera and microphone are off in a moment.
 * @param {string} [farewell]
 */
async function goHome(farewell = call.sessionId ? `Call ended.${talkedWords(callView.durationMs)}` : '') {
  wantsOut = true;
  forgetDeparture();
  callView.setBusy(true);
  await Promise.race([tellEnd().catch(() => {}), pause(END_PATIENCE_MS)]);
  showLanding(farewell);
}

async function tellEnd() {
  const { state } = await client.end(call.sessionId);
  // The partner was quicker, and one is in the queue again.
  if (state === 'WAITING') await client.end(null);
}

// What the server says

const handlers = {
  snapshot(snapshot) {
    // What brought the partner back may be among what was missed. Should it still be away, an end will say so.
    call.setPartnerAway(snapshot.match?.sessionId, false);
    callView.setSkipCooldown(snapshot.cooldownUntil);
    if (snapshot.state === 'IDLE') settle();
    else if (wantsOut) client.end().catch(() => {});
    else if (snapshot.state === 'WAITING') showWaiting(snapshot);
    else if (snapshot.match) showCall(snapshot.match);
  },
  queued(event) {
    if (currentScreen() === 'landing') undoStart();
    else enterQueue(event);
  },
  requeued: enterQueue,
  'queue-update': (queue) => waitingView.update(queue),
  'new-match'(match) {
    if (wantsOut) client.end(match.sessionId).catch(() => {});
    else showCall(match);
  },
  'partner-reconnecting': ({ sessionId }) => call.setPartnerAway(sessionId, true),
  'partner-back': ({ sessionId }) => call.setPartnerAway(sessionId, false),
  'skip-confirmed'({ sessionId, cooldownUntil }) {
    if (cooldownUntil) callView.setSkipCooldown(cooldownUntil);
    if (wantsOut) return;
    ending = safety.endingWords(sessionId) || 'You skipped.';
    showNotice(ending);
    showWaiting();
  },
  'force-disconnect'(event) {
    if (wantsOut) return;
    ending = endingWords(event, client.userId);
    if (event.targetState === 'IDLE') return showLanding(ending);
    showNotice(ending);
    showWaiting();
  },
  'room-closing'({ roomName }, event) {
    if (call.roomName === roomName) call.leave();
    event.waitUntil(call.left);
  },
  idle(event) {
    if (starting) idleMeanwhile = event;
    if (starting || event.seq < startedSeq) return;
    const { reason, bar } = event;
    if (!wantsOut) showLanding(barWords({ ...bar, code: reason }) || ending || idleWords(reason));
    wantsOut = false;
  },
  superseded: () => showStop('superseded'),
  banned: (problem) => showLanding(barWords(problem)),
  stream: watchStream,
};

function enterQueue(event) {
  if (!wantsOut) showWaiting(event);
}

/** Start arrived after all, though the page it was pressed on is gone or the user has thought better of it. */
function undoStart() {
  wantsOut = true;
  client.end(null).catch(() => {});
}

/** Nothing is going on. Where the page thought otherwise, it says so. */
function settle() {
  wantsOut = false;
  if (starting) return;
  if (isInvolved()) showLanding('You’re no longer in line. Press Start to go on.');
  else if (currentScreen() !== 'landing') showLanding();
}

// The connection

/** Says why the page is not connected, if there is no use in trying again. @returns {boolean} */
function staysOut(problem) {
  if (barWords(problem)) showLanding(barWords(problem));
  else if (currentScreen() === 'superseded') showNotice(problemWords(problem));
  else return false;
  return true;
}

/** Before the page goes: when it does, the next one may have begun already, in another process of the browser. */
function noteDeparture() {
  if (!isInvolved() || wantsOut) return;
  rememberDeparture(currentScreen());
}

/** The page goes, and with it the call or the place in line: the client says so, if it knows of any. */
function leavePage() {
  noteDeparture();
  if (wantsOut && client.state === 'IDLE') client.leave();
}

/** After a page that was in a call or in line, says that this is over. @param {boolean} reloaded */
function comeBack(reloaded) {
  const departure = recallDeparture(reloaded);
  if (!departure) return;
  wantsOut = departure.isRecent;
  ending = departureWords(departure.from, reloaded); // also if the farewell arrives later than this page
  showLanding(ending);
}

function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

const buttons = {
  start,
  retry: start,
  skip,
  cancel: goHome,
  end: goHome,
  'use-here': () => connecting.now(),
  'start-audio': () => call.startAudio(),
};

for (const [type, handler] of Object.entries(handlers)) {
  client.addEventListener(type, (event) => handler(event.detail, event));
}
for (const [id, handler] of Object.entries(buttons)) {
  document.getElementById(id).addEventListener('click', () => handler());
}
addEventListener('offline', watchStream);
addEventListener('online', watchStream);
addEventListener('beforeunload', noteDeparture);
addEventListener('pagehide', leavePage);
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return;
  comeBack(false);
  if (currentScreen() === 'superseded') connecting.now();
});
showMedia(media);
useKeys(document.getElementById('use-keys'));
comeBack(isReload());
connecting.now();
