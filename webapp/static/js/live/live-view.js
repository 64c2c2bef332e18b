import { loadLiveKitSoon } from "../audio/livekit.js";
import { MicrophoneView } from "../audio/microphone-view.js";
import { openChat } from "../chat/chat.js";
import { ApiError } from "../lib/api.js";
import { clock } from "../lib/clock.js";
import { Notices } from "../lib/notices.js";
import { isShortcut } from "../lib/shortcuts.js";
import { fill, say, showState } from "../lib/states.js";
import { number, t } from "../lib/words.js";
import { Broadcast } from "./broadcast.js";
import { LiveNotices } from "./live-notices.js";
import { bindStrength } from "./strength.js";
import { Studio } from "./studio.js";

const LOOK_MS = 500;
const METER_MAX_DB = 40;
/** Delay before a start that found no audio server is tried again. */
const START_AGAIN_MS = 5000;
const STRENGTH = "strength";
/** Error code of the API while the audio server does not answer. */
const UNREACHABLE = "audio_server_unreachable";

/**
 * Shows the stream page and controls the app's Studio, which goes on when this page is left.
 * @param {HTMLElement} root @param {import("../app.js").App} app
 */
export function mount(root, app) {
  app.studio ??= new Studio();
  const view = new LiveView(root, app.studio, app.events);
  const closeChat = openChat(app.events);
  return () => {
    view.close();
    closeChat();
  };
}

class LiveView {
  #stop = new AbortController();
  /** The action that waits for the microphone. @type {"start" | "check" | "resume" | ""} */
  #wanted = "";
  /** Whether the stream is running in another tab. */
  #elsewhere;
  #spoken = "";
  #look = 0;
  #startAgain = 0;

  /** @param {HTMLElement} root @param {Studio} studio @param {EventTarget} events */
  constructor(root, studio, events) {
    this.root = root;
    this.studio = studio;
    studio.microphone.music = root.dataset.quality === "music";
    this.broadcast = studio.broadcast;
    this.microphone = new MicrophoneView(root, studio.microphone);
    this.notices = new LiveNotices(new Notices(root), studio, this.microphone);
    this.title = /** @type {HTMLInputElement} */ (root.querySelector("#title"));
    this.#elsewhere = Boolean(root.dataset.stream) && !this.broadcast.running;
    this.#bind();
    events.addEventListener("message", (event) => this.#told(/** @type {CustomEvent} */ (event).detail), {
      signal: this.#stop.signal,
    });
    const streamId = root.dataset.stream ?? "";
    if (this.#elsewhere && Broadcast.wasHere(streamId)) this.#begin("resume");
    this.#show();
  }

  close() {
    this.#stop.abort();
    clearInterval(this.#look);
    clearTimeout(this.#startAgain);
    this.microphone.close();
    if (!this.broadcast.running) this.studio.microphone.close();
  }

  #bind() {
    const on = { signal: this.#stop.signal };
    loadLiveKitSoon();
    this.broadcast.strengthDb = Number(localStorage.getItem(STRENGTH) ?? this.broadcast.strengthDb);
    bindStrength(this.root, this.broadcast.strengthDb, (db) => {
      localStorage.setItem(STRENGTH, String(db));
      this.broadcast.setStrength(db);
    });
    this.root.addEventListener(
      "click",
      (event) => {
        const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-do]"));
        if (button) this.#act(button.dataset.do ?? "");
      },
      on,
    );
    document.addEventListener("keydown", (event) => this.#onKey(event), on);
    this.title.addEventListener("change", () => this.#retitle(), on);
    for (const radio of this.#compareRadios)
      radio.addEventListener("change", () => this.#compare(radio.value === "original"), on);
    this.microphone.addEventListener("change", () => this.#show(), on);
    this.broadcast.addEventListener("change", () => this.#show(), on);
    this.broadcast.addEventListener("meter", () => this.#showMeter(), on);
    this.studio.monitor.addEventListener("delay", () => this.#showDelay(), on);
    for (const button of this.root.querySelectorAll("button")) button.disabled = false; // from here on a press counts
    this.#look = setInterval(() => this.notices.show(this.#state), LOOK_MS);
  }

  /** @param {{kind: string, data: any}} event */
  #told({ kind, data }) {
    if (kind !== "stream.ended" || data.stream?.id !== this.root.dataset.stream) return;
    this.#elsewhere = false;
    this.#show();
  }

  /** @param {string} action Of a `data-do` button. */
  #act(action) {
    if (action === "start" || action === "check") this.#begin(action);
    if (action === "move") this.#begin("resume");
    if (action === "retry") this.#begin(this.#wanted);
    if (action === "go-live") this.#try(() => this.broadcast.goLive());
    if (action === "stop") this.#end();
    if (action === "mute") this.broadcast.setMuted(!this.broadcast.muted);
    if (action === "hear") this.#hear(!this.studio.monitor.hearing);
    if (action === "try-now") this.broadcast.connection?.again();
  }

  /** Opens the microphone, then the stream. @param {"start" | "check" | "resume" | ""} what "": the microphone only */
  async #begin(what) {
    clearTimeout(this.#startAgain);
    this.#wanted = what;
    if (!this.studio.microphone.track && !(await this.microphone.open())) return;
    this.#wanted = "";
    if (what === "resume") await this.#try(() => this.broadcast.resume());
    else if (what) await this.#try(() => this.broadcast.start(this.title.value.trim(), what === "check"));
    if (what && this.notices.failureCode === UNREACHABLE) this.#startAgain = setTimeout(() => this.#begin(what), START_AGAIN_MS);
  }

  async #end() {
    this.#hear(false);
    await this.broadcast.stop();
    this.#elsewhere = false;
    this.#show();
  }

  async #retitle() {
    const title = this.title.value.trim();
    if (title && this.broadcast.running) await this.#try(() => this.broadcast.setTitle(title));
  }

  /** @param {() => Promise<void>} step */
  async #try(step) {
    try {
      await step();
      this.notices.failure = this.notices.failureCode = ""; // only now, so that a failure that persists is not spoken twice
      this.#elsewhere = false;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "already_streaming") this.#elsewhere = true;
      else [this.notices.failure, this.notices.failureCode] = [error.message, error.code];
    }
    this.#show();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (!isShortcut(event) || !this.broadcast.running) return;
    if (event.key === "m") this.#act("mute");
    if (event.key === "h") this.#act("hear");
    if (event.key === "b" && this.broadcast.quality !== "music") this.#compare(!this.broadcast.comparing);
  }

  // --- What the broadcaster hears

  get #compareRadios() {
    return /** @type {HTMLInputElement[]} */ ([...this.root.querySelectorAll("[name=compare]")]);
  }

  /** @param {boolean} hearing */
  #hear(hearing) {
    this.studio.monitor.hear(hearing);
    if (!hearing) this.broadcast.compare(false);
    this.#show();
  }

  /** @param {boolean} original */
  #compare(original) {
    if (original) this.studio.monitor.hear(true);
    this.broadcast.compare(original);
    this.#show();
  }

  // --- What is seen

  get #state() {
    const state = this.broadcast.state;
    return this.#elsewhere && !this.broadcast.running ? "elsewhere" : state;
  }

