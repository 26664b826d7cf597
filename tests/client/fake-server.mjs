/** A DormParty server as far as a client sees it, with one user, a log of events, and the faults of a network. */

import { createServer } from 'node:http';

import { DormPartyClient } from '../../dormparty_sse/web/static/dormparty-client.js';

const EVENTS = '/api/matching/events';
const LOOK_EVERY_MS = 5;

/** Waiting that a test need not wait for. */
export const QUICK = {
  requestMs: 2_000,
  connectMs: 10_000,
  firstEventMs: 3_000,
  silenceMs: 5_000,
  pollMs: 5_000,
  firstPauseMs: 10,
  longestPauseMs: 40,
  heartbeatMs: 20,
  retryStreamMs: 60_000,
};

/** Waits until something is so, and returns it. */
export async function until(look, what = String(look), timeoutMs = 10_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`not so after ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

export class FakeServer {
  /** The replayable events: `{id, data}`. */
  log = [];
  /** `{method, path, query, headers, body}` of everything that was asked. */
  requests = [];
  /** What stands between: streams get this status instead, */
  refusal = null;
  /** or not a byte, */
  holdsStreamsBack = false;
  /** or so many bytes each, and are cut then. */
  cutAfterBytes = null;
  knowsPolls = true;
  /** What the next snapshots say. */
  snapshot = {};
  retryMs = null;
  /** Each request for a session is asked the next of these, until there is none left. */
  challenges = [];
  /** In how long sessions are to be renewed. */
  renewAfterSeconds = undefined;
  /** @type {Map<string, (request: object) => {status?: number, headers?: object, body?: object}>} */
  answers = new Map();
  /** The streams that are open, the newest last. */
  streams = [];
  #waiting = new Set(); // polls
  #sessions = 0;
  #http = createServer((request, response) => this.#serve(request, response));

  static async start() {
    const server = new FakeServer();
    await new Promise((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    server.port = server.#http.address().port;
    return server;
  }

  /** Nobody answers any more, until `listen`. */
  async stop() {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async listen() {
    await new Promise((resolve) => this.#http.listen(this.port, '127.0.0.1', resolve));
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How often something was asked for. */
  count(method, path) {
    return this.requests.filter((request) => request.method === method && request.path === path).length;
  }

  get streamRequests() {
    return this.requests.filter((request) => request.path === EVENTS && !request.query.has('poll'));
  }

  get polls() {
    return this.requests.filter((request) => request.query.has('poll'));
  }

  /** The session ends: what comes with its token is refused. */
  expire() {
    this.#sessions += 1;
  }

  /** Something happens that is told now, and again to whoever has missed it. */
  publish(type, fields = {}) {
    const event = { id: `1-${this.log.length + 1}`, data: { type, timestamp: Date.now(), ...fields } };
    this.log.push(event);
    for (const stream of this.streams) stream.send(event);
    for (const poll of [...this.#waiting]) poll();
    return event;
  }

  /** The same with a step. */
  step(type, state, fields = {}) {
    const seq = this.log.filter(({ data }) => data.seq).length + 1;
    return this.publish(type, { state, seq, ...fields });
  }

  /** Something of the moment. */
  tell(type, fields = {}) {
    this.streams.at(-1).send({ data: { type, timestamp: Date.now(), ...fields } });
  }

  forget(stream) {
    this.streams = this.streams.filter((other) => other !== stream);
  }

  async #serve(request, response) {
    const url = new URL(request.url, this.url);
    let body = '';
    for await (const chunk of request) body += chunk;
    const seen = { method: request.method, path: url.pathname, query: url.searchParams, headers: request.headers, body };
    this.requests.push(seen);
    const { status = 200, headers = {}, body: answer } = this.#answer(seen, response) ?? {};
    if (answer) response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(answer));
  }

  #answer(seen, response) {
    if (seen.path === '/api/session') return this.answers.get(seen.path)?.(seen) ?? this.#session(seen);
    if (seen.headers.authorization !== `Bearer ${this.#token}`) return { status: 401, body: { code: 'unauthenticated' } };
    if (this.answers.has(seen.path)) return this.answers.get(seen.path)(seen);
    if (seen.path !== EVENTS) return { body: { state: 'IDLE', seq: 0, outcome: 'done' } };
    if (this.knowsPolls && seen.query.has('poll')) return this.#poll(seen, response);
    if (this.refusal) return { body: { code: 'unavailable' }, ...this.refusal };
    this.#stream(seen, response);
    return null;
  }

  get #token() {
    return `token-${this.#sessions}`;
  }

  #session({ method, headers }) {
    if (method === 'DELETE') {
      this.expire();
      return { status: 204, body: {} };
    }
    if (this.challenges.length > 0) return { status: 403, body: this.challenges.shift() };
    const isKnown = headers.authorization === `Bearer ${this.#token}`;
    const { renewAfterSeconds } = this;
    const session = { userId: `user-${this.#sessions}`, pool: 'main', token: this.#token, expiresAt: 0, renewAfterSeconds };
    return { status: isKnown ? 200 : 201, body: session };
  }

  #connected(resync) {
    const last = this.log.findLast(({ data }) => data.seq)?.data;
    const { state = 'IDLE', seq = 0 } = last ?? {};
    return { type: 'connected', timestamp: Date.now(), state, seq, match: null, resync, ...this.snapshot };
  }

  get #lastId() {
    return this.log.at(-1)?.id ?? '0-0';
  }

  #since(id) {
    return this.log.slice(id === '0-0' ? 0 : this.log.findIndex((event) => event.id === id) + 1);
  }

  #stream({ headers }, response) {
    const stream = new FakeStream(response, this);
    const lastId = headers['last-event-id'];
    for (const older of this.streams) older.supersede();
    this.streams.push(stream);
    response.once('close', () => this.forget(stream));
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    if (this.retryMs !== null) stream.write(`retry: ${this.retryMs}\n`);
    const resync = lastId === 'too-old';
    stream.send({ id: lastId ? undefined : this.#lastId, data: this.#connected(resync) });
    if (lastId) for (const event of this.#since(lastId)) stream.send(event);
  }

  #poll({ query }, response) {
    const lastId = query.get('lastEventId');
    const answer = (events) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ events, lastEventId: this.#lastId }));
    };
    const look = () => {
      const events = this.#since(lastId).map(({ id, data }) => ({ ...data, id }));
      if (events.length > 0) {
        this.#waiting.delete(look);
        answer(events);
      }
    };
    response.once('close', () => this.#waiting.delete(look));
    if (!lastId) answer([{ ...this.#connected(false), id: this.#lastId }]);
    else {
      this.#waiting.add(look);
      look();
    }
    return null;
  }
}

class FakeStream {
  #written = 0;

  constructor(response, server) {
    this.response = response;
    this.server = server;
  }

  send({ id, data }) {
    this.write(`${id ? `id: ${id}\n` : ''}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Writes as much as the network lets through. */
  write(text) {
    if (this.server.holdsStreamsBack) return;
    const bytes = Buffer.from(text);
    const left = (this.server.cutAfterBytes ?? Infinity) - this.#written;
    this.#written += bytes.length;
    if (bytes.length < left) this.response.write(bytes);
    else this.response.write(bytes.subarray(0, Math.max(left, 0)), () => this.cut());
  }

  supersede() {
    this.send({ data: { type: 'superseded', timestamp: Date.now() } });
    this.end();
  }

  end() {
    this.server.forget(this);
    this.response.end();
  }

  cut() {
    this.response.destroy();
  }
}

/** A fake server, and a client of it; both end with the test. */
export async function start(t, timings = {}) {
  const server = await FakeServer.start();
  const client = new DormPartyClient({ baseUrl: server.url, timings: { ...QUICK, ...timings } });
  const seen = watch(client);
  t.after(async () => {
    client.close();
    await server.stop();
  });
  return { server, client, seen };
}

/** `{type, detail}` of every event that a client emits from now on. */
export function watch(client) {
  const seen = [];
  const { dispatchEvent } = client;
  client.dispatchEvent = (event) => {
    seen.push({ type: event.type, detail: event.detail });
    return dispatchEvent.call(client, event);
  };
  return seen;
}
