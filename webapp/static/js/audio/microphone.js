/**
 * The broadcaster's microphone: one open track, the devices there are, and why it cannot be opened.
 *
 * Events: "change" (opened, closed, switched), "devices" (something was plugged in or out), "lost" (unplugged).
 */

/** @typedef {"insecure" | "blocked" | "system" | "none" | "busy"} MicrophoneTrouble Names of the notices of the stream page. */

/** The noise remover does this work, and better when nobody else has been at the sound before. */
const CLEAN_CAPTURE = {
  echoCancellation: true,
  noiseSuppression: false,
  autoGainControl: false,
  voiceIsolation: false,
  channelCount: 1,
};
/** Echo cancellation would take music for an echo, and makes it mono. */
const MUSIC_CAPTURE = { ...CLEAN_CAPTURE, echoCancellation: false, channelCount: 2 };

export class MicrophoneError extends Error {
  /** @param {MicrophoneTrouble} trouble @param {unknown} cause */
  constructor(trouble, cause) {
    super(`microphone: ${trouble}`, { cause });
    this.trouble = trouble;
  }
}

export class Microphone extends EventTarget {
  /** @type {MediaStreamTrack | null} */
  track = null;
  /** Opens as music is captured: in stereo, as it is. */
  music = false;

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.dispatchEvent(new Event("devices")));
  }

  /** Opens the microphone, or another one. Throws MicrophoneError. @param {string} [deviceId] */
  async open(deviceId = localStorage.getItem("microphone") ?? "") {
    const track = await capture(deviceId, this.music ? MUSIC_CAPTURE : CLEAN_CAPTURE);
    this.close();
    this.track = track;
    track.addEventListener("ended", () => {
      if (this.track === track) this.#lose();
    });
    if (deviceId) localStorage.setItem("microphone", deviceId);
    this.dispatchEvent(new Event("change"));
    return track;
  }

  close() {
    this.track?.stop();
    this.track = null;
  }

  /** Without a permission the list has no names; then it is empty here. @returns {Promise<MediaDeviceInfo[]>} */
  async devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return all.filter((device) => device.kind === "audioinput" && device.label);
  }

  get deviceId() {
    return this.track?.getSettings().deviceId ?? "";
  }

  /** From the mouth to the browser, as far as the browser knows. */
  get latencyMs() {
    const settings = /** @type {{latency?: number} | undefined} */ (this.track?.getSettings());
    return (settings?.latency ?? 0) * 1000;
  }

  /** The browser was asked not to touch the sound; some do it all the same. */
  get processed() {
    const settings = this.track?.getSettings() ?? {};
    return Boolean(settings.noiseSuppression || settings.autoGainControl || /** @type {any} */ (settings).voiceIsolation);
  }

  /** Whether opening it would not ask the person. @returns {Promise<boolean>} */
  static async allowed() {
    const status = await navigator.permissions?.query({ name: /** @type {PermissionName} */ ("microphone") }).catch(() => null);
    return status?.state === "granted";
  }

  #lose() {
    this.track = null;
    this.dispatchEvent(new Event("lost"));
  }
}

/** @param {string} deviceId @param {MediaTrackConstraints} wanted @returns {Promise<MediaStreamTrack>} */
async function capture(deviceId, wanted) {
  if (!navigator.mediaDevices) throw new MicrophoneError("insecure", null);
  const audio = /** @type {MediaTrackConstraints} */ ({ ...wanted, ...(deviceId ? { deviceId: { exact: deviceId } } : {}) });
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    return stream.getAudioTracks()[0];
  } catch (error) {
    if (deviceId && nameOf(error) === "OverconstrainedError") return capture("", wanted); // the remembered one is not plugged in
    throw new MicrophoneError(await troubleOf(error), error);
  }
}

const nameOf = (/** @type {unknown} */ error) => (error instanceof DOMException || error instanceof Error ? error.name : "");

/** @param {unknown} error @returns {Promise<MicrophoneTrouble>} */
async function troubleOf(error) {
  switch (nameOf(error)) {
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    case "NotAllowedError":
    case "SecurityError":
      // Allowed for this site and refused all the same: then it is the operating system.
      return /system/i.test(String(error)) || (await Microphone.allowed()) ? "system" : "blocked";
    default:
      return "busy";
  }
}
