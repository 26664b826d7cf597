/** Answers what the server asks of whoever wants a new session. */

import { solveSome } from './proof-of-work.js';

const AT_ONCE = 2_000;

/**
 * The answer to a challenge, as the members of the next request.
 * @param {import('../dormparty-client.d.ts').Challenge} challenge
 * @returns {Promise<object|null>} null: this cannot be answered without the page's help
 */
export async function answerChallenge({ gate, challenge, difficulty }) {
  if (gate !== 'proof-of-work') return null;
  const solution = await inWorker(challenge, difficulty).catch(() => inTurns(challenge, difficulty));
  return { challenge, solution };
}

/** Fails where there are no workers, as in Node, or not for a module of another origin. */
function inWorker(challenge, difficulty) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./gate-worker.js', import.meta.url), { type: 'module' });
    const end = (settle) => (event) => {
      worker.terminate();
      settle(event.data);
    };
    worker.addEventListener('message', end(resolve));
    worker.addEventListener('error', end(reject));
    worker.postMessage({ challenge, difficulty });
  });
}

async function inTurns(challenge, difficulty) {
  for (let first = 0; ; first += AT_ONCE) {
    const solution = solveSome(challenge, difficulty, first, AT_ONCE);
    if (solution !== null) return solution;
    await new Promise((resolve) => {
      setTimeout(resolve);
    });
  }
}
