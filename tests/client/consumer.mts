/** Uses of the client that must compile, and such that must not. */

import {
  ClientEvent,
  DormPartyClient,
  type DormPartyClientEventMap,
  type Match,
  Problem,
  type State,
  type StreamStatus,
} from '../../dormparty_sse/web/static/dormparty-client.js';

declare function joinRoom(livekitUrl: string, token: string): void;
declare function leaveRoom(): Promise<void>;

const client = new DormPartyClient({ baseUrl: 'https://party.example', pool: 'main', timings: { silenceMs: 20_000 } });

client.addEventListener('new-match', ({ detail }) => joinRoom(detail.livekitUrl, detail.token));
client.addEventListener('room-closing', (event) => {
  event.waitUntil(leaveRoom());
  event.detail.roomName satisfies string;
});
client.addEventListener('snapshot', ({ detail }) => {
  detail.state satisfies State;
  detail.match satisfies Match | null;
  detail.holdReason satisfies string | null;
  detail.resync satisfies boolean;
});
client.addEventListener('queue-update', { handleEvent: ({ detail }) => detail.position satisfies number | null });
client.addEventListener('force-disconnect', ({ detail }) => detail.initiatedBy satisfies string | null, { once: true });
client.addEventListener('partner-reconnecting', ({ detail }) => detail.endsAt - client.now());
client.addEventListener('draining', ({ detail }) => detail.reconnectInMs satisfies number | undefined);
client.addEventListener('stream', ({ detail }) => detail satisfies StreamStatus);
client.addEventListener('banned', ({ detail }) => detail satisfies Problem);
client.addEventListener('my-own', (event) => event satisfies Event);

const asked = (event: ClientEvent<unknown>) => event.detail;
client.addEventListener('idle', asked);
client.removeEventListener('idle', asked);

type Detail<K extends keyof DormPartyClientEventMap> = DormPartyClientEventMap[K]['detail'];
/** Each event of the server is named as its type says. */
type Misnamed = {
  [K in Exclude<keyof DormPartyClientEventMap, 'snapshot' | 'stream' | 'banned'>]: Detail<K> extends { type: K } ? never : K;
}[Exclude<keyof DormPartyClientEventMap, 'snapshot' | 'stream' | 'banned'>];
const none: [Misnamed] extends [never] ? true : false = true;

try {
  await client.connect();
  const { position, seq } = await client.enqueue(['tea']);
  (position satisfies number | null) ?? seq;
  if ((await client.skip()).outcome === 'skipped') client.hurry();
  await client.block();
  await client.report('session', 'spam', 'They sang.');
  await client.end(null);
  client.transport satisfies 'stream' | 'polling';
} catch (problem) {
  if (problem instanceof Problem && problem.code === 'invalid_state') problem.state satisfies State | null;
  if (problem instanceof Problem && problem.code === 'suspended') problem.until satisfies number | null;
}
client.close();

export { none };

// @ts-expect-error: no such option
new DormPartyClient({ url: 'https://party.example' });
// @ts-expect-error: read-only
client.state = 'IDLE';
// @ts-expect-error: a new-match has no reason
client.addEventListener('new-match', ({ detail }) => detail.reason);
// @ts-expect-error: only a room that is closing is waited for
client.addEventListener('idle', (event) => event.waitUntil(leaveRoom()));
// @ts-expect-error: no such offence
client.report('session', 'boredom');
// @ts-expect-error: interests are a list
client.enqueue('tea');
