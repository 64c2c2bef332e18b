const bundle = "../../vendor/wavesurfer.js";
/** @typedef {typeof import("wavesurfer.js").default} WaveSurfer */

/** Nonce of the page that was loaded: its policy stays in force when Turbo brings other pages. */
const NONCE = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=csp-nonce]"))?.content;

const ENOUGH = 400; // as many as the server sends for a long recording
const BARS = { barWidth: 3, barGap: 3, barRadius: 1.5, barMinHeight: 3, barHeight: 0.86 };

/**
 * Draws the wave under the player's slider, which remains the control: what was played is dark, the rest pale. A canvas does not
 * know the colours of its page, so it is told when they change.
 */
export class RecordingWave {
  #media;
  /** @type {InstanceType<WaveSurfer> | null} */
  #surfer = null;
  /** @type {HTMLElement | null} */
  #container = null;
  #id = "";
  #loads = 0;

  /** @param {HTMLMediaElement} media Plays the recording. */
  constructor(media) {
    this.#media = media;
    const recolour = () => this.#surfer?.setOptions(this.#colours);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"])
      matchMedia(query).addEventListener("change", recolour);
    new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  /**
   * Shows a recording, or the same one again when it has grown. If it cannot be loaded, the slider stays as it is.
   * @param {string} id @param {number} duration Seconds. @param {HTMLElement} container `data-wave` of the player.
   */
  async load(id, duration, container) {
    const turn = ++this.#loads;
    if (id !== this.#id) this.#clear();
    this.#id = id;
    const [peaks, WaveSurfer] = await Promise.all([peaksOf(id), loadWaveSurfer()]).catch(() => []);
    if (turn !== this.#loads) return;
    this.#clear();
    if (!peaks?.length || !WaveSurfer) return;
    this.#container = container;
    this.#surfer = WaveSurfer.create({
      container,
      media: this.#media,
      peaks: [levels(peaks)],
      duration,
      height: "auto",
      interact: false,
      cursorWidth: 0,
      hideScrollbar: true,
      cspNonce: NONCE,
      ...BARS,
      ...this.#colours,
    });
    // What was played is drawn at this event, and while a recording stands still there is none.
    this.#surfer.once("ready", () => this.#media.dispatchEvent(new Event("timeupdate")));
  }

  #clear() {
    this.#surfer?.destroy();
    this.#surfer = null;
  }

  get #colours() {
    const { color, accentColor } = getComputedStyle(/** @type {HTMLElement} */ (this.#container));
    return { waveColor: color, progressColor: accentColor };
  }
}

/** Loads the library with the first recording that is played. @returns {Promise<WaveSurfer>} */
async function loadWaveSurfer() {
  return (await import(bundle)).default;
}

/** @param {string} id @returns {Promise<Uint8Array | null>} */
async function peaksOf(id) {
  const response = await fetch(`/recordings/${id}/peaks`);
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
}

/**
 * Returns as many peaks as there may be bars, so that bars of short and long recordings are equally close.
 * @param {Uint8Array} peaks 0 to 255. @returns {Float32Array} 0 to 1.
 */
export function levels(peaks) {
  const times = Math.ceil(ENOUGH / peaks.length);
  return Float32Array.from({ length: peaks.length * times }, (_, at) => (peaks[Math.floor(at / times)] ?? 0) / 255);
}
