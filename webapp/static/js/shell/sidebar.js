import { renderStreamMessage } from "../lib/turbo.js";

/**
 * Keeps the focus on a person whose place in the sidebar changes: going live moves people from one list to another.
 * @param {CustomEvent} event Turbo's event before a part is redrawn.
 */
function keepFocus({ detail }) {
  const render = detail.render;
  detail.render = async (/** @type {Element} */ stream) => {
    const person = /** @type {HTMLElement | null | undefined} */ (document.activeElement?.closest("#company [data-person]"))
      ?.dataset.person;
    await render(stream);
    if (!person || document.activeElement !== document.body) return;
    const place = document.querySelector(`#company [data-person="${CSS.escape(person)}"]`);
    /** @type {HTMLElement | null | undefined} */ (place?.querySelector("a, button"))?.focus({ preventScroll: true });
  };
}

/**
 * Keeps the parts of the page that show friends up to date: the server sends them as Turbo streams, which are morphed in
 * place, so that focus and scroll position stay where they are. Several events in a row cost one request.
 */
const GATHER_MS = 300;

export class Sidebar {
  #due = false;
  #busy = false;

  constructor() {
    document.addEventListener("turbo:before-stream-render", (event) => keepFocus(/** @type {CustomEvent} */ (event)));
  }

  async refresh() {
    this.#due = true;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#due) {
      await new Promise((resolve) => {
        setTimeout(resolve, GATHER_MS);
      });
      this.#due = false;
      await this.#fetch().catch(() => {}); // the next event or poll tries again
    }
    this.#busy = false;
  }

  async #fetch() {
    const path = location.pathname;
    const response = await fetch(`/sidebar?page=${encodeURIComponent(path)}`, {
      headers: { Accept: "text/vnd.turbo-stream.html" },
    });
    if (response.ok && !response.redirected && path === location.pathname) renderStreamMessage(await response.text());
  }
}
