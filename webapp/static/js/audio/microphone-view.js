import { fill } from "../lib/states.js";
import { isDead, LevelWords, lengthOf, Meter } from "./meter.js";
import { Microphone, MicrophoneError } from "./microphone.js";

const DEAD_AFTER_MS = 5000;
const SPEECH_DB = -45;
const SPEECH_LASTS_MS = 3000;

/**
 * Shows the microphone on the stream page: which one, its level, and what is wrong with it.
 *
 * Events: "change" (`trouble`, `dead` or `speaking` has changed).
 */
export class MicrophoneView extends EventTarget {
  /** @type {import("./microphone.js").MicrophoneTrouble | ""} */
  trouble = "";
  /** Whether it is open but silent for 5 s: switched off, or not the one being spoken into. */
  dead = false;
  /** Whether somebody is speaking, muted or not. */
  speaking = false;
  #stop = new AbortController();
  /** @type {Meter | null} */
  #meter = null;
  #words = new LevelWords();
  #aliveAt = performance.now();
  #spokeAt = -Infinity;

  /** @param {HTMLElement} root @param {Microphone} microphone */
  constructor(root, microphone) {
    super();
    this.root = root;
    this.microphone = microphone;
    this.select = /** @type {HTMLSelectElement} */ (root.querySelector("#mic"));
    this.level = /** @type {HTMLElement} */ (root.querySelector("#level"));
    const on = { signal: this.#stop.signal };
    this.select.addEventListener("change", () => this.open(this.select.value), on);
    microphone.addEventListener("change", () => this.#opened(), on);
    microphone.addEventListener("lost", () => this.#lost(), on);
    microphone.addEventListener("devices", () => this.#devicesChanged(), on);
    if (microphone.track) this.#opened();
    else
      Microphone.allowed().then((allowed) => {
        if (allowed && !this.#stop.signal.aborted) this.open();
      });
  }

  close() {
    this.#stop.abort();
    this.#meter?.close();
  }

  /** Asks for the microphone. @param {string} [deviceId] @returns {Promise<boolean>} Whether it is open now. */
  async open(deviceId) {
    try {
      await this.microphone.open(deviceId);
      return true;
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      this.#troubled(error.trouble);
      return false;
    }
  }

  async #opened() {
    const track = this.microphone.track;
    if (!track) return;
    this.#troubled("");
    this.#aliveAt = performance.now();
    this.#meter?.close();
    this.#meter = new Meter(track, (db) => this.#read(db));
    const processed = /** @type {HTMLElement} */ (this.root.querySelector("[data-processed]"));
    processed.hidden = !this.microphone.processed;
    await this.#list();
  }

  #lost() {
    this.#meter?.close();
    this.#meter = null;
    this.#showLevel(-120);
    this.#troubled("none");
  }

  /** Takes a microphone that has been plugged in if there was none. */
  async #devicesChanged() {
    await this.#list();
    if (!this.microphone.track && this.trouble === "none") await this.open();
  }

  async #list() {
    const devices = await this.microphone.devices();
    if (!devices.length) return;
    this.select.replaceChildren(...devices.map((device) => new Option(device.label, device.deviceId)));
    this.select.value = this.microphone.deviceId;
  }

  /** @param {import("./microphone.js").MicrophoneTrouble | ""} trouble */
  #troubled(trouble) {
    this.trouble = trouble;
    const [on, off] = ["on", "off"].map((name) => /** @type {HTMLElement} */ (this.root.querySelector(`[data-mic=${name}]`)));
    on.hidden = Boolean(trouble);
    off.hidden = !trouble;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {number} db */
  #read(db) {
    const now = performance.now();
    if (!isDead(db)) this.#aliveAt = now;
    if (db > SPEECH_DB) this.#spokeAt = now;
    this.#showLevel(db);
    const [dead, speaking] = [now - this.#aliveAt > DEAD_AFTER_MS, now - this.#spokeAt < SPEECH_LASTS_MS];
    if (dead === this.dead && speaking === this.speaking) return;
    this.dead = dead;
    this.speaking = speaking;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {number} db */
  #showLevel(db) {
    const words = this.#words.read(db);
    this.level.style.setProperty("--v", lengthOf(db).toFixed(2));
    this.level.setAttribute("aria-valuenow", String(Math.round(lengthOf(db) * 100)));
    this.level.setAttribute("aria-valuetext", words);
    fill(this.root, "level", words[0].toUpperCase() + words.slice(1));
  }
}
