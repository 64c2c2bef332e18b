import { clock, spoken } from "./clock.js";
import { isTyping } from "./frame.js";
import { fill, say, showState } from "./states.js";

/**
 * Plays recordings. Its controls are `#player`, which Turbo keeps through every navigation; the audio element stays outside of the
 * page, because moving it from body to body would stop it. Any `data-play` button in a page plays its recording.
 *
 * Events: "play" (something else should be quiet now).
 */
export class Player extends EventTarget {
  #audio = new Audio();
  #id = "";
  #name = "";
  /** Seconds by the page that offered the recording; a file that still grows knows better. */
  #duration = 0;

  constructor() {
    super();
    this.#audio.preload = "metadata";
    for (const type of ["play", "pause", "ended", "durationchange", "ratechange"]) this.#audio.addEventListener(type, () => this.show());
    this.#audio.addEventListener("timeupdate", () => this.#showPosition());
    this.#audio.addEventListener("error", () => say(`${this.#name} cannot be played. The file is not there, or the server cannot be reached.`));
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
    this.#id = "";
    this.show();
  }

  /** @param {{id: string, title: string, owner: string, duration: number}} recording */
  load({ id, title, owner, duration }) {
    this.#id = id;
    this.#name = title;
    this.#duration = duration;
    this.#audio.src = `/recordings/${id}/audio`;
    this.#audio.currentTime = placeOf(id, duration);
    const player = this.#controls;
    if (!player) return;
    fill(player, "title", title);
    fill(player, "owner", owner);
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist: owner, album: "Stillair" });
    navigator.mediaSession.setActionHandler("play", () => this.#play());
    navigator.mediaSession.setActionHandler("pause", () => this.pause());
    navigator.mediaSession.setActionHandler("seekbackward", () => this.#skip(-15));
    navigator.mediaSession.setActionHandler("seekforward", () => this.#skip(30));
  }

  /** Brings the controls, and the play buttons of the page that has just come, to what is true. */
  show() {
    const player = this.#controls;
    if (!player) return;
    player.hidden = !this.#id;
    const state = this.playing ? "playing" : "still";
    showState(player, state);
    player.querySelector("[data-toggle]")?.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-play]"))) {
      const mine = this.playing && button.dataset.play === this.#id;
      showState(button, mine ? "playing" : "still");
      if (button.hasAttribute("aria-label")) button.setAttribute("aria-label", `${mine ? "Pause" : "Play"} ${button.dataset.title}`);
      button.classList.toggle("btn--main", mine || !button.hasAttribute("aria-label"));
      button.closest("[data-recording]")?.classList.toggle("is-playing", mine);
    }
    this.#showPosition();
  }

  get #controls() {
    return document.getElementById("player");
  }

  get #length() {
    return Number.isFinite(this.#audio.duration) ? this.#audio.duration : this.#duration;
  }

  async #play() {
    this.dispatchEvent(new Event("play"));
    await this.#audio.play().catch(() => {});      // the "error" event speaks
  }

  #toggle() {
    if (this.playing) this.pause();
    else this.#play();
  }

  /** @param {number} seconds */
  #skip(seconds) {
    this.#audio.currentTime = Math.min(this.#length, Math.max(0, this.#audio.currentTime + seconds));
  }

  #showPosition() {
    const player = this.#controls;
    const slider = /** @type {HTMLInputElement | null | undefined} */ (player?.querySelector(".seek input"));
    if (!player || !slider || !this.#id) return;
    const [position, length] = [this.#audio.currentTime, this.#length];
    fill(player, "position", clock(position));
    fill(player, "duration", clock(length));
    slider.max = String(Math.max(1, Math.floor(length)));
    slider.value = String(Math.floor(position));
    slider.setAttribute("aria-valuetext", `${spoken(position)} of ${spoken(length)}`);
    remember(this.#id, position, length);
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const button = /** @type {HTMLElement | null} */ (target.closest("[data-play]"));
    if (button) {
      event.preventDefault();
      const { play = "", title = "", owner = "", duration = "0" } = button.dataset;
      if (play !== this.#id) this.load({ id: play, title, owner, duration: Number(duration) });
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
    if (field.id === "speed") this.#audio.playbackRate = Number(field.value);
    else if (field.matches("[data-volume]")) {
      this.#audio.volume = Number(field.value) / 100;
      field.setAttribute("aria-valuetext", `${field.value} percent`);
    } else this.#audio.currentTime = Number(field.value);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (!this.#id || isTyping(event)) return;
    if (event.key === "j") this.#skip(-15);
    if (event.key === "l") this.#skip(30);
  }
}

const PLACES = "places";
const MOST_PLACES = 50;

/** @returns {Record<string, number>} Where people stopped, by recording. */
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
  const kept = Object.entries(others).slice(1 - MOST_PLACES);
  if (position > 5 && position < length - 5) kept.push([id, Math.floor(position)]);
  localStorage.setItem(PLACES, JSON.stringify(Object.fromEntries(kept)));
}
