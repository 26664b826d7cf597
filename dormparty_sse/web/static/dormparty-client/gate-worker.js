/** A worker of the browser: it solves the one challenge it is given, and the page stays awake meanwhile. */

import { solveSome } from './proof-of-work.js';

addEventListener('message', ({ data: { challenge, difficulty } }) => {
  postMessage(solveSome(challenge, difficulty, 0, Number.MAX_SAFE_INTEGER));
});
