import { fill, showState } from "../lib/states.js";
import { t } from "../lib/words.js";

/** Shows on every page but the friend's own what is being listened to, with Pause and a link back. */
export class ListeningBar {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    document.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("#listening-bar [data-bar]");
      if (button) this.#act(/** @type {HTMLElement} */ (button).dataset.bar ?? "");
    });
  }

  show() {
    const bar = document.getElementById("listening-bar");
    const listening = this.app.listening;
    if (!bar) return;
    const home = listening && `/listen/${listening.username}`;
    bar.hidden = !listening?.connection || location.pathname === home;
    if (!listening || bar.hidden) return;
    fill(bar, "title", listening.stream?.title ?? "");
    fill(bar, "name", listening.name);
    /** @type {HTMLAnchorElement} */ (bar.querySelector("a")).href = home ?? "";
    showState(bar, listening.paused ? "paused" : "playing");
    bar.querySelector("[data-bar=toggle]")?.setAttribute("aria-label", listening.paused ? t("Play") : t("Pause"));
  }

  /** @param {string} action */
  #act(action) {
    const listening = this.app.listening;
    if (action === "toggle") listening?.paused ? listening.play() : listening?.pause();
    if (action === "stop") this.app.listenTo(null);
  }
}
