/**
 * Requests to a DormParty server: the session, JSON over POST, problems as exceptions.
 * Knows nothing of the stream, of the page or of LiveKit.
 */

/**
 * What a request answers when it did not work: the server's RFC 9457 problem, or code `unreachable`
 * when no answer came at all.
 */
export class Problem extends Error {
  /** @param {{code: string, title?: string, detail?: string, status?: number, state?: string,
   *           retryAfter?: number}} fields */
  constructor(fields) {
    super(fields.detail || fields.title || fields.code);
    this.name = 'Problem';
    this.code = fields.code;
    this.status = fields.status ?? 0;
    this.state = fields.state ?? null;
    this.retryAfterSeconds = fields.retryAfter ?? null;
  }
}

/** @typedef {{userId: string, pool: string, token: string, expiresAt: number}} Session */

export class ServerApi {
  #base;
  #pool;
  #timeoutMs;
  /** @type {Promise<Session>|null} */
  #opening = null;

  /** @type {(session: Session) => void} Called whenever the server named the session. */
  onSession = () => {};

  /** @param {{baseUrl?: string, pool?: string, timeoutMs?: number}} [options] */
  constructor({ baseUrl = '', pool, timeoutMs = 10_000 } = {}) {
    this.#base = baseUrl.replace(/\/$/, '');
    this.#pool = pool;
    this.#timeoutMs = timeoutMs;
  }

  /** @param {string} path */
  url(path) {
    return this.#base + path;
  }

  /**
   * Makes a session, or finds the one the cookie names. Calls made meanwhile share the answer.
   * @returns {Promise<Session>}
   * @throws {Problem}
   */
  openSession() {
    this.#opening ??= this.#requestSession().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /**
   * One request; when the session has run out, a new session and one more try.
   * @param {'GET'|'POST'} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>} the JSON answer
   * @throws {Problem}
   */
  async request(method, path, body) {
    try {
      return await this.#send(method, path, body);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
    }
    await this.openSession();
    return this.#send(method, path, body);
  }

  /**
   * A POST that outlives the page. Nothing tells whether it arrived.
   * @param {string} path
   * @param {object} [body]
   */
  beacon(path, body = {}) {
    const text = JSON.stringify(body);
    if (globalThis.navigator?.sendBeacon?.(this.url(path), text)) return;
    fetch(this.url(path), { method: 'POST', body: text, keepalive: true }).catch(() => {});
  }

  async #requestSession() {
    const session = await this.#send('POST', '/api/session', this.#pool ? { pool: this.#pool } : {});
    this.#pool = session.pool; // where the next session belongs, should this one run out
    this.onSession(session);
    return session;
  }

  async #send(method, path, body) {
    const init = { method, headers: { Accept: 'application/json' }, credentials: 'same-origin' };
    if (method === 'POST') {
      init.headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body ?? {});
    }
    const response = await this.#fetch(path, init);
    const answer = await response.json().catch(() => null);
    if (response.ok && answer) return answer;
    throw problemOf(response, answer);
  }

  async #fetch(path, init) {
    try {
      return await fetch(this.url(path), { ...init, signal: AbortSignal.timeout(this.#timeoutMs) });
    } catch (cause) {
      throw new Problem({ code: 'unreachable', detail: String(cause) });
    }
  }
}

function problemOf(response, answer) {
  const retryAfter = answer?.retryAfter ?? Number(response.headers.get('Retry-After') || Number.NaN);
  return new Problem({
    code: response.status >= 502 ? 'unavailable' : 'unknown',
    title: response.statusText,
    ...answer,
    status: response.status,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
  });
}
