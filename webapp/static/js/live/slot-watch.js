import { call, user } from "../lib/api.js";

const ASK_EVERY_MS = 2000;

/** Finds out, while a stream waits for its noise remover, whether all of the server's slots are in use. */
export class SlotWatch {
  /** How many streams the server can clean at once, when all slots are in use and this stream waits; else 0. */
  taken = 0;
  #askedAt = 0;

  /** Begins anew for another stream. */
  restart() {
    this.taken = 0;
    this.#askedAt = performance.now();
  }

  /** Asks the server, at most every two seconds. Resolves to whether `taken` has changed. */
  async ask() {
    if (performance.now() - this.#askedAt < ASK_EVERY_MS) return false;
    this.#askedAt = performance.now();
    const status = await call("GET", `/api/stream/status/${user()}`).catch(() => null);
    const before = this.taken;
    this.taken = status?.all_places_taken ?? 0;
    return this.taken !== before;
  }
}
