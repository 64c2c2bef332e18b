/** Key in localStorage: this person does not want to see reactions. */
const HIDDEN = "reactions-hidden";
const MAX_FLYING = 8;
const FLIGHT_MS = 900; // must equal the duration in chat.css

/** Shows the reaction buttons beside a stream with their counts; an icon rises from its button when a reaction arrives. */
export class Reactions {
  /** @param {HTMLElement} root `#chat` @param {AbortSignal} signal */
  constructor(root, signal) {
    this.root = root;
    root.addEventListener(
      "click",
      (event) => {
        if (/** @type {Element} */ (event.target).closest("[data-do-chat=hide]")) this.#hide(!this.#hidden);
      },
      { signal },
    );
  }

  /** Restores its state after the page has been drawn or redrawn. */
  begin() {
    this.#hide(this.#hidden);
  }

  get #hidden() {
    return localStorage.getItem(HIDDEN) !== null;
  }

  /** @param {Record<string, number>} counts @param {string} [kind] The one that has just arrived. */
  show(counts, kind) {
    for (const place of /** @type {NodeListOf<HTMLElement>} */ (this.root.querySelectorAll("[data-count]"))) {
      const count = counts[place.dataset.count ?? ""] ?? 0;
      place.textContent = count ? String(count) : "";
    }
    if (kind) this.#fly(kind);
  }

  /** @param {boolean} on The owner has switched them on or off for all. */
  allow(on) {
    this.root.dataset.reactions = on ? "on" : "off";
  }

  /** @param {boolean} hidden In the view of this person. */
  #hide(hidden) {
    if (hidden) localStorage.setItem(HIDDEN, "");
    else localStorage.removeItem(HIDDEN);
    this.root.toggleAttribute("data-no-reactions", hidden);
  }

  /** @param {string} kind */
  #fly(kind) {
    const button = this.root.querySelector(`[data-count="${CSS.escape(kind)}"]`)?.closest("button");
    const icon = button?.querySelector("svg")?.cloneNode(true);
    if (!button || !icon || this.root.querySelectorAll(".flying").length >= MAX_FLYING) return;
    const flying = document.createElement("span");
    flying.className = "flying";
    flying.setAttribute("aria-hidden", "true");
    flying.append(icon);
    button.append(flying);
    setTimeout(() => flying.remove(), FLIGHT_MS);
  }
}
