/**
 * One call: the LiveKit room of one match, from joining to leaving. A call object is used once, and
 * falls silent as soon as it is left, so nothing late from an old room reaches the next call.
 */

const LIVEKIT = './vendor/livekit-client.esm.mjs';
const JOIN_ATTEMPTS = 5;
const JOIN_PAUSE_MS = 1_000;
const LEAVE_TIMEOUT_MS = 600;

/** Starts loading the video library, so that it is there when a match comes. */
export function preloadLiveKit() {
  return import(LIVEKIT);
}

/**
 * @typedef {object} CallView What there is to show of a call.
 * @property {'joining'|'joined'|'failed'|'lost'} phase  failed: never got in; lost: dropped out for good
 * @property {boolean} reconnecting   one's own connection to the room is being repaired
 * @property {boolean} weak           one's own connection is poor
 * @property {boolean} audioBlocked   the browser wants a gesture before it plays sound
 * @property {boolean} partnerHere
 * @property {boolean} partnerLeft    was here, and is not any more
 * @property {boolean} partnerCamera
 * @property {boolean} partnerMicrophone
 * @property {boolean} partnerWeak
 */

/** Emits `change` with a CallView as detail. */
export class Call extends EventTarget {
  #match;
  #media;
  #elements;
  #livekit = null;
  #room = null;
  #left = false;
  /** @type {Record<'camera'|'microphone', {track: MediaStreamTrack, publication: any}|null>} */
  #published = { camera: null, microphone: null };
  #publishing = Promise.resolve();
  /** @type {CallView} */
  #view = {
    phase: 'joining',
    reconnecting: false,
    weak: false,
    audioBlocked: false,
    partnerHere: false,
    partnerLeft: false,
    partnerCamera: false,
    partnerMicrophone: false,
    partnerWeak: false,
  };

  /**
   * @param {import('./dormparty-client.js').Match} match
   * @param {import('./media.js').LocalMedia} media
   * @param {{video: HTMLVideoElement, audio: HTMLAudioElement}} elements where the partner is shown and heard
   */
  constructor(match, media, elements) {
    super();
    this.#match = match;
    this.#media = media;
    this.#elements = elements;
  }

  get sessionId() {
    return this.#match.sessionId;
  }

  get roomName() {
    return this.#match.roomName;
  }

  /** Joins the room; what happens then is told by `change`. */
  async join() {
    this.#show({});
    try {
      this.#livekit = await import(LIVEKIT);
    } catch {
      return this.#show({ phase: 'failed' });
    }
    if (this.#left) return undefined;
    this.#room = new this.#livekit.Room({
      adaptiveStream: true,
      dynacast: true,
      stopLocalTrackOnUnpublish: false,
    });
    this.#listen();
    return this.#connect();
  }

  /** Leaves the room, if it is not left yet. Resolves when the server has been told, or soon after. */
  async leave() {
    if (this.#left) return;
    this.#left = true;
    this.#media.removeEventListener('change', this.#mediaChanged);
    this.#clear();
    await Promise.race([this.#room?.disconnect(false), pause(LEAVE_TIMEOUT_MS)]);
  }

  /** Plays the sound after all; to be called from a click. */
  async startAudio() {
    await this.#room?.startAudio();
  }

  async #connect() {
    for (let attempt = 1; attempt <= JOIN_ATTEMPTS; attempt += 1) {
      try {
        await this.#room.connect(this.#match.livekitUrl, this.#match.token);
        return this.#joined();
      } catch {
        await pause(JOIN_PAUSE_MS);
        if (this.#left) return undefined;
      }
    }
    return this.#show({ phase: 'failed' });
  }

  #joined() {
    if (this.#left) return;
    this.#show({ phase: 'joined' });
    this.#showPartner();
    this.#media.addEventListener('change', this.#mediaChanged);
    this.#mediaChanged();
  }

  #listen() {
    const { RoomEvent } = this.#livekit;
    const partner = () => this.#showPartner();
    this.#on(RoomEvent.TrackSubscribed, (track) => this.#attach(track));
    this.#on(RoomEvent.TrackUnsubscribed, (track) => this.#detach(track));
    this.#on(RoomEvent.TrackUnpublished, partner);
    this.#on(RoomEvent.TrackMuted, partner);
    this.#on(RoomEvent.TrackUnmuted, partner);
    this.#on(RoomEvent.ParticipantConnected, partner);
    this.#on(RoomEvent.ParticipantDisconnected, partner);
    this.#on(RoomEvent.ConnectionQualityChanged, () => this.#showQuality());
    this.#on(RoomEvent.AudioPlaybackStatusChanged, () => this.#show({ audioBlocked: !this.#room.canPlaybackAudio }));
    this.#on(RoomEvent.SignalReconnecting, () => this.#show({ reconnecting: true }));
    this.#on(RoomEvent.Reconnecting, () => this.#show({ reconnecting: true }));
    this.#on(RoomEvent.Reconnected, () => this.#show({ reconnecting: false }));
    this.#on(RoomEvent.Disconnected, () => this.#disconnected());
  }

  #on(event, handler) {
    this.#room.on(event, (...args) => {
      if (!this.#left) handler(...args);
    });
  }

  #attach(track) {
    track.attach(track.kind === 'video' ? this.#elements.video : this.#elements.audio);
    this.#showPartner();
  }

  #detach(track) {
    track.detach();
    this.#showPartner();
  }

  /** Lets go of the page's elements, which the next call will use. */
  #clear() {
    const partners = [...(this.#room?.remoteParticipants.values() ?? [])];
    const publications = partners.flatMap((partner) => [...partner.trackPublications.values()]);
    for (const { track } of publications) track?.detach();
    this.#elements.video.srcObject = null;
    this.#elements.audio.srcObject = null;
  }

  /** The room closed from the other side. The server says what comes next; until then nobody is shown. */
  #disconnected() {
    if (this.#view.phase !== 'joined') return;
    this.#show({ phase: 'lost', reconnecting: false, partnerHere: false, partnerCamera: false });
  }

  #showPartner() {
    const [partner] = this.#room.remoteParticipants.values();
    const camera = partner?.getTrackPublication(this.#livekit.Track.Source.Camera);
    this.#show({
      partnerHere: partner !== undefined,
      partnerLeft: partner === undefined && (this.#view.partnerHere || this.#view.partnerLeft),
      partnerCamera: Boolean(camera?.track && !camera.isMuted),
      partnerMicrophone: Boolean(partner?.isMicrophoneEnabled),
    });
  }

  #showQuality() {
    const [partner] = this.#room.remoteParticipants.values();
    this.#show({
      weak: this.#isWeak(this.#room.localParticipant),
      partnerWeak: partner !== undefined && this.#isWeak(partner),
    });
  }

  #isWeak({ connectionQuality }) {
    const { ConnectionQuality } = this.#livekit;
    return connectionQuality === ConnectionQuality.Poor || connectionQuality === ConnectionQuality.Lost;
  }

  /** Publishing takes a while and must not overtake itself: each change waits for the one before. */
  #mediaChanged = () => {
    this.#publishing = this.#publishing.then(() => this.#publishBoth()).catch(() => {});
  };

  async #publishBoth() {
    await this.#publish('camera', this.#media.camera);
    await this.#publish('microphone', this.#media.microphone);
    const microphone = this.#published.microphone?.publication;
    if (microphone) await (this.#media.isOn('microphone') ? microphone.unmute() : microphone.mute());
  }

  async #publish(device, track) {
    const before = this.#published[device];
    if (this.#left || before?.track === (track ?? undefined)) return;
    this.#published[device] = null;
    if (before) await this.#room.localParticipant.unpublishTrack(before.track);
    if (!track || this.#left) return;
    const source = this.#livekit.Track.Source[device === 'camera' ? 'Camera' : 'Microphone'];
    const publication = await this.#room.localParticipant.publishTrack(track, { source });
    this.#published[device] = { track, publication };
  }

  #show(change) {
    if (this.#left) return;
    this.#view = { ...this.#view, ...change };
    this.dispatchEvent(new CustomEvent('change', { detail: this.#view }));
  }
}

function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
