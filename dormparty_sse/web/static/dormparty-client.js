/**
 * A DormParty server's client: session, actions and the events, in order and without repeats, in browsers and in
 * Node from 18 on. It draws nothing and joins no room: listen to its events and do both.
 *
 *     const client = new DormPartyClient();
 *     client.addEventListener('new-match', ({ detail }) => joinRoom(detail.livekitUrl, detail.token));
 *     client.addEventListener('room-closing', (event) => event.waitUntil(leaveRoom()));
 *     await client.connect();
 *     await client.enqueue();
 */

import { ServerApi } from './dormparty-client/api.js';
import { Connection } from './dormparty-client/connection.js';
import { ClientEvent, RoomClosingEvent } from './dormparty-client/events.js';
import { watchPage } from './dormparty-client/page.js';
import { Problem } from './dormparty-client/problem.js';
import { TIMINGS } from './dormparty-client/timings.js';

export { ClientEvent, Problem, RoomClosingEvent };

const ACTIONS = '/api/matching/';
const IN_A_MATCH = new Set(['CONNECTING', 'IN_CALL', 'DISCONNECTING']);
/** Told of the moment, so they prove nothing about what came before. */
const MOMENTARY = new Set(['queue-update', 'heartbeat', 'superseded', 'draining']);

/** @typedef {import('./dormparty-client.d.ts').State} State */
/** @typedef {import('./dormparty-client.d.ts').Match} Match */

/**
 * Emits each event of the server under its own type with its fields as `detail`, and besides:
 * `snapshot` (the whole state, when it may not follow from the events before), `stream` (detail `open`, `lost` or
 * `closed`) and `banned` (the problem: the stream is refused for good). All of it is in dormparty-client.d.ts.
 */
export class DormPartyClient extends EventTarget {
  #api;
  #timings;
  #connection;
  #leavesWithPage;
  #stopWatchingPage = () => {};
  /** @type {string|null} */
  #userId = null;
  /** @type {State} */
  #state = 'IDLE';
  #seq = -1;
  /** The step that the last `enqueue` led to; endless while nobody knows. */
  #enqueuedSeq = -1;
  /** @type {Match|null} */
  #match = null;
  #clockOffsetMs = 0;
  #heartbeatTimer;
  /** @type {Promise<void>|null} */
  #connecting = null;

  /** @param {import('./dormparty-client.d.ts').Options} [options] */
  constructor({ baseUrl, pool, leaveWithPage = true, answerChallenge, timings } = {}) {
    super();
    this.#timings = { ...TIMINGS, ...timings };
    this.#leavesWithPage = leaveWithPage;
    this.#api = new ServerApi({ baseUrl, pool, timeoutMs: this.#timings.requestMs, answer: answerChallenge });
    this.#api.onSession = (session) => this.#useSession(session);
    this.#connection = new Connection(this.#api, this.#timings);
    this.#connection.onEvent = (data, resumed) => this.#receive(data, resumed);
    this.#connection.onStatus = (status) => this.#streamChanged(status);
    this.#connection.onBanned = (problem) => this.#emit('banned', problem);
  }

  /** Whose session this is, once it is open. @returns {string|null} */
  get userId() {
    return this.#userId;
  }

  /** @returns {'open'|'lost'|'closed'} */
  get streamStatus() {
    return this.#connection.status;
  }

  /** How events come: `polling` where something on the way holds streams back. @returns {'stream'|'polling'} */
  get transport() {
    return this.#connection.transport;
  }

  /** The state after the last event. @returns {State} */
  get state() {
    return this.#state;
  }

  /** The match one is in, until it is over. @returns {Match|null} */
  get match() {
    return this.#match;
  }

  /** The server's clock, in milliseconds since the epoch. */
  now() {
    return Date.now() + this.#clockOffsetMs;
  }

  /**
   * Opens the session and the stream, anew if it was open; resolves once the server has told the current state.
   * Calls made meanwhile share the answer: a second request for the stream would pass for another tab's.
   * @throws {Problem} when the server cannot be reached; the stream, once asked for, keeps trying.
   */
  connect() {
    if (this.#connecting) return this.#connecting;
    const connecting = this.#connect().finally(() => {
      if (this.#connecting === connecting) this.#connecting = null;
    });
    this.#connecting = connecting;
    return connecting;
  }

