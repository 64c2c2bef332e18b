import { silence } from "./silence.js";

/** Chromium requires more than 5. */
const LENGTH_S = 10;

/** Enables lock screen and media keys, which browsers offer for files but not for live sound: a silent file plays along. */
export class MediaKeys {
  /** @type {HTMLAudioElement | null} */
  #file = null;

  play() {
    this.#file ??= Object.assign(new Audio(URL.createObjectURL(silence(LENGTH_S))), { loop: true });
    this.#file.play().catch(() => {}); // without it there are no media keys, but the sound is the same
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
