import { call } from "../lib/api.js";
import { clock, spoken } from "../lib/clock.js";
import { isShortcut } from "../lib/shortcuts.js";
import { fill, say, showState } from "../lib/states.js";
import { t } from "../lib/words.js";
import { Heard } from "./heard.js";
import { RecordingWave } from "./recording-wave.js";

/**
 * A recording as pages and the API offer it. `live`: it is still growing, and `url` has the part that existed.
 * @typedef {{id: string, title: string, owner: string, username: string, duration: number, url: string, live: boolean}} Playable
 */

const GROW_MS = 1000;
/** This close to its end a growing recording counts as caught up, because its file grows by whole seconds. */
const EDGE_S = 2.5;

/**
 * Plays recordings. Its controls are `#player`, which Turbo keeps through every navigation; the audio element stays outside of
 * the page, because moving it from body to body would stop it. Any `data-play` button in a page plays its recording.
 *
 * Events: "play" (something else should be quiet now), "position" (it goes on, or another recording has come), "edge" (playing
 * has caught up with a stream that is on air; who goes on with the live sound prevents the default).
 */
export class Player extends EventTarget {
  #audio = new Audio();
  #wave = new RecordingWave(this.#audio);
  #heard = new Heard();
  /** @type {Playable | null} */
  #recording = null;

  constructor() {
    super();
    this.#audio.preload = "metadata";
    for (const type of ["play", "pause", "ended", "durationchange", "ratechange"])
      this.#audio.addEventListener(type, () => this.show());
    this.#audio.addEventListener("timeupdate", () => this.#showPosition());
    this.#audio.addEventListener("timeupdate", () => {
      if (this.playing) this.#heard.at(this.#audio.currentTime);
    });
    this.#audio.addEventListener("pause", () => this.#heard.at(this.#audio.currentTime, true));
    this.#audio.addEventListener("ended", () => this.#goOn());
    this.#audio.addEventListener(
      "error",
      () =>
        this.#recording &&
        say(
          t("{title} cannot be played. The file is missing, or the server cannot be reached.", {
            title: this.#recording.title,
          }),
        ),
    );
    document.addEventListener("click", (event) => this.#onClick(event));
    document.addEventListener("input", (event) => this.#onInput(event));
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get playing() {
    return !this.#audio.paused && !this.#audio.ended;
  }

  pause() {
    this.#audio.pause();
  }

  /** Stops, empties and hides the player. */
  close() {
    this.#audio.pause();
    this.#audio.removeAttribute("src");
    this.#recording = null;
    this.#heard.open("");
    this.show();
  }

  /** Seconds. */
  get position() {
    return this.#audio.currentTime;
  }

  /** Id of the recording in the player. */
  get id() {
    return this.#recording?.id ?? "";
  }

  /** @param {Playable} recording @param {number} [at] Seconds; by default where it was stopped last time. */
  load(recording, at = placeOf(recording.id, recording.duration)) {
    const own = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=user]"))?.content === recording.username;
    if (recording.id !== this.id) this.#heard.open(own ? "" : recording.id);
    this.#recording = recording;
    this.#audio.src = this.#audio.canPlayType("audio/flac") || recording.live ? recording.url : `${recording.url}.opus`;
    this.#audio.currentTime = at;
    const player = this.#controls;
    if (!player) return;
    fill(player, "title", recording.title);
    fill(player, "owner", recording.owner);
    this.#wave.load(recording.id, recording.duration, /** @type {HTMLElement} */ (player.querySelector("[data-wave]")));
    this.#tellSystem(recording);
  }

  /** Plays from a moment of a recording. @param {Playable} recording @param {number} at Seconds; negative: before its end. */
  playFrom(recording, at) {
    this.load(recording, Math.max(0, at < 0 ? recording.duration + at : at));
    return this.#play();
  }

  /** Sets what a lock screen shows and what media keys do. @param {Playable} recording */
  #tellSystem({ title, owner }) {
    const session = navigator.mediaSession;
    session.metadata = new MediaMetadata({ title, artist: owner, album: "Stillair" });
    session.setActionHandler("play", () => this.#play());
    session.setActionHandler("pause", () => this.pause());
    session.setActionHandler("seekbackward", () => this.#skip(-15));
    session.setActionHandler("seekforward", () => this.#skip(30));
    session.setActionHandler("seekto", ({ seekTime }) => this.#seek(seekTime ?? 0));
  }

  /** Handles the end of the file: plays the rest if the recording has grown since. */
  async #goOn() {
    const before = this.#recording;
    if (!before?.live) return;
    const now = await latest(before).catch(() => null);
    if (!now || this.#recording !== before || !this.#audio.ended) return;
    const [position, behind] = [this.#length, now.duration - this.#length];
    const caughtUp = now.live && behind < EDGE_S;
    if (caughtUp && !this.dispatchEvent(new Event("edge", { cancelable: true }))) return;
    if (behind > 0.1) this.playFrom(now, position);
    else if (now.live) setTimeout(() => this.#goOn(), GROW_MS);
    else this.#recording = now;
  }

  /** Updates the controls, and the play buttons of a page that has just been loaded. */
  show() {
    const player = this.#controls;
    if (!player) return;
    player.hidden = !this.id;
    const state = this.playing ? "playing" : "still";
    showState(player, state);
    player.querySelector("[data-toggle]")?.setAttribute("aria-label", this.playing ? t("Pause") : t("Play"));
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-play]"))) {
      const mine = this.playing && button.dataset.play === this.id;
      showState(button, mine ? "playing" : "still");
      if (button.hasAttribute("aria-label"))
        button.setAttribute(
          "aria-label",
          mine
            ? t("Pause {title}", { title: button.dataset.title ?? "" })
            : t("Play {title}", { title: button.dataset.title ?? "" }),
        );
      button.classList.toggle("btn--main", mine || !button.hasAttribute("aria-label"));
      button.closest("[data-recording]")?.classList.toggle("is-playing", mine);
    }
    this.#showPosition();
  }

  get #controls() {
    return document.getElementById("player");
  }

  get #length() {
    return Number.isFinite(this.#audio.duration) ? this.#audio.duration : (this.#recording?.duration ?? 0);
  }

  async #play() {
    this.dispatchEvent(new Event("play"));
    await this.#audio.play().catch(() => {}); // the "error" event tells
  }

  #toggle() {
    if (this.playing) this.pause();
    else this.#play();
  }

  /** @param {number} seconds */
  #skip(seconds) {
    this.#seek(this.#audio.currentTime + seconds);
  }

  /** @param {number} position Seconds. */
  #seek(position) {
    this.#audio.currentTime = Math.min(this.#length, Math.max(0, position));
  }

  #showPosition() {
    this.dispatchEvent(new Event("position"));
    const player = this.#controls;
    const slider = /** @type {HTMLInputElement | null | undefined} */ (player?.querySelector(".seek input"));
    if (!player || !slider || !this.id) return;
    const [position, length] = [this.#audio.currentTime, this.#length];
    fill(player, "position", clock(position));
    fill(player, "duration", clock(length));
    slider.max = String(Math.max(1, Math.floor(length)));
    slider.value = String(Math.floor(position));
    slider.setAttribute("aria-valuetext", t("{position} of {length}", { position: spoken(position), length: spoken(length) }));
    if (position <= length)
      navigator.mediaSession.setPositionState({ duration: length, position, playbackRate: this.#audio.playbackRate });
    remember(this.id, position, length);
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const button = /** @type {HTMLElement | null} */ (target.closest("[data-play]"));
    if (button) {
      event.preventDefault();
      if (button.dataset.play !== this.id) this.load(offered(button));
      this.#toggle();
    } else if (target.closest("#player [data-toggle]")) {
      this.#toggle();
    } else {
      const skip = /** @type {HTMLElement | null} */ (target.closest("#player [data-skip]"));
      if (skip) this.#skip(Number(skip.dataset.skip));
    }
  }

  /** @param {Event} event */
  #onInput(event) {
    const field = /** @type {HTMLInputElement} */ (event.target);
    if (!field.closest("#player")) return;
    if (field.id === "speed")
      this.#audio.playbackRate = this.#audio.defaultPlaybackRate = Number(field.value); // a new file starts with the default
    else if (field.matches("[data-volume]")) {
      this.#audio.volume = Number(field.value) / 100;
      field.setAttribute("aria-valuetext", t("{count} percent", { count: field.value }));
    } else this.#seek(Number(field.value));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (!this.id || !isShortcut(event)) return;
    if (event.key === "j") this.#skip(-15);
    if (event.key === "l") this.#skip(30);
  }
}

