/**
 * A DormParty server's client for browsers: session, actions and the event stream, in order and
 * without repeats. It draws nothing and joins no room: listen to its events and do both.
 *
 *     const client = new DormPartyClient();
 *     client.addEventListener('new-match', ({ detail }) => joinRoom(detail.livekitUrl, detail.token));
 *     client.addEventListener('room-closing', async ({ detail }) => {
 *       await leaveRoom();
 *       await client.acknowledgeRoomClosed(detail.roomName);
 *     });
 *     await client.connect();
 *     await client.enqueue();
 */

import { EventStream } from './event-stream.js';
import { Problem, ServerApi } from './server-api.js';

export { Problem };

const ACTIONS = '/api/matching/';
const CONNECT_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 5_000;
const IN_A_MATCH = new Set(['CONNECTING', 'IN_CALL', 'DISCONNECTING']);
/** Told of the moment, so they prove nothing about what came before. */
const MOMENTARY = new Set(['queue-update', 'heartbeat', 'superseded', 'draining']);

/** @typedef {'IDLE'|'WAITING'|'CONNECTING'|'IN_CALL'|'DISCONNECTING'} State */
/**
 * @typedef {{sessionId: string, roomName: string, user1: string, user2: string, partnerId: string,
 *   createdAt: number, livekitUrl: string, token: string, commonInterests: string[]}} Match
 */

/**
 * Detail of `partner-reconnecting`: the partner of this match is away. Unless a `partner-back`, with the `sessionId`
 * alone, comes before `endsAt` (by the server's clock), the match ends then as `connection-lost`.
 * @typedef {{sessionId: string, endsAt: number}} PartnerReconnecting
 */

/**
 * Emits each event of the server under its own type with its fields as `detail`, and besides:
 * `snapshot` (the whole state, when it may not follow from the events before) and
 * `stream` (detail `open`, `lost` or `closed`).
 */
export class DormPartyClient extends EventTarget {
  #api;
  #stream;
  /** @type {string|null} */
  #userId = null;
  /** @type {State} */
  #state = 'IDLE';
  #seq = -1;
  /** @type {Match|null} */
  #match = null;
  #clockOffsetMs = 0;
  #heartbeatTimer = 0;

  /** @param {{baseUrl?: string, pool?: string}} [options] */
  constructor(options = {}) {
    super();
    this.#api = new ServerApi(options);
    this.#api.onSession = (session) => this.#useSession(session);
    this.#stream = new EventStream(this.#api.url(`${ACTIONS}events`), {
      beforeReopen: () => this.#api.openSession(),
    });
    this.#stream.addEventListener('message', ({ detail }) => this.#receive(detail));
    this.#stream.addEventListener('status', ({ detail }) => this.#streamChanged(detail));
  }

  /** Whose session this is, once it is open. @returns {string|null} */
  get userId() {
    return this.#userId;
  }

  /** @returns {'open'|'lost'|'closed'} */
  get streamStatus() {
    return this.#stream.status;
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
   * @throws {Problem} when the server cannot be reached; the stream, once asked for, keeps trying.
   */
  async connect() {
    await this.#api.openSession();
    const told = this.#nextSnapshot();
    this.#stream.open({ fresh: true });
    await told;
  }

  /** Closes the stream; the server then holds one for gone unless another tab took over. */
  close() {
    this.#stream.close();
  }

  /** Resumes the stream at once, when the network is known to be back. */
  hurry() {
    this.#stream.hurry();
  }

  /** Asks for a partner. @param {string[]} [interests] */
  enqueue(interests) {
    return this.#act('enqueue', interests ? { interests } : {});
  }

  /** Leaves this match for another. A late call never touches the next match. */
  skip(sessionId = this.#match?.sessionId) {
    return this.#act('skip', sessionId ? { sessionId } : {});
  }

  /** Leaves this match, or the queue, for good. */
  end(sessionId = this.#match?.sessionId) {
    return this.#act('end', sessionId ? { sessionId } : {});
  }

  /** Like end, for a page that is closing: it waits for no answer. */
  leave() {
    this.#api.beacon(`${ACTIONS}leave`);
  }

  /** Says that one is still here, which an open stream does by itself. */
  heartbeat() {
    return this.#act('heartbeat');
  }

  /** To be called when the room of a `room-closing` is left. @param {string} roomName */
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
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.removeEventListener('snapshot', done);
        reject(new Problem({ code: 'unreachable', title: 'The event stream did not open' }));
      }, CONNECT_TIMEOUT_MS);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.addEventListener('snapshot', done, { once: true });
    });
  }

  #useSession({ userId }) {
    const changed = this.#userId !== null && this.#userId !== userId;
    this.#userId = userId;
    if (!changed) return;
    this.#seq = -1;
    if (this.#stream.status !== 'closed') this.#stream.open({ fresh: true });
  }

  #receive({ data, resumed }) {
    if (data.type === 'connected') return this.#connected(data, resumed);
    if (MOMENTARY.has(data.type)) return this.#momentary(data);
    if (data.seq <= this.#seq) return undefined;
    this.#apply(data);
    return this.#emit(data.type, data);
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
    if (data.type === 'draining') this.#stream.renew();
    this.#emit(data.type, data);
  }

  #apply(data) {
    this.#seq = data.seq ?? this.#seq;
    this.#state = data.state ?? this.#state;
    if (data.type === 'new-match') this.#match = data;
    if (!IN_A_MATCH.has(this.#state)) this.#match = null;
  }

  #setClock({ timestamp }) {
    if (timestamp) this.#clockOffsetMs = timestamp - Date.now();
  }

  #streamChanged(status) {
    clearInterval(this.#heartbeatTimer);
    if (status === 'lost') this.#heartbeatTimer = setInterval(() => this.#stayPresent(), HEARTBEAT_MS);
    this.#emit('stream', status);
  }

  /** Without a stream, only this keeps a call from being given up by the server. */
  #stayPresent() {
    if (IN_A_MATCH.has(this.#state)) this.heartbeat().catch(() => {});
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
