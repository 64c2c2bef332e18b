/**
 * Opens the broadcaster's microphone: one track, the list of devices, and the reason if it cannot be opened.
 *
 * Events: "change" (opened, closed, switched), "devices" (something was plugged in or out), "lost" (unplugged).
 */

/** @typedef {"insecure" | "blocked" | "system" | "none" | "busy"} MicrophoneTrouble Names of the notices of the stream page. */

/** The noise remover does this work, and does it better on untouched sound. */
const CLEAN_CAPTURE = {
  echoCancellation: true,
  noiseSuppression: false,
  autoGainControl: false,
  voiceIsolation: false,
  channelCount: 1,
};
/** Echo cancellation would mistake music for echo, and makes it mono. */
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
  /** Whether to capture music: in stereo and unprocessed. */
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

  /**
   * Lists the microphones. Without permission they have no names, and the list is empty.
   * @returns {Promise<MediaDeviceInfo[]>}
   */
  async devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return all.filter((device) => device.kind === "audioinput" && device.label);
  }

  get deviceId() {
    return this.track?.getSettings().deviceId ?? "";
  }

  /** The delay from the mouth to the browser, as far as the browser knows it. */
  get latencyMs() {
    const settings = /** @type {{latency?: number} | undefined} */ (this.track?.getSettings());
    return (settings?.latency ?? 0) * 1000;
  }

  /** Whether the browser processes the sound although it was asked not to. */
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
    if (deviceId && nameOf(error) === "OverconstrainedError") return capture("", wanted); // the remembered device is not plugged in
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
      // Allowed for this site and still refused, so the operating system refuses it.
      return /system/i.test(String(error)) || (await Microphone.allowed()) ? "system" : "blocked";
    default:
      return "busy";
  }
}
