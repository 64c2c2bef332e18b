import { silence } from "./silence.js";

/** Chromium asks for more than 5. */
const LENGTH_S = 10;

/** Lock screens and media keys are there for files, not for sound that comes live: a silent file plays along with it. */
export class MediaKeys {
  /** @type {HTMLAudioElement | null} */
  #file = null;

  play() {
    this.#file ??= Object.assign(new Audio(URL.createObjectURL(silence(LENGTH_S))), { loop: true });
    this.#file.play().catch(() => {}); // without it there are no keys, and the same sound
  }

  pause() {
    this.#file?.pause();
  }

  /** Takes the stream off the lock screen. */
  close() {
    if (!this.#file) return;
    this.#file.pause();
    URL.revokeObjectURL(this.#file.src);
    this.#file.removeAttribute("src");
    this.#file.load();
    this.#file = null;
  }
}