  async #connect() {
    this.#watchPage();
    await this.#api.openSession();
    const told = this.#nextSnapshot();
    this.#connection.open({ fresh: true });
    await told;
  }

  /** Closes the stream; the server then holds one for gone unless another tab took over. */
  close() {
    this.#stopWatchingPage();
    this.#connecting = null;
    this.#connection.close();
  }

  /** Signs out, also in other tabs: whatever one is in ends, and the next `connect` makes somebody new. */
  async signOut() {
    await this.#api.closeSession();
    this.close();
  }

  /** Resumes the stream at once, when the network is known to be back. A page's client knows by itself. */
  hurry() {
    this.#connection.hurry();
  }

  /** Asks for a partner. @param {string[]} [interests] */
  async enqueue(interests) {
    this.#enqueuedSeq = Number.POSITIVE_INFINITY;
    try {
      const answer = await this.#act('enqueue', interests ? { interests } : {});
      this.#enqueuedSeq = answer.seq;
      return answer;
    } catch (problem) {
      if (problem.status) this.#enqueuedSeq = -1; // without an answer, it may have arrived
      throw problem;
    }
  }

  /** Leaves this match for another. A late call never touches the next match. */
  skip(sessionId = this.#match?.sessionId) {
    return this.#act('skip', sessionId ? { sessionId } : {});
  }

  /** Leaves this match, or the queue, for good. */
  end(sessionId = this.#match?.sessionId) {
    return this.#act('end', sessionId ? { sessionId } : {});
  }

  /** Never to meet that partner again: the one of this match, which ends as by a skip, or of an earlier one. */
  block(sessionId = this.#match?.sessionId) {
    return this.#act('block', { sessionId });
  }

  /**
   * Blocks, leaves for good if it is about this match, and tells the moderators why.
   * @param {string} sessionId @param {import('./dormparty-client.d.ts').Offence} reason
   * @param {string} [details] in one's own words, 500 characters at most
   */
  report(sessionId, reason, details = '') {
    return this.#act('report', { sessionId, reason, details });
  }

  /** Like end, for a page that is closing: it waits for no answer. */
  leave() {
    this.#api.beacon(`${ACTIONS}leave`);
  }

  /** Says that one is still here, which an open stream does by itself. */
  heartbeat() {
    return this.#act('heartbeat');
  }

  /** Says that the room of a `room-closing` is left; the client does so after `waitUntil`. @param {string} roomName */
  acknowledgeRoomClosed(roomName) {
    return this.#act('room-close-ack', { roomName });
  }

  /**
   * Has the server ask LiveKit about the match, when what one sees of the room does not fit what the server has said.
   * Where something is amiss, events follow. @returns {Promise<{matched: boolean, match: Match|null}>}
   */
  checkMatch() {
    return this.#api.request('GET', `${ACTIONS}check-match`);
  }

  status() {
    return this.#api.request('GET', `${ACTIONS}status`);
  }

  #act(action, body) {
    return this.#api.request('POST', ACTIONS + action, body);
  }

  #nextSnapshot() {
    const waiting = new AbortController();
    const { signal } = waiting;
    const told = new Promise((resolve, reject) => {
      const tooLate = new Problem({ code: 'unreachable', title: 'The event stream did not open' });
      const timer = setTimeout(() => reject(tooLate), this.#timings.connectMs);
      signal.addEventListener('abort', () => clearTimeout(timer));
      this.addEventListener('snapshot', () => resolve(), { signal });
      this.addEventListener('banned', ({ detail }) => reject(detail), { signal });
    });
    return told.finally(() => waiting.abort());
  }

  #useSession({ userId }) {
    const changed = this.#userId !== null && this.#userId !== userId;
    this.#userId = userId;
    if (!changed) return;
    this.#seq = -1;
    if (this.streamStatus !== 'closed') this.#connection.open({ fresh: true });
  }

  // The page

  #watchPage() {
    this.#stopWatchingPage();
    this.#stopWatchingPage = watchPage({
      online: () => this.#connection.hurry(),
      visible: () => this.#connection.wake(),
      hide: () => this.#hide(),
      restore: () => this.#connection.open({ fresh: true }),
    });
  }

  #hide() {
    const isInvolved = this.#state !== 'IDLE' || this.#enqueuedSeq > this.#seq;
    if (this.#leavesWithPage && isInvolved) this.leave();
    this.#connection.close();
  }

  // Events

  #receive(data, resumed) {
    this.#api.renewInTime();
    if (data.type === 'connected') this.#connected(data, resumed);
    else if (MOMENTARY.has(data.type)) this.#momentary(data);
    else if (!(data.seq <= this.#seq)) this.#step(data);
  }

  #connected(snapshot, resumed) {
    this.#setClock(snapshot);
    this.#emit('connected', snapshot);
    if (!resumed || snapshot.resync || this.#seq < 0) this.#adopt(snapshot);
  }

  #adopt(snapshot) {
    this.#seq = snapshot.seq;
    this.#state = snapshot.state;
    this.#match = snapshot.match ?? null;
    this.#emit('snapshot', snapshot);
  }

  #momentary(data) {
    this.#setClock(data);
    if (data.type === 'queue-update' && this.#state !== 'WAITING') return;
    if (data.type === 'superseded') this.close();
    this.#emit(data.type, data);
  }

  #step(data) {
    this.#seq = data.seq ?? this.#seq;
    this.#state = data.state ?? this.#state;
    if (data.type === 'new-match') this.#match = data;
    if (!IN_A_MATCH.has(this.#state)) this.#match = null;
    if (data.type === 'room-closing') this.#closeRoom(data);
    else this.#emit(data.type, data);
  }

  async #closeRoom(detail) {
    const event = new RoomClosingEvent('room-closing', detail);
    this.dispatchEvent(event);
    await event.settled();
    await this.acknowledgeRoomClosed(detail.roomName).catch(() => {}); // the server would not wait for long
  }

  #setClock({ timestamp }) {
    if (timestamp) this.#clockOffsetMs = timestamp - Date.now();
  }

  #streamChanged(status) {
    clearInterval(this.#heartbeatTimer);
    if (status === 'lost') {
      this.#heartbeatTimer = setInterval(() => this.#stayPresent(), this.#timings.heartbeatMs);
    }
    this.#emit('stream', status);
  }

  /** Without a stream, only this keeps a call from being given up by the server. */
  #stayPresent() {
    if (IN_A_MATCH.has(this.#state)) this.heartbeat().catch(() => {});
  }

  #emit(type, detail) {
    this.dispatchEvent(new ClientEvent(type, detail));
  }
}
