import { t } from "../lib/words.js";

/** Reads the level of a sound ten times a second, for the level meter and the wave. */

const EVERY_MS = 100;
const QUIETEST_DB = -60;
/** No working microphone is as silent as this. */
const DEAD_DB = -90;

/** @type {AudioContext | undefined} */
let shared;

/** Returns the shared audio context. It runs only after the first press on the page; until then there is nothing to read. */
function context() {
  if (!shared) {
    shared = new AudioContext({ latencyHint: "playback" });
    const resume = () => shared?.resume();
    document.addEventListener("pointerdown", resume);
    document.addEventListener("keydown", resume);
  }
  return shared;
}

export class Meter {
  #analyser = context().createAnalyser();
  #samples;
  /** @type {MediaStreamAudioSourceNode} */
  #source;
  /** @type {MediaStreamTrack} */
  #track;
  #timer;

  /**
   * @param {MediaStreamTrack} track A copy of it is read, so that the level is still seen while the track itself is muted.
   * @param {(db: number) => void} tell Level in dBFS (root mean square), not called while the browser gives no sound.
   */
  constructor(track, tell) {
    this.#analyser.fftSize = 4096; // 85 ms at 48 kHz
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#track = track.clone();
    this.#track.enabled = true;
    this.#source = context().createMediaStreamSource(new MediaStream([this.#track]));
    this.#source.connect(this.#analyser);
    this.#timer = setInterval(() => {
      if (context().state === "running") tell(this.#read());
    }, EVERY_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#source.disconnect();
    this.#track.stop();
  }

  #read() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return 10 * Math.log10(sum / this.#samples.length + 1e-12);
  }
}

/** Returns the length of a bar for a level, 0 to 1. @param {number} db */
export const lengthOf = (db) => Math.min(1, Math.max(0, 1 - db / QUIETEST_DB));

/** @param {number} db */
export const isDead = (db) => db < DEAD_DB;

/** Puts the level into words, changing no faster than people read. */
export class LevelWords {
  #held = -120;

  /** @param {number} db @returns {string} "no sound", "quiet", "good level" or "too loud" */
  read(db) {
    this.#held = Math.max(db, this.#held - 2); // falls by 20 dB a second
    if (this.#held < -75) return t("no sound");
    if (this.#held < -48) return t("quiet");
    return this.#held < -6 ? t("good level") : t("too loud");
  }
}
