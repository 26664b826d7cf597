/**
 * What a request answers when it did not work: the server's RFC 9457 problem, or code `unreachable`
 * when no answer came at all.
 */
export class Problem extends Error {
  /** @param {{code: string, title?: string, detail?: string, status?: number, state?: string,
   *           retryAfter?: number, cooldownUntil?: number, reason?: string, until?: number, gate?: string}} fields */
  constructor(fields) {
    super(fields.detail || fields.title || fields.code);
    this.name = 'Problem';
    this.code = fields.code;
    this.status = fields.status ?? 0;
    this.state = fields.state ?? null;
    this.retryAfterSeconds = fields.retryAfter ?? null;
    /** What the server wants answered before it gives a session. */
    this.challenge = fields.gate ? challengeOf(fields) : null;
    this.cooldownUntil = fields.cooldownUntil ?? null;
    this.reason = fields.reason ?? null;
    this.until = fields.until ?? null;
  }
}

function challengeOf({ gate, challenge, difficulty, siteKey }) {
  return { gate, challenge, difficulty, siteKey };
}

/** That of an answer. @param {Response} response @param {any} answer its JSON, if it has any */
export function problemOf(response, answer) {
  const retryAfter = answer?.retryAfter ?? Number(response.headers.get('Retry-After') || Number.NaN);
  return new Problem({
    code: response.status >= 502 ? 'unavailable' : 'unknown',
    title: response.statusText,
    ...answer,
    status: response.status,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
  });
}

/** That of no answer. @param {unknown} cause */
export function unreachable(cause) {
  return new Problem({ code: 'unreachable', detail: String(cause) });
}
