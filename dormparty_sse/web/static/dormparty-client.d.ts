/** Times are in milliseconds since the epoch, by the server's clock, unless a name says otherwise. */

export type State = 'IDLE' | 'WAITING' | 'CONNECTING' | 'IN_CALL' | 'DISCONNECTING';

/** Why nobody was found for somebody who waits. */
export type HoldReason = 'cooldown' | 'blocked' | 'rooms-unavailable' | 'alone-in-queue';

/** Why a match ended, as the one who caused it knows it. */
export type EndReason =
  | 'skip'
  | 'end'
  | 'leave'
  | 'partner-left'
  | 'connection-lost'
  | 'connect-timeout'
  | 'room-finished'
  | 'room-failed'
  | 'blocked'
  | 'stale'
  | 'admin';

/** The same, as the partner knows it. */
export type PartnerEndReason = 'partner-skipped' | 'partner-ended' | 'partner-left';

/** What somebody is reported for. */
export type Offence = 'nudity' | 'harassment' | 'hate' | 'violence' | 'minor' | 'spam' | 'other';

export interface Match {
  sessionId: string;
  roomName: string;
  user1: string;
  user2: string;
  partnerId: string;
  createdAt: number;
  /** Where to join the room, with `token`, which is for this user and this room and valid for about a minute. */
  livekitUrl: string;
  token: string;
  commonInterests: string[];
}

/** One's place in line; null while unknown. */
export interface QueueView {
  /** From 1. */
  position: number | null;
  queueLength: number | null;
  /** What people waited lately. */
  estimatedWaitSeconds: number | null;
}

export interface WaitingView extends QueueView {
  holdReason: HoldReason | null;
  /** When a cooldown is over. */
  holdUntil: number | null;
}

/** All that one may know of where one stands. */
export interface Status extends WaitingView {
  state: State;
  /** Counts one's steps from state to state, from 1 without gaps. */
  seq: number;
  waitingSince: number | null;
  match: Match | null;
  /** Until when one may not skip. */
  cooldownUntil: number | null;
  now: number;
}

export interface ServerEvent {
  type: string;
  timestamp: number;
}

/** An event that carries a step. */
export interface StepEvent extends ServerEvent {
  state: State;
  seq: number;
}

/** A match is over. From CONNECTING, the `requeued` that follows carries the step, and this has none. */
export interface EndEvent extends ServerEvent {
  state?: State;
  seq?: number;
  sessionId: string;
  /** Where one is led to. */
  targetState: 'WAITING' | 'IDLE';
}

export interface ConnectedDetail extends ServerEvent, Status {
  type: 'connected';
  /** The log does not reach back to the last event: this stands for what was missed. */
  resync: boolean;
}

export interface QueuedDetail extends StepEvent, QueueView {
  type: 'queued';
}

export interface RequeuedDetail extends StepEvent, QueueView {
  type: 'requeued';
  reason: EndReason;
  /** The match that is over. */
  sessionId: string;
}

export interface QueueUpdateDetail extends ServerEvent, WaitingView {
  type: 'queue-update';
}

export interface NewMatchDetail extends StepEvent, Match {
  type: 'new-match';
}

/** A `new-match` that was missed, and is over. */
export interface PastMatchDetail extends StepEvent, Omit<Match, 'livekitUrl' | 'token' | 'commonInterests'> {
  type: 'past-match';
  commonInterests?: string[];
}

export interface CallStartedDetail extends StepEvent {
  type: 'call-started';
  sessionId: string;
  roomName: string;
}

export interface PartnerReconnectingDetail extends ServerEvent {
  type: 'partner-reconnecting';
  sessionId: string;
  /** Unless a `partner-back` comes before, the match ends then. */
  endsAt: number;
}

export interface PartnerBackDetail extends ServerEvent {
  type: 'partner-back';
  sessionId: string;
}

export interface SkipConfirmedDetail extends EndEvent {
  type: 'skip-confirmed';
  /** The next skip is possible then, if a cooldown began with this one. */
  cooldownUntil?: number;
}

export interface EndConfirmedDetail extends EndEvent {
  type: 'end-confirmed';
}

export interface ForceDisconnectDetail extends EndEvent {
  type: 'force-disconnect';
  reason: EndReason | PartnerEndReason;
  /** Whose doing it was; null: nobody's. */
  initiatedBy: string | null;
}

export interface RoomClosingDetail extends ServerEvent {
  type: 'room-closing';
  roomName: string;
  sessionId: string;
  reason: EndReason;
}

