import { call } from "../lib/api.js";

const EVERY_MS = 15_000;

/** Tells the owner of a recording how far this person has come in it, a few times a minute while it plays. */
export class Heard {
  #id = "";
  #furthest = 0;
  #told = 0;
  #begins = true;

  /** Begins with another recording, or with none. @param {string} id */
  open(id) {
    this.#id = id;
    this.#begins = true;
    this.#furthest = this.#told = 0;
  }

  /**
   * @param {number} position Seconds; while it plays.
   * @param {boolean} [now] Whether to send it at once, because playing stops here.
   */
  at(position, now = false) {
    this.#furthest = Math.max(this.#furthest, position);
    if (!this.#id || (!now && !this.#begins && performance.now() - this.#told < EVERY_MS)) return;
    this.#told = performance.now();
    call("POST", `/api/recordings/${this.#id}/heard`, { position: this.#furthest, begins: this.#begins }).catch(() => {}); // not worth a message
    this.#begins = false;
  }
}