  #show() {
    const state = this.#state;
    showState(this.root, state);
    this.#placeCompare(state === "checking");
    this.#showRecording();
    this.#showSteps();
    this.#showMeter();
    this.#showDelay();
    this.notices.show(state);
    this.#press("hear", this.studio.monitor.hearing);
    this.#press("mute", this.broadcast.muted);
    for (const radio of this.#compareRadios) radio.checked = (radio.value === "original") === this.broadcast.comparing;
    if (this.broadcast.running && document.activeElement !== this.title) this.title.value = this.broadcast.stream.title;
    if (state !== this.#spoken) say(this.#sentence);
    this.#spoken = state;
  }

  /**
   * Moves the comparison before the strength in a sound check, which is about hearing oneself; on air it comes last.
   * @param {boolean} first
   */
  #placeCompare(first) {
    const [compare, strength] = ["#compare", "#strength"].map((id) => /** @type {HTMLElement} */ (this.root.querySelector(id)));
    const place = first ? strength : null;
    if (compare.nextElementSibling !== place) strength.parentElement?.insertBefore(compare, place);
  }

  /** @param {string} action Of a toggle. @param {boolean} pressed */
  #press(action, pressed) {
    this.root.querySelector(`[data-do=${action}][aria-pressed]`)?.setAttribute("aria-pressed", String(pressed));
  }

  get #sentence() {
    return this.root.querySelector(".state:not([hidden]) [data-sentence]")?.textContent ?? "";
  }

  #showDelay() {
    const behind = this.studio.monitor.behindS;
    const place = /** @type {HTMLElement} */ (this.root.querySelector("[data-delay]"));
    place.hidden = behind === null;
    fill(this.root, "behind", number(behind ?? 0));
  }

  #showRecording() {
    const recording = this.broadcast.remover.recording ?? "";
    for (const fact of /** @type {NodeListOf<HTMLElement>} */ (this.root.querySelectorAll("[data-recording]"))) {
      fact.hidden = !this.studio.onAir || !fact.dataset.recording?.split(" ").includes(recording || "on");
    }
  }

  #showSteps() {
    const { connection, heard } = this.broadcast;
    const label = this.studio.microphone.track?.label ?? "";
    const connected = connection?.state === "connected";
    this.#step("microphone", Boolean(label), label || t("waiting"));
    this.#step("connection", connected, connected ? t("connected") : t("connecting"));
    this.#step("remover", heard, heard ? t("ready") : t("starting"));
  }

  /** @param {string} name @param {boolean} done @param {string} words */
  #step(name, done, words) {
    const step = /** @type {HTMLElement} */ (this.root.querySelector(`[data-step=${name}]`));
    step.classList.toggle("todo", !done);
    /** @type {HTMLElement} */ (step.querySelector("[data-done]")).hidden = !done;
    /** @type {HTMLElement} */ (step.querySelector("[data-todo]")).hidden = done;
    fill(step, name, words);
  }

  #showMeter() {
    const off = ["idle", "elsewhere", "ended"].includes(this.#state);
    const measuring = ["checking", "live", "original"].includes(this.#state) && !this.broadcast.muted;
    const db = measuring ? Math.round(this.broadcast.removedDb) : 0;
    const silent = this.broadcast.muted ? t("muted") : t("waiting");
    const words = measuring || off ? `${db} dB` : silent;
    const noise = /** @type {HTMLElement} */ (this.root.querySelector("#noise"));
    noise.style.setProperty("--v", Math.min(1, db / METER_MAX_DB).toFixed(3));
    noise.setAttribute("aria-valuenow", String(Math.min(METER_MAX_DB, db)));
    noise.setAttribute("aria-valuetext", words);
    this.root.querySelector("[data-read]")?.classList.toggle("read--off", !measuring);
    fill(this.root, "removed", words);
    if (this.broadcast.remover.recording === "on") fill(this.root, "recorded", clock(this.broadcast.seconds));
  }
}
