import { offered } from "../recordings/player.js";

/**
 * Shows the chat of a recording: while that recording is in the player, each message appears at the second it was written. A
 * message's time plays from there.
 * @param {HTMLElement} root @param {import("../app.js").App} app
 */
export function mount(root, app) {
  const stopping = new AbortController();
  const on = { signal: stopping.signal };
  const follow = /** @type {HTMLElement} */ (root.querySelector("[data-follow]"));
  const follows = /** @type {HTMLInputElement} */ (follow.querySelector("input"));
  const lines = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(".line")]);
  /** @type {[string, number][]} Kind and second. */
  const felt = JSON.parse(root.dataset.felt ?? "[]");

  function show() {
    const position = follows.checked && app.player.id === root.dataset.id ? app.player.position : Infinity;
    for (const line of lines) line.hidden = Number(line.dataset.second) > position;
    for (const count of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-count]"))) {
      count.textContent = String(felt.filter(([kind, second]) => kind === count.dataset.count && second <= position).length);
    }
  }

  follow.hidden = false;
  follows.addEventListener("change", show, on);
  app.player.addEventListener("position", show, on);
  root.addEventListener(
    "click",
    (event) => {
      const line = /** @type {HTMLElement | null} */ (
        /** @type {Element} */ (event.target).closest("a")?.closest(".line") ?? null
      );
      const button = /** @type {HTMLElement | null} */ (document.querySelector("main [data-play]"));
      if (!line || !button) return;
      event.preventDefault();
      app.player.playFrom(offered(button), Number(line.dataset.second));
    },
    on,
  );
  show();
  return () => stopping.abort();
}
