/** What a client does by itself on a page; here the page is made of event targets alone. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { start, until } from './fake-server.mjs';

const LEAVE = '/api/matching/leave';

/** A connected client on a page of another origin. */
async function startOnPage(t, timings) {
  globalThis.window = new EventTarget();
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  Object.defineProperty(globalThis, 'navigator', { value: { onLine: true }, configurable: true, writable: true });
  t.after(() => {
    for (const name of ['window', 'document', 'navigator']) delete globalThis[name];
  });
  const started = await start(t, timings);
  await started.client.connect();
  return started;
}

const show = (visibilityState) => {
  document.visibilityState = visibilityState;
  document.dispatchEvent(new Event('visibilitychange'));
};
const pageshow = (persisted) => window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }));

test('a page that is looked at again does not wait', async (t) => {
  const { server, client } = await startOnPage(t);
  server.streams[0].write('retry: 60000\n');
  server.tell('heartbeat');
  server.streams[0].cut();
  await until(() => client.streamStatus === 'lost');
  show('hidden');
  assert.equal(server.streamRequests.length, 1);
  show('visible');
  await until(() => client.streamStatus === 'open');
  show('visible'); // all is well: nothing to do
  await client.status();
  assert.equal(server.streamRequests.length, 2);
});

test('a stream that was not heard of lately is made anew when the page is looked at again', async (t) => {
  const { server, client } = await startOnPage(t, { silenceMs: 4_000 });
  const heardAt = Date.now();
  await until(() => Date.now() - heardAt > 2_100);
  show('visible');
  await until(() => server.streamRequests.length === 2);
  assert.ok(Date.now() - heardAt < 3_900);
  await until(() => client.streamStatus === 'open');
});

test('when the network is back, the stream is made anew: the old one may be dead', async (t) => {
  const { server, client } = await startOnPage(t);
  window.dispatchEvent(new Event('online'));
  await until(() => server.streamRequests.length === 2);
  await until(() => client.streamStatus === 'open');
});

test('without a network there is no hammering', async (t) => {
  const { server, client } = await startOnPage(t, { longestPauseMs: 60_000 });
  navigator.onLine = false;
  server.retryMs = 1;
  server.streams[0].cut();
  await until(() => client.streamStatus === 'lost');
  const since = Date.now();
  await until(() => Date.now() - since > 200);
  assert.equal(server.streamRequests.length, 1);
  navigator.onLine = true;
  window.dispatchEvent(new Event('online'));
  await until(() => client.streamStatus === 'open');
});

test('a page that goes leaves what it is in, and one that is restored begins anew', async (t) => {
  const { server, client } = await startOnPage(t);
  server.step('queued', 'WAITING');
  await until(() => client.state === 'WAITING');
  window.dispatchEvent(new Event('pagehide'));
  assert.equal(client.streamStatus, 'closed');
  await until(() => server.count('POST', LEAVE) === 1);
  server.step('idle', 'IDLE');
  pageshow(false);
  await client.status();
  assert.equal(server.streamRequests.length, 1);
  pageshow(true);
  await until(() => client.state === 'IDLE');
  assert.equal(server.streamRequests[1].headers['last-event-id'], undefined);
});

test('a page that goes while it asks for a partner takes that back', async (t) => {
  const { server, client } = await startOnPage(t);
  server.answers.set('/api/matching/enqueue', () => null); // never answers
  client.enqueue().catch(() => {});
  await until(() => server.count('POST', '/api/matching/enqueue') === 1);
  window.dispatchEvent(new Event('pagehide'));
  await until(() => server.count('POST', LEAVE) === 1);
});

test('a page that is in nothing, or from which another tab took over, has nothing to leave', async (t) => {
  const { server, client } = await startOnPage(t);
  window.dispatchEvent(new Event('pagehide'));
  pageshow(true);
  server.step('queued', 'WAITING');
  await until(() => client.state === 'WAITING');
  server.streams.at(-1).supersede();
  await until(() => client.streamStatus === 'closed');
  window.dispatchEvent(new Event('pagehide'));
  pageshow(true);
  await client.status();
  assert.equal(server.count('POST', LEAVE), 0);
  assert.equal(client.streamStatus, 'closed');
});

test('an enqueue that was refused is nothing to leave', async (t) => {
  const { server, client } = await startOnPage(t);
  server.answers.set('/api/matching/enqueue', () => ({ status: 409, body: { code: 'invalid_state' } }));
  await assert.rejects(client.enqueue());
  window.dispatchEvent(new Event('pagehide'));
  pageshow(true);
  await until(() => client.streamStatus === 'open');
  assert.equal(server.count('POST', LEAVE), 0);
});
