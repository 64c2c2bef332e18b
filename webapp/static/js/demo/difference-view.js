import { isShortcut } from "../lib/shortcuts.js";
import { fill, say, showState } from "../lib/states.js";
import { t } from "../lib/words.js";
import { Sample } from "./sample.js";

const METER_MAX_DB = 40;
const LOOK_MS = 100;
const TRY_AGAIN_MS = 3000;
const STEP = 6;
const MIDDLE = 56;
const MAX_HEIGHT = 100;

/** "Hear the difference". @param {HTMLElement} root */
export function mount(root) {
  const view = new DifferenceView(root);
  return () => view.close();
}

class DifferenceView {
  #stop = new AbortController();
  /** @type {Sample} */
  #sample;
  #look;

  /** @param {HTMLElement} root */
  constructor(root) {
    const on = { signal: this.#stop.signal };
    this.root = root;
    this.select = /** @type {HTMLSelectElement} */ (root.querySelector("#sample"));
    this.button = /** @type {HTMLButtonElement} */ (root.querySelector("[data-do=toggle]"));
    this.radios = /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll("[name=sound]")]);
    this.#sample = new Sample(this.select.value);
    this.select.addEventListener("change", () => this.#change(), on);
    this.button.addEventListener("click", () => this.#toggle(), on);
    for (const radio of this.radios) radio.addEventListener("change", () => this.#choose(), on);
    document.addEventListener("keydown", (event) => this.#onKey(event), on);
    this.select.disabled = this.button.disabled = false; // from here on presses are handled
    this.#look = setInterval(() => this.#showMeter(), LOOK_MS);
    this.#describe();
  }

  close() {
    this.#stop.abort();
    clearInterval(this.#look);
    this.#sample.close();
  }

  get #original() {
    return this.radios.some((radio) => radio.checked && radio.value === "original");
  }

  #change() {
    const playing = this.#sample.playing;
    this.#sample.close();
    this.#sample = new Sample(this.select.value);
    this.#describe();
    this.#show();
    if (playing) this.#toggle();
  }

  #choose() {
    this.#sample.hear(this.#original);
    this.#showMeter();
  }

  /** Draws the wave before anything is heard. */
  async #describe() {
    const sample = this.#sample;
    if (!(await this.#ready(() => sample.describe())) || sample !== this.#sample) return;
    for (const path of this.root.querySelectorAll("[data-bars]"))
      path.setAttribute("d", bars(sample.bars(/** @type {HTMLElement} */ (path).dataset.bars ?? "")));
    this.#showMeter();
  }

  async #toggle() {
    const sample = this.#sample;
    if (this.root.dataset.state === "loading") return;
    if (sample.playing) sample.pause();
    else {
      showState(this.root, "loading");
      sample.wake(); // while the browser still counts this as a press
      if ((await this.#ready(() => sample.load())) && sample === this.#sample) sample.play(this.#original);
    }
    this.#show();
  }

  /**
   * Retries until the noise remover is ready, or the page or the sample has changed.
   * @param {() => Promise<void>} step @returns {Promise<boolean>}
   */
  async #ready(step) {
    const sample = this.#sample;
    const trouble = /** @type {HTMLElement} */ (this.root.querySelector("[data-trouble]"));
    while (!this.#stop.signal.aborted && sample === this.#sample) {
      const done = await step().then(
        () => true,
        () => false,
      );
      trouble.hidden = done;
      if (done) return true;
      await new Promise((resolve) => {
        setTimeout(resolve, TRY_AGAIN_MS);
      });
    }
    return false;
  }

  #show() {
    const playing = this.#sample.playing;
    showState(this.root, playing ? "playing" : "still");
    this.button.setAttribute("aria-label", playing ? t("Pause the sample") : t("Play the sample"));
    this.#showMeter();
  }

  #showMeter() {
    const db = this.#original ? 0 : Math.round(this.#sample.removedDb);
    const noise = /** @type {HTMLElement} */ (this.root.querySelector(".noise"));
    noise.style.setProperty("--v", Math.min(1, db / METER_MAX_DB).toFixed(3));
    noise.setAttribute("aria-valuenow", String(Math.min(METER_MAX_DB, db)));
    noise.setAttribute("aria-valuetext", `${db} dB`);
    this.root.querySelector("[data-read]")?.classList.toggle("read--off", !this.#sample.playing);
    fill(this.root, "removed", `${db} dB`);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "b" || !isShortcut(event)) return;
    const other = this.radios.find((radio) => !radio.checked);
    if (!other) return;
    other.checked = true;
    say(other.value === "original" ? t("Original") : t("Clean"));
    this.#choose();
  }
}

/** @param {number[]} levels 0 to 1 @returns {string} SVG path */
const bars = (levels) =>
  levels
    .map((level, i) => {
      const height = Math.max(0.1, level * MAX_HEIGHT);
      return `M${i * STEP + STEP / 2} ${(MIDDLE - height / 2).toFixed(1)}v${height.toFixed(1)}`;
    })
    .join("");
