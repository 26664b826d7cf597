/**
 * Solves a proof of work: finds a number such that SHA-256 of the challenge with the number behind it begins with
 * so many zero bits. SHA-256 is written out here, as that of browsers answers each call later, and only on https.
 */

/** A challenge is one block of SHA-256 long: it is hashed once for all numbers, and the number is a block by itself. */
const BLOCK_BYTES = 64;
/** The first 32 bits of the fractional parts of the cube and square roots of the first primes. */
const K = new Int32Array(64);
const START = new Int32Array(8);

for (let prime = 2, count = 0; count < 64; prime += 1) {
  let isPrime = true;
  for (let factor = 2; factor * factor <= prime; factor += 1) isPrime &&= prime % factor !== 0;
  if (!isPrime) continue;
  K[count] = (Math.cbrt(prime) % 1) * 2 ** 32;
  if (count < 8) START[count] = (Math.sqrt(prime) % 1) * 2 ** 32;
  count += 1;
}

const schedule = new Int32Array(64);

const rotate = (word, bits) => (word >>> bits) | (word << (32 - bits));

/** The state after one more block, 16 words. @param {Int32Array} state @param {Int32Array} block */
function compress(state, block) {
  const w = schedule;
  w.set(block);
  for (let i = 16; i < 64; i += 1) {
    const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  return Int32Array.of(a, b, c, d, e, f, g, h).map((word, i) => word + state[i]);
}

/** @param {Uint8Array} bytes 64 of them */
function wordsOf(bytes) {
  const view = new DataView(bytes.buffer);
  return Int32Array.from({ length: 16 }, (_, i) => view.getInt32(i * 4));
}

/** The last block: the number, and how long the whole was. @param {string} number */
function lastBlock(number) {
  const bytes = new Uint8Array(BLOCK_BYTES);
  new TextEncoder().encodeInto(number, bytes);
  bytes[number.length] = 0x80;
  new DataView(bytes.buffer).setUint32(BLOCK_BYTES - 4, (BLOCK_BYTES + number.length) * 8);
  return wordsOf(bytes);
}

/** @param {Int32Array} digest @param {number} bits 32 at most */
const beginsWithZeros = (digest, bits) => Math.clz32(digest[0]) >= bits;

/**
 * Tries so many numbers, from `first` on.
 * @param {string} challenge
 * @param {number} difficulty in bits
 * @param {number} first
 * @param {number} count
 * @returns {string|null} the one that solves it, or null
 */
export function solveSome(challenge, difficulty, first, count) {
  const block = new TextEncoder().encode(challenge);
  if (block.length !== BLOCK_BYTES) throw new TypeError('no challenge of this kind');
  const begun = compress(START, wordsOf(block));
  for (let number = first; number < first + count; number += 1) {
    if (beginsWithZeros(compress(begun, lastBlock(String(number))), difficulty)) return String(number);
  }
  return null;
}
