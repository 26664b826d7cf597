/** What a client asks for, and what it says by itself. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { start, until } from './fake-server.mjs';

const ACK = '/api/matching/room-close-ack';

test('a problem tells what the server says', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  server.answers.set('/api/matching/enqueue', () => ({
    status: 409,
    headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '3' },
    body: { code: 'invalid_state', title: 'Conflict', detail: 'Not now.', state: 'DISCONNECTING' },
  }));
  await assert.rejects(client.enqueue(['tea']), {
    name: 'Problem',
    code: 'invalid_state',
    message: 'Not now.',
    status: 409,
    state: 'DISCONNECTING',
    retryAfterSeconds: 3,
  });
  assert.equal(server.requests.at(-1).body, '{"interests":["tea"]}');
});

test('no answer is a problem too', async (t) => {
  const { server, client } = await start(t, { requestMs: 400 });
  await client.connect();
  server.answers.set('/api/matching/status', () => null); // never answers
  await assert.rejects(client.status(), { code: 'unreachable', status: 0 });
  await server.stop();
  await assert.rejects(client.skip(), { code: 'unreachable', status: 0 });
  await server.listen();
});

test('an action whose session has run out is done with a new one', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  server.expire();
  await client.enqueue();
  assert.equal(server.count('POST', '/api/matching/enqueue'), 2);
  assert.equal(server.count('POST', '/api/session'), 2);
});

test('actions name the match they are for, until it is over', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  server.step('new-match', 'CONNECTING', { sessionId: 's' });
  await until(() => client.match?.sessionId === 's');
  await client.skip();
  await client.end('older');
  server.step('requeued', 'WAITING');
  await until(() => client.match === null);
  await client.end();
  assert.deepEqual(
    server.requests.slice(-3).map(({ path, body }) => `${path} ${body}`),
    ['/api/matching/skip {"sessionId":"s"}', '/api/matching/end {"sessionId":"older"}', '/api/matching/end {}'],
  );
});

test('a block and a report name the match, and say nothing of the person', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  server.step('new-match', 'CONNECTING', { sessionId: 's', partnerId: 'p' });
  await until(() => client.match?.sessionId === 's');
  await client.block();
  await client.block('older');
  await client.report('s', 'spam');
  await client.report('s', 'other', 'They sang.');
  assert.deepEqual(
    server.requests.slice(-4).map(({ path, body }) => `${path} ${body}`),
    [
      '/api/matching/block {"sessionId":"s"}',
      '/api/matching/block {"sessionId":"older"}',
      '/api/matching/report {"sessionId":"s","reason":"spam","details":""}',
      '/api/matching/report {"sessionId":"s","reason":"other","details":"They sang."}',
    ],
  );
});

test('a problem tells why something is not allowed, and until when', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  const refuse = (status, body) => () => ({ status, body });
  server.answers.set('/api/matching/skip', refuse(429, { code: 'skip_cooldown', cooldownUntil: 5_000 }));
  server.answers.set('/api/matching/enqueue', refuse(403, { code: 'suspended', reason: 'reported', until: 7_000 }));
  await assert.rejects(client.skip(), { code: 'skip_cooldown', cooldownUntil: 5_000, reason: null, until: null });
  await assert.rejects(client.enqueue(), { code: 'suspended', reason: 'reported', until: 7_000, cooldownUntil: null });
});

test('the server is told that a room is left, once it is', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  let leave;
  client.addEventListener('room-closing', (event) => {
    event.waitUntil(new Promise((resolve) => {
      leave = resolve;
    }));
    event.waitUntil(Promise.reject(new Error('LiveKit does not answer')));
  });
  server.publish('room-closing', { roomName: 'r', sessionId: 's' });
  await until(() => leave);
  server.step('idle', 'IDLE'); // the stream does not wait
  await until(() => client.streamStatus === 'open' && server.log.length === 2);
  await client.status();
  assert.equal(server.count('POST', ACK), 0);
  leave();
  await until(() => server.count('POST', ACK) === 1);
  assert.equal(server.requests.at(-1).body, '{"roomName":"r"}');
});

test('where nobody has a room to leave, the server is told at once, and may be away', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  server.answers.set(ACK, () => ({ status: 500, body: {} }));
  server.publish('room-closing', { roomName: 'r', sessionId: 's' });
  await until(() => server.count('POST', ACK) === 1);
  assert.equal(client.streamStatus, 'open');
});

test('leave brings the token, and waits for nothing', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  assert.equal(client.leave(), undefined);
  await until(() => server.count('POST', '/api/matching/leave') === 1);
  assert.equal(server.requests.at(-1).headers.authorization, 'Bearer token-0');
});

test('the clock is the server’s', async (t) => {
  const { server, client } = await start(t);
  server.snapshot = { timestamp: Date.now() + 60_000 };
  await client.connect();
  assert.ok(Math.abs(client.now() - Date.now() - 60_000) < 1_000);
});