export interface IdleDetail extends StepEvent {
  type: 'idle';
  reason: EndReason | 'cancel' | 'suspended' | 'banned';
  /** The match that is over, if it was one that led home. */
  sessionId?: string;
  /** Why one is kept out, and until when (ms since the epoch). */
  bar?: { kind: 'suspended' | 'banned'; reason: string; until: number };
}

export interface HeartbeatDetail extends ServerEvent {
  type: 'heartbeat';
}

/** Another tab took over; this client has closed. */
export interface SupersededDetail extends ServerEvent {
  type: 'superseded';
}

/** The server's process stops; the client moves by itself. */
export interface DrainingDetail extends ServerEvent {
  type: 'draining';
  reconnectInMs?: number;
}

export class ClientEvent<Detail> extends Event {
  constructor(type: string, detail: Detail);
  readonly detail: Detail;
}

/** The room is to be left. Once all promises given to `waitUntil` have settled, the client tells the server so. */
export class RoomClosingEvent extends ClientEvent<RoomClosingDetail> {
  /** To be called while the event is dispatched. */
  waitUntil(promise: PromiseLike<unknown>): void;
}

/** Every event of a client, by its type. */
export interface DormPartyClientEventMap {
  connected: ClientEvent<ConnectedDetail>;
  queued: ClientEvent<QueuedDetail>;
  requeued: ClientEvent<RequeuedDetail>;
  'queue-update': ClientEvent<QueueUpdateDetail>;
  'new-match': ClientEvent<NewMatchDetail>;
  'past-match': ClientEvent<PastMatchDetail>;
  'call-started': ClientEvent<CallStartedDetail>;
  'partner-reconnecting': ClientEvent<PartnerReconnectingDetail>;
  'partner-back': ClientEvent<PartnerBackDetail>;
  'skip-confirmed': ClientEvent<SkipConfirmedDetail>;
  'end-confirmed': ClientEvent<EndConfirmedDetail>;
  'force-disconnect': ClientEvent<ForceDisconnectDetail>;
  'room-closing': RoomClosingEvent;
  idle: ClientEvent<IdleDetail>;
  heartbeat: ClientEvent<HeartbeatDetail>;
  superseded: ClientEvent<SupersededDetail>;
  draining: ClientEvent<DrainingDetail>;
  /** The client's own: the whole state, when it may not follow from the events before. */
  snapshot: ClientEvent<ConnectedDetail>;
  /** The client's own: what has become of the stream, or of the polls in its place. */
  stream: ClientEvent<StreamStatus>;
  /** The client's own: the server refuses the stream to whoever is banned, and the client has closed. */
  banned: ClientEvent<Problem>;
}

export type StreamStatus = 'open' | 'lost' | 'closed';

/** The server's problem (RFC 9457); code `unreachable` and status 0 where no answer came at all. */
export class Problem extends Error {
  constructor(fields: {
    code: string;
    title?: string;
    detail?: string;
    status?: number;
    state?: State;
    retryAfter?: number;
    gate?: Challenge['gate'];
    challenge?: string;
    difficulty?: number;
    siteKey?: string;
    cooldownUntil?: number;
    reason?: string;
    until?: number;
  });
  readonly name: 'Problem';
  /** Such as `invalid_state`, `skip_cooldown`, `suspended`, `banned`, `rate_limited`, `unavailable`, `unreachable`. */
  readonly code: string;
  readonly status: number;
  /** The state that did not allow the action. */
  readonly state: State | null;
  readonly retryAfterSeconds: number | null;
  /** What a new session takes. */
  readonly challenge: Challenge | null;
  /** With `skip_cooldown`: when the next skip is possible. */
  readonly cooldownUntil: number | null;
  /** With `suspended` and `banned`: why, */
  readonly reason: string | null;
  /** and until when. */
  readonly until: number | null;
}

/** In milliseconds. */
export interface Timings {
  /** For the answer of a request; 10 s. */
  requestMs: number;
  /** For the state of things, after `connect`; 12 s. */
  connectMs: number;
  /** For the first event of a stream, since a proxy may hold streams back; 4 s. */
  firstEventMs: number;
  /** For anything at all on an open stream; 15 s. */
  silenceMs: number;
  /** For the answer of a poll, which the server holds for 25 s; 35 s. */
  pollMs: number;
  /** Before the first attempt to come back, unless the server has named another; 1 s. */
  firstPauseMs: number;
  /** Between attempts, at most; 30 s. */
  longestPauseMs: number;
  /** Between heartbeats, while the stream is lost; 5 s. */
  heartbeatMs: number;
  /** While polling, before a stream is tried again, the first time; 30 s. */
  retryStreamMs: number;
}

