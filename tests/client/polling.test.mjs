/** Where something on the way holds streams back, events come by polls, and by a stream again once that is gone. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { start, until } from './fake-server.mjs';

/** So long streams are waited for. */
const HELD = { firstEventMs: 300 };

const typesOf = (seen) => seen.map(({ type }) => type);

test('a client whose streams are held back gets everything by polls', async (t) => {
  const { server, client, seen } = await start(t, HELD);
  server.holdsStreamsBack = true;
  await client.connect();
  assert.equal(client.transport, 'polling');
  assert.equal(client.streamStatus, 'open');
  assert.equal(server.streamRequests.length, 2);
  assert.equal(server.polls[0].query.has('lastEventId'), false);

  for (const [type, state] of [['queued', 'WAITING'], ['new-match', 'CONNECTING'], ['call-started', 'IN_CALL']]) {
    server.step(type, state);
    await until(() => client.state === state);
  }
  server.step('skip-confirmed', 'DISCONNECTING'); // these may come in one answer
  server.step('requeued', 'WAITING');
  await until(() => client.state === 'WAITING');
  const steps = ['queued', 'new-match', 'call-started', 'skip-confirmed', 'requeued'];
  assert.deepEqual(typesOf(seen).filter((type) => steps.includes(type)), steps);
  assert.equal(seen.find(({ type }) => type === 'queued').detail.id, undefined);
  assert.equal(server.streamRequests.length, 2);
});

test('a stream that ends without an event counts like one that is held back', async (t) => {
  const { server, client } = await start(t, { firstEventMs: 5_000 });
  server.cutAfterBytes = 1;
  await client.connect();
  assert.equal(client.transport, 'polling');
});

test('a stream that was open before goes on as polls after its last event', async (t) => {
  const { server, client, seen } = await start(t, HELD);
  await client.connect();
  server.holdsStreamsBack = true;
  server.streams[0].cut();
  server.step('queued', 'WAITING');
  await until(() => client.state === 'WAITING');
  assert.equal(client.transport, 'polling');
  assert.equal(server.polls[0].query.get('lastEventId'), '0-0');
  assert.deepEqual(typesOf(seen), ['stream', 'connected', 'snapshot', 'stream', 'stream', 'queued']);
});

test('a stream is tried again now and then, and taken once it works', async (t) => {
  const { server, client, seen } = await start(t, { ...HELD, retryStreamMs: 50 });
  server.holdsStreamsBack = true;
  await client.connect();
  seen.length = 0;
  for (let round = 1; server.streamRequests.length < 4; round += 1) {
    server.publish('partner-back', { round });
    await until(() => seen.at(-1)?.detail.round === round);
  }
  assert.equal(client.transport, 'polling');
  server.holdsStreamsBack = false;
  for (let round = 100; client.transport === 'polling'; round += 1) {
    server.publish('partner-back', { round });
    await until(() => seen.at(-1).detail.round === round || client.transport === 'stream');
  }
  server.step('queued', 'WAITING');
  await until(() => client.state === 'WAITING');
  const heard = seen.filter(({ type }) => type === 'partner-back' || type === 'queued').length;
  assert.equal(heard, server.log.length); // none lost, none twice
  assert.equal(typesOf(seen).includes('stream'), false);
});

test('when the network may be another one, a stream is tried at once', async (t) => {
  const { server, client } = await start(t, HELD);
  server.holdsStreamsBack = true;
  await client.connect();
  server.holdsStreamsBack = false;
  client.hurry();
  await until(() => client.transport === 'stream');
});

test('polls that fail are repeated after a pause', async (t) => {
  const { server, client, seen } = await start(t, HELD);
  server.holdsStreamsBack = true;
  await client.connect();
  await until(() => server.polls.length === 2);
  await server.stop();
  await until(() => client.streamStatus === 'lost');
  await server.listen();
  server.step('queued', 'WAITING');
  await until(() => client.state === 'WAITING');
  assert.equal(client.transport, 'polling');
  assert.equal(typesOf(seen).filter((type) => type === 'queued').length, 1);
});

test('a server that is away is no reason to poll', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  const failures = [];
  client.addEventListener('stream', ({ detail }) => failures.push(detail));
  await server.stop();
  const since = Date.now();
  await until(() => Date.now() - since > 300); // many pauses
  await server.listen();
  await until(() => client.streamStatus === 'open');
  assert.equal(client.transport, 'stream');
  assert.deepEqual(failures, ['lost', 'open']);
});

test('where not even requests get through, nothing is polled', async (t) => {
  const { server, client } = await start(t, HELD);
  await client.connect();
  server.holdsStreamsBack = true;
  server.answers.set('/api/matching/heartbeat', () => ({ status: 502, body: {} }));
  server.streams[0].cut();
  await until(() => server.count('POST', '/api/matching/heartbeat') === 2);
  assert.equal(server.polls.length, 0);
  assert.equal(client.streamStatus, 'lost');
});

test('a server that knows no polls is asked for streams again', async (t) => {
  const { server, client } = await start(t, HELD);
  await client.connect();
  server.knowsPolls = false;
  server.holdsStreamsBack = true;
  server.streams[0].cut();
  await until(() => server.polls.length === 1);
  server.holdsStreamsBack = false;
  await until(() => client.transport === 'stream' && client.streamStatus === 'open');
});

test('another tab takes over from polls too, though not the streams that were given up', async (t) => {
  const { server, client, seen } = await start(t, HELD);
  server.holdsStreamsBack = true;
  await client.connect();
  server.publish('superseded');
  await until(() => server.polls.length === 3);
  assert.equal(client.streamStatus, 'open');
  server.publish('superseded');
  await until(() => client.streamStatus === 'closed');
  assert.equal(typesOf(seen).filter((type) => type === 'superseded').length, 1);
});
