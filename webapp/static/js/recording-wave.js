const STEP = 6;
const HEIGHT = 44;

/**
 * The drawing under the player's slider: what was played is dark, the rest is pale. Own code and no library, because it is
 * decoration in two SVG paths that follow theme and forced colours by CSS, while the slider that lies on it stays the real one;
 * wavesurfer.js would bring a canvas with fixed colours and a style element that needs the nonce of a page long left.
 */
export class RecordingWave {
  /** @type {Uint8Array | null} */
  #peaks = null;
  #id = "";
  #observer = new ResizeObserver(() => this.#draw());
  /** @type {HTMLElement | null} */
  #track = null;

  /** @param {HTMLElement} track `data-wave` of the player, which outlives pages. */
  attach(track) {
    if (track === this.#track) return;
    this.#observer.disconnect();
    this.#track = track;
    this.#observer.observe(track);
  }

  /** Shows another recording; what cannot be loaded leaves the slider alone. @param {string} id */
  async load(id) {
    this.#id = id;
    this.#peaks = null;
    this.#draw();
    const response = await fetch(`/recordings/${id}/peaks`).catch(() => null);
    const peaks = response?.ok ? new Uint8Array(await response.arrayBuffer()) : null;
    if (this.#id !== id) return;
    this.#peaks = peaks;
    this.#draw();
  }

  /** @param {number} share Of the recording, 0 to 1. */
  showPlayed(share) {
    this.#track?.style.setProperty("--v", share.toFixed(4));
  }

  #draw() {
    const width = Math.floor(this.#track?.clientWidth ?? 0);
    const path = this.#peaks?.length && width ? bars(this.#peaks, Math.max(1, Math.floor(width / STEP))) : "";
    for (const part of this.#track?.querySelectorAll("path") ?? []) {
      if (path) part.setAttribute("d", path);
      else part.removeAttribute("d");
      part.ownerSVGElement?.setAttribute("viewBox", `0 0 ${Math.max(STEP, width)} ${HEIGHT}`);
    }
  }
}

/**
 * SVG path of vertical bars over the whole length; silence is a dot. With fewer peaks than bars some are drawn twice.
 * @param {Uint8Array} peaks 0 to 255 @param {number} count Of bars. @returns {string}
 */
export function bars(peaks, count) {
  const drawn = Array.from({ length: count }, (_, bar) => {
    const from = Math.floor((bar * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / count));
    const height = Math.max(0.1, (Math.max(...peaks.subarray(from, to)) / 255) * (HEIGHT - 6));
    return `M${bar * STEP + STEP / 2} ${((HEIGHT - height) / 2).toFixed(1)}v${height.toFixed(1)}`;
  });
  return drawn.join("");
}
