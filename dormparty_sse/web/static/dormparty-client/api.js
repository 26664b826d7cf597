/**
 * Requests to a DormParty server: the session, JSON over POST, problems as exceptions.
 * Knows nothing of events, of the page or of LiveKit.
 */

import { Deadline } from './deadline.js';
import { answerChallenge } from './gate.js';
import { Problem, problemOf, unreachable } from './problem.js';

/** Challenges that are answered one after the other, should the answer to the first come too late. */
const MOST_CHALLENGES = 3;
const NO_CONTENT = 204;
/** Between attempts to renew the session. */
const RENEW_AGAIN_MS = 60_000;

/** @typedef {{userId: string, pool: string, token: string, expiresAt: number, renewAfterSeconds: number}} Session */

export class ServerApi {
  #base;
  #pool;
  #timeoutMs;
  #usesCookie;
  #token = '';
  #answerChallenge;
  #renewAt = Number.POSITIVE_INFINITY;
  /** @type {Promise<Session>|null} */
  #opening = null;

  /** @type {(session: Session) => void} Called whenever the server named the session. */
  onSession = () => {};

  /**
   * @param {{baseUrl?: string, pool?: string, timeoutMs: number,
   *          answer?: (challenge: import('../dormparty-client.d.ts').Challenge) => Promise<object>}} options
   */
  constructor({ baseUrl = '', pool, timeoutMs, answer }) {
    this.#answerChallenge = answer ?? answerChallenge;
    this.#base = baseUrl.replace(/\/$/, '');
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
    this.#usesCookie = isOwnOrigin(this.#base);
  }

  /**
   * Makes a session, or finds the one there is. Calls made meanwhile share the answer.
   * @returns {Promise<Session>}
   * @throws {Problem}
   */
  openSession() {
    this.#opening ??= this.#requestSession().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** Ends the session, here and wherever else the user is. @throws {Problem} */
  async closeSession() {
    await this.#send('DELETE', '/api/session');
    this.#token = '';
    this.#renewAt = Number.POSITIVE_INFINITY;
  }

  /** To be called now and then: a session past half its life is renewed while it is still valid. */
  renewInTime() {
    if (Date.now() < this.#renewAt) return;
    this.#renewAt = Date.now() + RENEW_AGAIN_MS;
    this.openSession().catch(() => {}); // there is time for more
  }

  /**
   * One request; when the session has run out, a new session and one more try.
   * @param {'GET'|'POST'} method
   * @param {string} path
   * @param {object} [body]
   * @param {{timeoutMs?: number, signal?: AbortSignal}} [options]
   * @returns {Promise<any>} the JSON answer
   * @throws {Problem}
   */
  async request(method, path, body, options) {
    this.renewInTime();
    try {
      return await this.#send(method, path, body, options);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
    }
    await this.openSession();
    return this.#send(method, path, body, options);
  }

  /**
   * Asks for an event stream.
   * @param {string} path
   * @param {string} lastEventId empty: from now on
   * @param {AbortSignal} signal
   * @returns {Promise<Response>}
   * @throws {Problem}
   */
  async stream(path, lastEventId, signal) {
    const headers = { Accept: 'text/event-stream' };
    if (lastEventId) headers['Last-Event-ID'] = lastEventId;
    const response = await this.#fetch(path, { headers, signal });
    const type = response.headers.get('Content-Type') ?? '';
    if (response.ok && type.startsWith('text/event-stream')) return response;
    throw problemOf(response, await jsonOf(response));
  }

  /**
   * A POST that outlives the page. Nothing tells whether it arrived.
   * @param {string} path
   * @param {object} [body]
   */
  beacon(path, body = {}) {
    const text = JSON.stringify(body);
    if (this.#usesCookie && navigator.sendBeacon?.(this.#base + path, text)) return;
    this.#fetch(path, { method: 'POST', headers: {}, body: text, keepalive: true }).catch(() => {});
  }

  async #requestSession() {
    const session = await this.#passGate(this.#pool ? { pool: this.#pool } : {});
    this.#pool = session.pool; // where the next session belongs, should this one run out
    this.#token = session.token;
    this.#renewAt = Date.now() + (session.renewAfterSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    this.onSession(session);
    return session;
  }

  async #passGate(wanted) {
    let answer = {};
    for (let left = MOST_CHALLENGES; ; left -= 1) {
      try {
        return await this.#send('POST', '/api/session', { ...wanted, ...answer });
      } catch (problem) {
        if (!problem.challenge || left === 0) throw problem;
        answer = await this.#answerChallenge(problem.challenge);
        if (!answer) throw problem;
      }
    }
  }

  async #send(method, path, body, { timeoutMs = this.#timeoutMs, signal } = {}) {
    const deadline = new Deadline(signal, timeoutMs);
    const init = { method, headers: { Accept: 'application/json' }, signal: deadline.signal };
    if (method === 'POST') {
      init.headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body ?? {});
    }
    try {
      const response = await this.#fetch(path, init);
      const answer = await jsonOf(response);
      if (response.ok && (answer || response.status === NO_CONTENT)) return answer;
      throw problemOf(response, answer);
    } finally {
      deadline.end();
    }
  }

  /** A page of the server's own origin has the cookie, so that all tabs are one user; others bring the token. */
  async #fetch(path, init) {
    const credentials = this.#usesCookie ? 'same-origin' : 'omit';
    if (!this.#usesCookie && this.#token) init.headers.Authorization = `Bearer ${this.#token}`;
    try {
      return await fetch(this.#base + path, { cache: 'no-store', credentials, ...init });
    } catch (cause) {
      throw unreachable(cause);
    }
  }
}

function isOwnOrigin(base) {
  const page = globalThis.location?.href;
  return page !== undefined && new URL(base || '/', page).origin === new URL(page).origin;
}

/** Null where it is none. @throws {Problem} when it does not arrive */
async function jsonOf(response) {
  if (!/[/+]json\b/.test(response.headers.get('Content-Type') ?? '')) {
    response.body?.cancel().catch(() => {}); // it may be a stream without an end
    return null;
  }
  try {
    return await response.json();
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw unreachable(cause);
  }
}
