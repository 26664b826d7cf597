/**
 * One's own camera and microphone: asking for them, turning them on and off, and knowing why there is none.
 * A camera that is off is released, so that its light goes out too.
 */

const CONSTRAINTS = {
  camera: { video: { facingMode: 'user', width: { ideal: 1280 }, height: { ideal: 720 } } },
  microphone: { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } },
};

/** @typedef {'camera'|'microphone'} Device */
/** @typedef {'denied'|'missing'|'busy'|'insecure'} Trouble */

/** Emits `change` whenever a getter below may answer otherwise. */
export class LocalMedia extends EventTarget {
  /** @type {Record<Device, MediaStreamTrack|null>} */
  #tracks = { camera: null, microphone: null };
  /** @type {Record<Device, boolean>} what the user wants, kept from one call to the next */
  #wanted = { camera: true, microphone: true };
  /** @type {Record<Device, Trouble|null>} */
  #trouble = { camera: null, microphone: null };
  #active = false;
  /** Tells a late answer of the browser from one that is still waited for. */
  #opening = 0;

  /** @returns {MediaStreamTrack|null} */
  get camera() {
    return this.#tracks.camera;
  }

  /** Present while muted too: then it is disabled, and carries silence. @returns {MediaStreamTrack|null} */
  get microphone() {
    return this.#tracks.microphone;
  }

  /** Is this device in use and wanted? @param {Device} device */
  isOn(device) {
    return this.#wanted[device] && this.#tracks[device] !== null;
  }

  /** Why a wanted device is not there. @param {Device} device @returns {Trouble|null} */
  trouble(device) {
    return this.#trouble[device];
  }

  /** Asks for both devices in one prompt, and for the one that remains when the other fails. */
  async open() {
    if (this.#active) return;
    this.#active = true;
    const opening = this.#opening;
    const devices = Object.keys(this.#tracks).filter((device) => this.#wanted[device]);
    const reason = await this.#acquire(devices);
    if (reason && opening === this.#opening) await this.#acquireEach(devices, reason);
  }

  /** Releases both devices. */
  close() {
    this.#active = false;
    this.#opening += 1;
    this.#release('camera');
    this.#release('microphone');
    this.#trouble = { camera: null, microphone: null };
    this.#changed();
  }

  /** Turns a device on or off; one that is not there is asked for again. @param {Device} device */
  async toggle(device) {
    const on = !this.isOn(device);
    this.#wanted[device] = on;
    this.#trouble[device] = null;
    const track = this.#tracks[device];
    if (track && device === 'microphone') track.enabled = on;
    else if (track) this.#release(device);
    else if (on) await this.#acquireEach([device]);
    this.#changed();
  }

  /** @returns {Promise<Trouble|null>} what went wrong, if nothing could be had */
  async #acquire(devices) {
    if (devices.length === 0) return null;
    const opening = this.#opening;
    try {
      const stream = await request(devices);
      const late = opening !== this.#opening;
      for (const track of stream.getTracks()) late ? track.stop() : this.#keep(track);
      return null;
    } catch (error) {
      return troubleOf(error);
    } finally {
      if (opening === this.#opening) this.#changed();
    }
  }

  /** A refusal is not answered by another prompt, unless the browser has said yes to that device before. */
  async #acquireEach(devices, reason = null) {
    const opening = this.#opening;
    for (const device of devices) {
      const refused = reason === 'denied' && !(await isGranted(device));
      const trouble = refused ? reason : await this.#acquire([device]);
      if (opening !== this.#opening) return;
      this.#trouble[device] = trouble;
    }
    this.#changed();
  }

  #keep(track) {
    const device = track.kind === 'video' ? 'camera' : 'microphone';
    this.#release(device);
    this.#tracks[device] = track;
    track.addEventListener('ended', () => this.#lost(device, track));
  }

  /** The device was unplugged, or the permission taken back: `stop` does not come here. */
  #lost(device, track) {
    if (this.#tracks[device] !== track) return;
    this.#tracks[device] = null;
    this.#trouble[device] = 'missing';
    this.#changed();
  }

  #release(device) {
    this.#tracks[device]?.stop();
    this.#tracks[device] = null;
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

function request(devices) {
  if (!navigator.mediaDevices) throw new DOMException('No devices without https', 'SecurityError');
  return navigator.mediaDevices.getUserMedia(Object.assign({}, ...devices.map((device) => CONSTRAINTS[device])));
}

/** @returns {Promise<boolean>} false where the browser does not tell */
async function isGranted(device) {
  try {
    return (await navigator.permissions.query({ name: device })).state === 'granted';
  } catch {
    return false;
  }
}

/** @returns {Trouble} */
function troubleOf(error) {
  switch (error.name) {
    case 'NotAllowedError':
      return 'denied';
    case 'SecurityError':
      return 'insecure';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'missing';
  }
}
