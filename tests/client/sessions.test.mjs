/** The session: what a new one takes, that it is renewed in time, and that it is ended. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { DormPartyClient } from '../../dormparty_sse/web/static/dormparty-client.js';
import { solveSome } from '../../dormparty_sse/web/static/dormparty-client/proof-of-work.js';
import { FakeServer, QUICK, start, until } from './fake-server.mjs';

const digestOf = (text) => createHash('sha256').update(text).digest();
const challengeOf = (letter) => letter.repeat(64);
const required = (letter, fields = {}) => ({
  code: 'challenge_required',
  gate: 'proof-of-work',
  challenge: challengeOf(letter),
  difficulty: 8,
  ...fields,
});
const askedFor = (server) =>
  server.requests.filter(({ path, method }) => path === '/api/session' && method === 'POST').map(({ body }) => JSON.parse(body));

test('what is found is the first number that solves a challenge', () => {
  for (const letter of 'abcXYZ09-_') {
    const solution = solveSome(challengeOf(letter), 12, 0, 1e6);
    assert.ok(digestOf(challengeOf(letter) + solution).readUInt32BE() < 2 ** 20, letter);
    let first = 0;
    while (digestOf(challengeOf(letter) + first).readUInt32BE() >= 2 ** 20) first += 1;
    assert.equal(solution, String(first));
    assert.equal(solveSome(challengeOf(letter), 12, 0, first), null);
  }
});

test('a challenge is answered, and so is the next, should the answer be refused', async (t) => {
  const { server, client } = await start(t);
  server.challenges = [required('a'), required('b', { code: 'challenge_failed' })];
  await client.connect();
  const [first, second, third] = askedFor(server);
  assert.deepEqual(first, {});
  assert.equal(second.challenge, challengeOf('a'));
  assert.equal(third.challenge, challengeOf('b'));
  assert.equal(digestOf(third.challenge + third.solution)[0], 0);
});

test('a server that is never content is left alone', async (t) => {
  const { server, client } = await start(t);
  server.challenges = Array.from({ length: 20 }, () => required('a'));
  await assert.rejects(client.connect(), { code: 'challenge_required' });
  assert.ok(server.challenges.length > 10);
});

test('the check of a third party is left to the page', async (t) => {
  const server = await FakeServer.start();
  const asked = [];
  const answerChallenge = async (challenge) => asked.push(challenge) && { gateToken: 'a token' };
  const client = new DormPartyClient({ baseUrl: server.url, answerChallenge, timings: QUICK });
  t.after(() => {
    client.close();
    return server.stop();
  });
  server.challenges = [{ code: 'challenge_required', gate: 'turnstile', siteKey: 'the key' }];
  await client.connect();
  assert.equal(asked[0].siteKey, 'the key');
  assert.equal(askedFor(server).at(-1).gateToken, 'a token');

  const plain = new DormPartyClient({ baseUrl: server.url, timings: QUICK });
  server.challenges = [{ code: 'challenge_required', gate: 'turnstile', siteKey: 'the key' }];
  await assert.rejects(plain.connect(), ({ challenge }) => challenge.siteKey === 'the key');
});

test('a session is renewed when it is time, by whatever comes on the stream', async (t) => {
  const { server, client } = await start(t);
  server.renewAfterSeconds = 0.05;
  await client.connect();
  assert.equal(askedFor(server).length, 1);
  server.renewAfterSeconds = 1_000;
  await until(() => {
    server.tell('heartbeat');
    return askedFor(server).length === 2;
  });
  const renewal = server.requests.findLast(({ path }) => path === '/api/session');
  assert.equal(renewal.headers.authorization, 'Bearer token-0');
  assert.equal(server.streams.length, 1);
  for (let i = 0; i < 5; i += 1) await client.heartbeat();
  assert.equal(askedFor(server).length, 2);
});

test('who signs out is somebody new the next time', async (t) => {
  const { server, client } = await start(t);
  await client.connect();
  await client.signOut();
  assert.equal(client.streamStatus, 'closed');
  assert.equal(server.count('DELETE', '/api/session'), 1);
  await client.connect();
  assert.equal(client.userId, 'user-1');
  assert.equal(askedFor(server).length, 2);
});
