/**
 * A client in Node as a test drives it: takes the URL and the pool, then a line per command, and prints a line
 * of JSON for each event. It joins no room.
 */

import { createInterface } from 'node:readline';

import { DormPartyClient } from '../../dormparty_sse/web/static/dormparty-client.js';

const [baseUrl, pool] = process.argv.slice(2);
const client = new DormPartyClient({ baseUrl, pool });
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const { dispatchEvent } = client;
client.dispatchEvent = (event) => {
  print({ type: event.type, detail: event.detail });
  return dispatchEvent.call(client, event);
};

await client.connect();
for await (const command of createInterface({ input: process.stdin })) {
  print({ type: 'answer', detail: await client[command]() });
}
client.close();
