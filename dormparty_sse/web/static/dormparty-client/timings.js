/** How long the client waits for what, in milliseconds; `DormPartyClient` takes others as an option. */
export const TIMINGS = {
  /** For the answer of a request. */
  requestMs: 10_000,
  /** For the state of things, after `connect`: time enough to find out that no stream gets through. */
  connectMs: 12_000,
  /** For the first event of a stream. A proxy that holds streams back shows none. */
  firstEventMs: 4_000,
  /** For anything at all on an open stream; the server sends something within 10 s. */
  silenceMs: 25_000,
  /** For the answer of a poll, which the server holds for 25 s. */
  pollMs: 35_000,
  /** Before the first attempt to come back, unless the server has named another. */
  firstPauseMs: 1_000,
  /** Between attempts, at most. */
  longestPauseMs: 30_000,
  /** Between heartbeats, while the stream is lost. */
  heartbeatMs: 5_000,
  /** While polling, before a stream is tried again; it doubles up to ten times as much. */
  retryStreamMs: 30_000,
};
