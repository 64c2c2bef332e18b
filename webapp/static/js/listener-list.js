import { fill } from "./states.js";

/** Who listens, by name. */
export class ListenerList {
  /** @param {HTMLElement} root @param {import("./monitor.js").Monitor} monitor @param {AbortSignal} signal */
  constructor(root, monitor, signal) {
    this.root = root;
    this.monitor = monitor;
    monitor.addEventListener("listeners", () => this.#show(), { signal });
    this.#show();
  }

  #show() {
    const names = this.monitor.listeners;
    const template = /** @type {HTMLTemplateElement} */ (this.root.querySelector("#listener"));
    const rows = names.map((name) => {
      const row = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
      const face = /** @type {HTMLElement} */ (row.querySelector(".face"));
      face.classList.add(`face--${tint(name)}`);
      face.textContent = initials(name);
      fill(row, "name", name);
      return row;
    });
    this.root.querySelector("#listeners")?.replaceChildren(...rows);
    fill(this.root, "listening", `${names.length} listening`);
    /** @type {HTMLElement} */ (this.root.querySelector("[data-nobody]")).hidden = names.length > 0;
  }
}

/** As webapp/pages/drawing.py draws them. @param {string} name */
export function initials(name) {
  const words = name.split(/\s+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word)).map((word) => [...word][0]);
  if (!words.length) return ([...name.trim()][0] ?? "").toUpperCase();
  return (words[0] + (words.length > 1 ? words[words.length - 1] : "")).toUpperCase();
}

/** @param {string} name */
export const tint = (name) => ([...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 6) + 1;
