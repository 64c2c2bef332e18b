import { drawFace } from "../lib/faces.js";
import { fill } from "../lib/states.js";
import { nt } from "../lib/words.js";

/** Lists the listeners by name. */
export class ListenerList {
  /** @param {HTMLElement} root @param {import("./monitor.js").Monitor} monitor @param {AbortSignal} signal */
  constructor(root, monitor, signal) {
    this.root = root;
    this.monitor = monitor;
    monitor.addEventListener("listeners", () => this.#show(), { signal });
    this.#show();
  }

  #show() {
    const { listeners } = this.monitor;
    const template = /** @type {HTMLTemplateElement} */ (this.root.querySelector("#listener"));
    const rows = listeners.map(({ name, avatar }) => {
      const row = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
      drawFace(/** @type {HTMLElement} */ (row.querySelector(".face")), name, avatar);
      fill(row, "name", name);
      return row;
    });
    this.root.querySelector("#listeners")?.replaceChildren(...rows);
    fill(this.root, "listening", nt("{count} listening", "{count} listening", listeners.length));
    /** @type {HTMLElement} */ (this.root.querySelector("[data-nobody]")).hidden = listeners.length > 0;
  }
}