export interface Options {
  /**
   * The server, such as `https://party.example`; without it, the page's own origin. There the session is a cookie,
   * and all tabs are one user. Elsewhere, in Node, each client is a user of its own.
   */
  baseUrl?: string;
  /** Users meet inside their pool only; `main` without it. */
  pool?: string;
  /** Tell the server when the page is closed while in line or in a match; true without it. */
  leaveWithPage?: boolean;
  /**
   * Answers what the server asks before it gives a session: members of the next request, such as `gateToken`. Without
   * it, a proof of work is solved, and nothing else.
   */
  answerChallenge?: (challenge: Challenge) => Promise<ChallengeAnswer | null>;
  timings?: Partial<Timings>;
}

/** What the server asks of whoever wants a new session. */
export interface Challenge {
  gate: 'proof-of-work' | 'turnstile' | 'hcaptcha';
  /** Of a proof of work, as is `difficulty`. */
  challenge?: string;
  /** In bits. */
  difficulty?: number;
  /** For the widget of Turnstile or hCaptcha. */
  siteKey?: string;
}

export type ChallengeAnswer = { challenge: string; solution: string } | { gateToken: string };

export interface Step {
  state: State;
  seq: number;
}

export interface EnqueueAnswer extends Step, QueueView {
  alreadyQueued: boolean;
}

export interface SkipAnswer extends Step {
  outcome: 'skipped' | 'already-processed' | 'no-active-match';
  /** The next skip is possible then, if a cooldown began with this one. */
  cooldownUntil: number | null;
}

export interface EndAnswer extends Step {
  outcome: 'ended' | 'cancelled' | 'already-processed' | 'idle';
}

export interface BlockAnswer extends Step {
  outcome: 'blocked';
}

export interface ReportAnswer extends Step {
  outcome: 'reported';
  reportId: string;
}

export interface HeartbeatAnswer extends Step {
  staleAfterSeconds: number;
}

export interface AcknowledgeAnswer extends Step {
  outcome: 'acknowledged' | 'nothing-to-acknowledge';
}

export interface CheckMatchAnswer extends Step {
  matched: boolean;
  match: Match | null;
}

type Listener<E extends Event> =
  | ((this: DormPartyClient, event: E) => unknown)
  | { handleEvent(event: E): unknown }
  | null;

/** Every method that asks the server throws a `Problem` where that does not work. */
export class DormPartyClient extends EventTarget {
  constructor(options?: Options);

  /** Whose session this is, once it is open. */
  get userId(): string | null;
  get streamStatus(): StreamStatus;
  /** How events come: `polling` where something on the way holds streams back. */
  get transport(): 'stream' | 'polling';
  /** The state after the last event. */
  get state(): State;
  /** The match one is in, until it is over. */
  get match(): Match | null;

  /** The server's clock. */
  now(): number;

  /** Opens the session and the stream; resolves once the server has told the current state. Calls meanwhile share it. */
  connect(): Promise<void>;
  /** Closes the stream; the server then holds one for gone unless another tab took over. */
  close(): void;
  /** Signs out, also in other tabs: whatever one is in ends, and the next `connect` makes somebody new. */
  signOut(): Promise<void>;
  /** Resumes the stream at once, when the network is known to be back. A page's client knows by itself. */
  hurry(): void;

  /** Asks for a partner. */
  enqueue(interests?: string[]): Promise<EnqueueAnswer>;
  /** Leaves this match (null: whichever it is) for another. A late call never touches the next match. */
  skip(sessionId?: string | null): Promise<SkipAnswer>;
  /** Leaves this match (null: whichever it is), or the queue, for good. */
  end(sessionId?: string | null): Promise<EndAnswer>;
  /** Never to meet that partner again: the one of this match, which ends as by a skip, or of one of the last. */
  block(sessionId?: string): Promise<BlockAnswer>;
  /** Blocks, leaves for good if it is about this match, and tells the moderators; `details`: 500 characters at most. */
  report(sessionId: string, reason: Offence, details?: string): Promise<ReportAnswer>;
  /** Like `end`, for a page that is closing: it waits for no answer. */
  leave(): void;
  /** Says that one is still here, which an open stream does by itself. */
  heartbeat(): Promise<HeartbeatAnswer>;
  /** Says that a room is left. The client does so by itself, see `RoomClosingEvent`. */
  acknowledgeRoomClosed(roomName: string): Promise<AcknowledgeAnswer>;
  /** Has the server ask LiveKit about the match, when the room does not fit what the server has said. */
  checkMatch(): Promise<CheckMatchAnswer>;
  status(): Promise<Status>;

  addEventListener<K extends keyof DormPartyClientEventMap>(
    type: K,
    listener: Listener<DormPartyClientEventMap[K]>,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof DormPartyClientEventMap>(
    type: K,
    listener: Listener<DormPartyClientEventMap[K]>,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
