/**
 * Keeps one way open by which events come: resumes after the last event seen, notices a silent connection, comes
 * back with growing pauses, moves when the server wants it to, and polls where no stream gets through.
 */

import { Backoff } from './backoff.js';
import { pause } from './deadline.js';
import { Fallback } from './fallback.js';
import { Problem } from './problem.js';
import { Stream } from './stream.js';

const EVENTS = '/api/matching/events';
const CHECK = '/api/matching/heartbeat';
/** A request that was given up may still arrive so much later, and take over from the one that came after it. */
const STRAY_MS = 20_000;
/** The server holds a poll until there is something to tell; an empty answer that comes sooner tells of a fault. */
const HELD_MS = 500;

/** @typedef {'open'|'lost'|'closed'} Status */

export class Connection {
  /** @type {(data: any, resumed: boolean) => void} `resumed`: it was asked for what follows a last event */
  onEvent = () => {};
  /** @type {(status: Status) => void} */
  onStatus = () => {};
  /** @type {(problem: Problem) => void} The server serves one no more; the connection is closed. */
  onBanned = () => {};
  #api;
  #timings;
  #backoff;
  #fallback;
  /** @type {AbortController|null} */
  #run = null;
  /** @type {Status} */
  #status = 'closed';
  #lastEventId = '';
  #heardAt = 0;
  #strayUntil = 0;

  /** @param {import('./api.js').ServerApi} api @param {import('./timings.js').TIMINGS} timings */
  constructor(api, timings) {
    this.#api = api;
    this.#timings = timings;
    this.#backoff = new Backoff(timings);
    this.#fallback = new Fallback(timings.retryStreamMs);
  }

  get status() {
    return this.#status;
  }

  get transport() {
    return this.#fallback.transport;
  }

  /** Connects, or connects anew. @param {{fresh?: boolean}} [options] `fresh` forgets the last event. */
  open({ fresh = false } = {}) {
    this.#run?.abort();
    if (fresh) {
      this.#lastEventId = '';
      this.#backoff = new Backoff(this.#timings);
    }
    this.#run = new AbortController();
    this.#keep(this.#run.signal);
  }

  /** Closes it for good; `open` may be called again. */
  close() {
    this.#run?.abort();
    this.#run = null;
    this.#setStatus('closed');
  }

  /** To be called when the network is known to be back: the old connection may be dead, or wait for its pause. */
  hurry() {
    if (!this.#run) return;
    this.#fallback.networkChanged();
    this.open();
  }

  /** To be called after a sleep: connects anew, unless the stream has just shown that it is alive. */
  wake() {
    const isFresh = Date.now() - this.#heardAt < this.#timings.silenceMs / 2;
    const isAlive = isFresh && this.#status === 'open' && this.transport === 'stream';
    if (this.#run && !isAlive) this.open();
  }

  async #keep(signal) {
    while (!signal.aborted) {
      const pauseMs = await this.#attempt(signal);
      const isOffline = this.#status === 'lost' && globalThis.navigator?.onLine === false;
      await pause(isOffline ? Math.max(pauseMs, this.#timings.longestPauseMs) : pauseMs, signal);
    }
  }

  /** A stream to its end, or one request. @returns {Promise<number>} how long to pause then, in milliseconds */
  async #attempt(signal) {
    const attempts = { stream: this.#stream, check: this.#check, poll: this.#poll };
    try {
      return await attempts[this.#fallback.choose()].call(this, signal);
    } catch (problem) {
      return signal.aborted ? 0 : this.#failed(problem);
    }
  }

  async #stream(signal) {
    const stream = new Stream(this.#timings, signal);
    const request = (aborted) => this.#api.stream(EVENTS, this.#lastEventId, aborted);
    const { how, pauseMs, problem } = await stream.read(request, this.#lastEventId, {
      onBytes: () => this.#heard(),
      onEvent: (data, id, retryMs) => {
        this.#fallback.streamWorks();
        this.#receive(data, id, retryMs);
      },
    });
    if (!stream.hasBegun) this.#gotNothing(how, signal);
    if (signal.aborted) return 0;
    if (how === 'moved') return pauseMs;
    if (how !== 'refused' && this.transport === 'polling') return 0; // it was worth a try
    if (how !== 'silent') return this.#failed(problem);
    this.#setStatus('lost');
    return 0; // it has waited long enough
  }

  #gotNothing(how, signal) {
    if (how === 'silent' || signal.aborted) this.#strayUntil = Date.now() + STRAY_MS;
    if (!signal.aborted) this.#fallback.streamFailed(how !== 'refused');
  }

  /** Streams bring nothing: is it them, or the network? */
  async #check(signal) {
    await this.#api.request('POST', CHECK, {}, { timeoutMs: this.#timings.firstEventMs, signal });
    if (signal.aborted) return 0;
    this.#fallback.requestsWork();
    this.#works();
    return 0;
  }

  async #poll(signal) {
    const askedAt = Date.now();
    const after = this.#lastEventId && `&lastEventId=${encodeURIComponent(this.#lastEventId)}`;
    const answer = await this.#askForEvents(`${EVENTS}?poll=1${after}`, signal);
    if (signal.aborted) return 0;
    this.#works();
    let pauseMs = Date.now() - askedAt < HELD_MS && answer.events.length === 0 ? HELD_MS : 0;
    for (const { id, ...data } of answer.events) {
      if (signal.aborted) return 0;
      this.#receive(data, id);
      if (data.type === 'draining') pauseMs = data.reconnectInMs ?? HELD_MS;
    }
    if (!signal.aborted) this.#lastEventId = answer.lastEventId || this.#lastEventId;
    return pauseMs;
  }

  async #askForEvents(path, signal) {
    try {
      const answer = await this.#api.request('GET', path, undefined, { timeoutMs: this.#timings.pollMs, signal });
      if (Array.isArray(answer.events)) return answer;
      throw new Problem({ code: 'unknown', title: 'The answer holds no events', status: 200 });
    } catch (problem) {
      if (signal.aborted) this.#strayUntil = Date.now() + STRAY_MS;
      if (problem.status === 200) this.#fallback.pollsAreRefused();
      throw problem;
    }
  }

  #receive(data, eventId, retryMs) {
    if (data?.type === 'superseded' && Date.now() < this.#strayUntil) {
      this.#strayUntil = 0; // it was a request of our own that came late; the next one takes over again
      return;
    }
    const resumed = this.#lastEventId !== '';
    this.#lastEventId = eventId || this.#lastEventId;
    this.#works(retryMs);
    if (data) this.onEvent(data, resumed);
  }

  #heard() {
    this.#heardAt = Date.now();
  }

  #works(retryMs) {
    this.#heard();
    this.#backoff.succeeded(retryMs);
    this.#setStatus('open');
  }

  /** @param {Problem} [problem] none where a stream was cut */
  async #failed(problem) {
    this.#setStatus('lost');
    const pauseMs = this.#backoff.failed((problem?.retryAfterSeconds ?? 0) * 1000);
    const refusal = problem?.status === 401 ? await this.#renewSession() : problem;
    if (refusal?.code === 'banned' && this.#run) this.#banned(refusal);
    return pauseMs;
  }

  /** @returns {Promise<Problem|null>} why there is none */
  async #renewSession() {
    try {
      await this.#api.openSession();
      return null;
    } catch (problem) {
      return problem;
    }
  }

  #banned(problem) {
    this.close();
    this.onBanned(problem);
  }

  #setStatus(status) {
    if (status === this.#status) return;
    this.#status = status;
    this.onStatus(status);
  }
}