/** @param {HTMLElement} button `data-play` of a page. @returns {Playable} */
export function offered({ dataset: { play = "", title = "", owner = "", username = "", duration = "0", url, live } }) {
  return {
    id: play,
    title,
    owner,
    username,
    duration: Number(duration),
    url: url || `/recordings/${play}/audio`,
    live: live === "live",
  };
}

/**
 * Fetches the recording as the server has it now.
 * @param {{id: string, username: string, owner: string}} recording @returns {Promise<Playable>}
 */
export async function latest({ id, username, owner }) {
  const { recording } = await call("GET", `/api/recordings/${username}/${id}`);
  const { title, duration, state, audio_url: url } = recording;
  return { id, title, owner, username, duration, url, live: state === "live" };
}

const PLACES = "places";
const MAX_POSITIONS = 50;

/** @returns {Record<string, number>} Positions where people stopped, by recording. */
function places() {
  return JSON.parse(localStorage.getItem(PLACES) ?? "{}");
}

/** @param {string} id @param {number} duration */
function placeOf(id, duration) {
  const place = places()[id] ?? 0;
  return place < duration - 2 ? place : 0;
}

/** @param {string} id @param {number} position @param {number} length */
function remember(id, position, length) {
  const { [id]: _, ...others } = places();
  const kept = Object.entries(others).slice(1 - MAX_POSITIONS);
  if (position > 5 && position < length - 5) kept.push([id, Math.floor(position)]);
  localStorage.setItem(PLACES, JSON.stringify(Object.fromEntries(kept)));
}
