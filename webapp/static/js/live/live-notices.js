import { nt } from "../lib/words.js";

/** After how long the person is told that the noise remover is still starting, and that it has not answered. */
const REMOVER_STARTING_MS = 5000;
const REMOVER_SILENT_MS = 20_000;
const BACK_LASTS_MS = 8000;
/**
 * Notices by what the noise remover says of the recording.
 * @type {Partial<Record<import("../audio/contract.js").RecordingState | "", string>>}
 */
const RECORDING_NOTICES = { failed: "recording-failed", full: "recording-full" };

/** Chooses the notices of the stream page. Called at every change and regularly, because some depend on the time. */
export class LiveNotices {
  /** Why the last action failed. */
  failure = "";
  failureCode = "";
  #state = "";
  #lostAt = 0;
  #backUntil = 0;
  #back = "";

  /**
   * @param {import("../lib/notices.js").Notices} notices @param {import("./studio.js").Studio} studio
   * @param {import("../audio/microphone-view.js").MicrophoneView} microphone
   */
  constructor(notices, studio, microphone) {
    this.notices = notices;
    this.studio = studio;
    this.broadcast = studio.broadcast;
    this.microphone = microphone;
  }

  /** @param {string} state Of the page. */
  show(state) {
    this.#noticeReturn(state);
    this.#state = state;
    const names = [this.#ofMicrophone(), this.#ofConnection(), this.#ofRemover()];
    if (this.studio.onAir) names.push(RECORDING_NOTICES[this.broadcast.remover.recording ?? ""] ?? "");
    if (performance.now() < this.#backUntil) names.push("back");
    if (state === "ended") names.push(this.broadcast.endedByAdmin ? "ended-by-admin" : "ended");
    if (this.failure) names.push("failed");
    this.notices.only(names.filter(Boolean), { failed: this.failure, back: this.#back, full: this.#full });
  }

  /** Tells how much is missing after a break. @param {string} state */
  #noticeReturn(state) {
    if (state === "reconnecting" && this.#state !== "reconnecting") this.#lostAt = performance.now();
    if (state === "reconnecting" || this.#state !== "reconnecting" || !this.studio.onAir) return;
    const missing = Math.round((performance.now() - this.#lostAt) / 1000);
    this.#backUntil = performance.now() + BACK_LASTS_MS;
    this.#back = nt("Back. {count} second is missing.", "Back. {count} seconds are missing.", missing);
  }

  get #full() {
    const slots = this.broadcast.slots.taken;
    return nt(
      "The server can clean one stream at a time, and that slot is in use.",
      "The server can clean {count} streams at once and all are in use.",
      slots,
    );
  }

  #ofMicrophone() {
    const { trouble, dead, speaking } = this.microphone;
    if (trouble) return trouble === "none" && this.studio.onAir ? "unplugged" : trouble;
    if (dead) return "silent";
    return this.broadcast.muted && speaking && this.studio.onAir ? "muted" : "";
  }

  #ofConnection() {
    if (this.#state === "elsewhere") return "elsewhere";
    if (this.#state === "reconnecting" && this.broadcast.running) return "reconnecting";
    const cause = this.broadcast.connection?.cause;
    return this.#state === "starting" && typeof cause === "string" ? cause : "";
  }

  #ofRemover() {
    if (this.#state === "paused") return this.broadcast.remover.state === "silenced" ? "remover-silenced" : "remover-paused";
    if (this.#state === "lost") return "remover-lost";
    if (this.#state !== "starting" || this.broadcast.connection?.state !== "connected") return "";
    const waited = performance.now() - this.broadcast.joinedAt;
    if (this.broadcast.slots.taken) return "full";
    if (waited < REMOVER_STARTING_MS) return "";
    return waited < REMOVER_SILENT_MS ? "remover-starting" : "remover-silent";
  }
}
