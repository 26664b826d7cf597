// npm `eventsource` as it comes. `node eventsource.mjs URL`, with the session token on standard input:
// prints each event as a line of JSON, `[data, lastEventId]`.

import { createInterface } from 'node:readline/promises';

import { EventSource } from 'eventsource';

const [url] = process.argv.slice(2);
const token = await createInterface({ input: process.stdin }).question('');

const source = new EventSource(url, {
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
});
source.onmessage = ({ data, lastEventId }) => console.log(JSON.stringify([data, lastEventId]));
