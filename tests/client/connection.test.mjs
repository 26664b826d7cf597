/** The stream stays open, whatever happens to it, and brings each event once, in order. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { start, until, watch } from './fake-server.mjs';

const STEPS = [
  ['queued', 'WAITING'],
  ['new-match', 'CONNECTING'],
  ['call-started', 'IN_CALL'],
  ['partner-reconnecting', undefined],
  ['skip-confirmed', 'DISCONNECTING'],
  ['requeued', 'WAITING'],
];

const typesOf = (seen) => seen.map(({ type }) => type);
const stepsOf = (seen) => typesOf(seen).filter((type) => STEPS.some(([step]) => step === type));
const statusesOf = (seen) => seen.filter(({ type }) => type === 'stream').map(({ detail }) => detail);

function playAll(server) {
  for (const [type, state] of STEPS) {
    if (state) server.step(type, state, { sessionId: 's' });
    else server.publish(type, { sessionId: 's' });
  }
}

test('connect resolves with the state told, and the token is brought along', async (t) => {
  const { server, client, seen } = await start(t);
  server.step('queued', 'WAITING');
  await client.connect();
  assert.equal(client.state, 'WAITING');
  assert.equal(client.userId, 'user-0');
  assert.equal(client.transport, 'stream');
  assert.deepEqual(typesOf(seen), ['stream', 'connected', 'snapshot']);
  assert.equal(server.streamRequests[0].headers.authorization, 'Bearer token-0');
});

test('a stream cut after any byte loses nothing and repeats nothing', async (t) => {
  const { server, client, seen } = await start(t, { firstPauseMs: 1, longestPauseMs: 1 });
  server.retryMs = 1;
  await client.connect();
  for (const size of [300, 331, 357, 389, 420, 463, 500, 550, 610, 700]) {
    server.cutAfterBytes = size;
    seen.length = 0;
    server.streams.at(-1)?.cut();
    playAll(server);
    await until(() => stepsOf(seen).length >= STEPS.length, `all events in pieces of ${size}`);
    assert.deepEqual(stepsOf(seen), STEPS.map(([type]) => type));
  }
  server.cutAfterBytes = null;
  await until(() => client.streamStatus === 'open');
  assert.equal(typesOf(seen).includes('snapshot'), false);
  assert.ok(server.streamRequests.length > 20);
});

test('what is told twice is heard once', async (t) => {
  const { server, client, seen } = await start(t);
  await client.connect();
  const event = server.step('queued', 'WAITING');
  server.streams[0].send(event);
  server.step('idle', 'IDLE');
  await until(() => client.state === 'IDLE' && typesOf(seen).includes('idle'));
  assert.equal(typesOf(seen).filter((type) => type === 'queued').length, 1);
});

test('where the log does not reach back, the snapshot stands for what was missed', async (t) => {
  const { server, client, seen } = await start(t);
  await client.connect();
  server.streams[0].send({ id: 'too-old', data: { type: 'heartbeat', timestamp: 1 } });
  await until(() => typesOf(seen).includes('heartbeat'));
  server.snapshot = { state: 'WAITING', seq: 9 };
  server.streams[0].cut();
  await until(() => client.state === 'WAITING');
  assert.equal(typesOf(seen).at(-1), 'snapshot');
});

test('a session that has run out is replaced, and the state is told anew', async (t) => {
  const { server, client, seen } = await start(t);
  await client.connect();
  server.expire();
  seen.length = 0;
  server.streams[0].cut();
  await until(() => client.userId === 'user-1' && client.streamStatus === 'open');
  assert.deepEqual(typesOf(seen), ['stream', 'stream', 'connected', 'snapshot']);
  assert.equal(server.streamRequests.at(-1).headers['last-event-id'], undefined);
});

test('a refusal is heeded for as long as the server wants', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  for (const status of [503, 429]) {
    server.refusal = { status, headers: { 'Retry-After': '1' } };
    const before = server.streamRequests.length;
    const cutAt = Date.now();
    server.streams.at(-1).cut();
    await until(() => server.streamRequests.length === before + 1, 'a refusal');
    server.refusal = null;
    await until(() => client.streamStatus === 'open', 'an open stream');
    assert.ok(Date.now() - cutAt >= 1000);
    assert.equal(server.streamRequests.length, before + 2);
  }
});

const BANNED = { status: 403, body: { code: 'banned', reason: 'spam', until: 7_000 } };

test('who is banned is told so by the refusal of the stream, and stays away', async (t) => {
  const { server, client, seen } = await start(t, { firstPauseMs: 1, longestPauseMs: 1 });
  await client.connect();
  server.refusal = BANNED;
  server.streams[0].cut();
  await until(() => typesOf(seen).includes('banned'));
  const { detail } = seen.find(({ type }) => type === 'banned');
  assert.deepEqual([detail.code, detail.reason, detail.until], ['banned', 'spam', 7_000]);
  assert.equal(client.streamStatus, 'closed');
  const before = server.streamRequests.length;
  await new Promise((resolve) => setTimeout(resolve, 100)); // a hundred pauses
  assert.equal(server.streamRequests.length, before);

  server.refusal = null;
  await client.connect();
  assert.equal(client.streamStatus, 'open');
});

test('who is banned is told so, too, where the session has run out', async (t) => {
  const { server, client, seen } = await start(t, { firstPauseMs: 1, longestPauseMs: 1 });
  await client.connect();
  server.expire();
  server.answers.set('/api/session', () => BANNED);
  server.streams[0].cut();
  await until(() => typesOf(seen).includes('banned'));
  assert.equal(client.streamStatus, 'closed');
});

test('connecting fails at once where the stream is refused to who is banned', async (t) => {
  const { server, client } = await start(t);
  server.refusal = BANNED;
  await assert.rejects(client.connect(), { code: 'banned' });
});

test('the first pause is the one the server named', async (t) => {
  const { server, client } = await start(t);
  server.retryMs = 400;
  await client.connect();
  const cutAt = Date.now();
  server.streams[0].cut();
  await until(() => client.streamStatus === 'lost');
  await until(() => client.streamStatus === 'open');
  assert.ok(Date.now() - cutAt >= 395);
});

test('a pause is cut short by hurry', async (t) => {
  const { server, client } = await start(t);
  server.retryMs = 60_000;
  await client.connect();
  server.streams[0].cut();
  await until(() => client.streamStatus === 'lost');
  client.hurry();
  await until(() => client.streamStatus === 'open');
});

test('a stream that has fallen silent is replaced', async (t) => {
  const { server, client, seen } = await start(t, { silenceMs: 100 });
  await client.connect();
  await until(() => server.streamRequests.length === 2);
  server.step('queued', 'WAITING');
  await until(() => client.state === 'WAITING');
  assert.deepEqual(statusesOf(seen).slice(0, 3), ['open', 'lost', 'open']);
  assert.equal(client.transport, 'stream');
});

test('comments are a sign of life', async (t) => {
  const { server, client, seen } = await start(t, { silenceMs: 150 });
  await client.connect();
  const comments = setInterval(() => server.streams[0].write(': \n\n'), 20);
  const since = Date.now();
  await until(() => Date.now() - since > 400);
  clearInterval(comments);
  assert.deepEqual(statusesOf(seen), ['open']);
});

test('heartbeats stand in for a lost stream while in a match, and only then', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  server.refusal = { status: 500 };
  server.streams[0].cut();
  await until(() => server.streamRequests.length > 5);
  assert.equal(server.count('POST', '/api/matching/heartbeat'), 0);
  server.refusal = null;
  server.step('new-match', 'CONNECTING');
  await until(() => client.state === 'CONNECTING');
  server.refusal = { status: 500 };
  server.streams[0].cut();
  await until(() => server.count('POST', '/api/matching/heartbeat') > 1);
});

test('a draining server is left at the moment it names, and nobody notices', async (t) => {
  const { server, client, seen } = await start(t);
  await client.connect();
  const toldAt = Date.now();
  server.tell('draining', { reconnectInMs: 300 });
  await until(() => typesOf(seen).includes('draining'));
  server.step('queued', 'WAITING'); // it still delivers
  await until(() => client.state === 'WAITING');
  assert.equal(server.streamRequests.length, 1);
  await until(() => server.streamRequests.length === 2);
  const movedAfterMs = Date.now() - toldAt;
  assert.ok(movedAfterMs >= 295 && movedAfterMs < 2_500, `${movedAfterMs}`);
  assert.equal(server.streamRequests[1].headers['last-event-id'], '1-1');
  server.step('idle', 'IDLE');
  await until(() => client.state === 'IDLE');
  assert.deepEqual(statusesOf(seen), ['open']);
  assert.deepEqual(typesOf(seen), ['stream', 'connected', 'snapshot', 'draining', 'queued', 'connected', 'idle']);
});

test('a draining server that ends the stream itself is come back to after its moment', async (t) => {
  const { server, client, seen } = await start(t);
  await client.connect();
  for (const fields of [{ reconnectInMs: 200 }, {}]) {
    const before = server.streamRequests.length;
    const toldAt = Date.now();
    server.tell('draining', fields);
    server.streams.at(-1).end();
    await until(() => server.streamRequests.length === before + 1);
    assert.ok(Date.now() - toldAt >= (fields.reconnectInMs ?? 0) - 5);
    await until(() => typesOf(seen).at(-1) === 'connected');
  }
  assert.deepEqual(statusesOf(seen), ['open']);
});

test('who asks to connect twice is told of another tab all the same', async (t) => {
  const { server, client } = await start(t);
  await Promise.all([client.connect(), client.connect()]);
  assert.equal(server.streamRequests.length, 1);
  server.streams.at(-1).supersede();
  await until(() => client.streamStatus === 'closed');
});

test('a client that is closed while it connects can connect again', async (t) => {
  const { server, client } = await start(t);
  server.holdsStreamsBack = true;
  client.connect().catch(() => {});
  await until(() => server.streamRequests.length === 1);
  client.close();
  server.holdsStreamsBack = false;
  await client.connect();
  assert.equal(client.streamStatus, 'open');
});

test('a client that was superseded stays away until it is asked to connect', async (t) => {
  const { server, client, seen } = await start(t);
  await client.connect();
  server.streams[0].supersede();
  await until(() => client.streamStatus === 'closed');
  client.hurry();
  assert.deepEqual(typesOf(seen).slice(-2), ['stream', 'superseded']);
  assert.equal(server.streamRequests.length, 1);
  await client.connect();
  assert.equal(client.streamStatus, 'open');
});

test('what comes after the word that it is superseded is for nobody', async (t) => {
  const { server, client, seen } = await start(t);
  await client.connect();
  const dataOf = (type) => `data: ${JSON.stringify({ type, timestamp: 1, seq: 1, state: 'WAITING' })}\n\n`;
  server.streams[0].write(dataOf('superseded') + dataOf('queued'));
  await until(() => client.streamStatus === 'closed');
  await client.status();
  assert.deepEqual(typesOf(seen).slice(-2), ['stream', 'superseded']);
});

test('a request of its own that arrives late is no other tab', async (t) => {
  const { server, client, seen } = await start(t, { firstEventMs: 300 });
  await client.connect();
  server.holdsStreamsBack = true;
  server.streams[0].cut();
  await until(() => server.streamRequests.length === 3); // the second was given up
  server.holdsStreamsBack = false;
  client.hurry();
  await until(() => client.streamStatus === 'open');
  server.streams.at(-1).supersede(); // by the one that was given up
  server.step('queued', 'WAITING');
  await until(() => client.state === 'WAITING');
  server.streams.at(-1).supersede();
  await until(() => client.streamStatus === 'closed');
  assert.equal(typesOf(seen).filter((type) => type === 'superseded').length, 1);
});

test('a listener that throws breaks nothing', async (t) => {
  const { server, client, seen } = await start(t);
  const thrown = [];
  const catchers = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error.message));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const catcher of catchers) process.on('uncaughtException', catcher);
  });
  client.addEventListener('queued', () => {
    throw new Error('a mistake of the page');
  });
  await client.connect();
  server.step('queued', 'WAITING');
  server.step('idle', 'IDLE');
  await until(() => typesOf(seen).includes('idle'));
  await until(() => thrown.length === 1);
  assert.deepEqual(statusesOf(seen), ['open']);
  assert.deepEqual(thrown, ['a mistake of the page']);
});

test('what is no event of ours is passed over', async (t) => {
  const { server, client, seen } = await start(t);
  await client.connect();
  server.streams[0].write('data: what?\n\ndata: null\n\ndata: 1\n\n');
  server.step('queued', 'WAITING');
  await until(() => client.state === 'WAITING');
  assert.deepEqual(typesOf(seen), ['stream', 'connected', 'snapshot', 'queued']);
});

test('a client that is closed while it connects stays closed', async (t) => {
  const { server, client } = await start(t, { connectMs: 100 });
  server.holdsStreamsBack = true;
  const connecting = client.connect();
  await until(() => server.streamRequests.length === 1);
  client.close();
  await assert.rejects(connecting, { code: 'unreachable' });
  await until(() => server.streams.length === 0);
  assert.equal(client.streamStatus, 'closed');
  assert.equal(server.streamRequests.length, 1);
});

test('it goes on when a server that was away is back', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  const seen = watch(client);
  await server.stop();
  await until(() => client.streamStatus === 'lost');
  server.step('queued', 'WAITING');
  await server.listen();
  await until(() => client.state === 'WAITING');
  assert.deepEqual(typesOf(seen), ['stream', 'stream', 'connected', 'queued']);
  assert.equal(client.transport, 'stream');
});
