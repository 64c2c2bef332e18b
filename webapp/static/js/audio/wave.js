import { lengthOf, Meter } from "./meter.js";

const BARS = 150;
const STEP = 6;
const MIDDLE = 32;
const MAX_HEIGHT = 56;

/** Draws a voice as it comes: one bar for each tenth of a second, the newest at the live edge. A pause is a row of dots. */
export class LiveWave {
  #heights = new Array(BARS).fill(0.1);
  #meter;

  /** @param {SVGPathElement} path @param {MediaStreamTrack} track */
  constructor(path, track) {
    this.path = path;
    this.#meter = new Meter(track, (db) => this.#push(lengthOf(db)));
  }

  close() {
    this.#meter.close();
  }

  /** @param {number} length 0 to 1 */
  #push(length) {
    this.#heights.push(Math.max(0.1, length * MAX_HEIGHT));
    this.#heights.shift();
    const bars = this.#heights.map(
      (height, i) => `M${i * STEP + STEP / 2} ${(MIDDLE - height / 2).toFixed(1)}v${height.toFixed(1)}`,
    );
    this.path.setAttribute("d", bars.join(""));
  }
}
