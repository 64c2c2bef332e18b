import { fill, say, showState } from "../lib/states.js";
import { t } from "../lib/words.js";

/** Several people who go live at once are announced in one sentence. */
const GATHER_MS = 800;
const NAMED = 3;

/** Shows on every page who has gone live meanwhile, with a link, until it is seen, closed or over. */
export class LiveBar {
  /** Friends by user name. @type {Map<string, {display_name: string, title: string}>} */
  #live = new Map();
  /** Names not spoken yet. @type {string[]} */
  #fresh = [];

  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    document.addEventListener("click", (event) => {
      if (!(/** @type {Element} */ (event.target).closest("#live-bar [data-close]"))) return;
      document.getElementById("main")?.focus({ preventScroll: true });
      this.clear();
    });
  }

  /** @param {string} kind @param {any} data A server event. */
  told(kind, data) {
    const known = this.#live.get(data.username);
    if (kind === "resync") this.#live.clear();
    if (kind === "notice.live") this.#add(data);
    if (kind === "stream.ended" || kind === "friend.removed") this.#live.delete(data.username);
    if (known && kind === "stream.title") known.title = data.stream.title;
    if (known && kind === "friend.renamed") known.display_name = data.display_name;
    this.show();
  }

  /** Hides friends whom the current page shows: the home page shows all, a friend's page that one. */
  show() {
    if (location.pathname === "/") this.#live.clear();
    this.#live.delete(/^\/listen\/([^/]+)/.exec(location.pathname)?.[1] ?? "");
    const bar = document.getElementById("live-bar");
    if (!bar) return;
    const [[username, { display_name: name, title }] = ["", { display_name: "", title: "" }]] = this.#live;
    bar.hidden = !username;
    if (bar.hidden) return;
    const several = this.#live.size > 1;
    showState(bar, several ? "several" : "one");
    fill(bar, "who", sentence([...this.#live.values()].map((friend) => friend.display_name)));
    fill(bar, "title", several ? "" : title);
    fill(bar, "name", name);
    /** @type {HTMLAnchorElement} */ (bar.querySelector("a")).href = several ? "/" : `/listen/${username}`;
  }

  /** @param {{username: string, display_name: string, title: string}} friend */
  #add(friend) {
    const { listening } = this.app;
    const heard = listening?.connection && listening.username === friend.username;
    if (heard || location.pathname === `/listen/${friend.username}`) return;
    this.#live.set(friend.username, friend);
    if (this.#fresh.push(friend.display_name) === 1) setTimeout(() => this.#speak(), GATHER_MS);
  }

  #speak() {
    if (this.#fresh.length) say(sentence(this.#fresh.splice(0)));
  }

  /** Hides everybody. */
  clear() {
    this.#live.clear();
    this.#fresh = [];
    this.show();
  }
}

/** @param {string[]} names */
export function sentence(names) {
  if (names.length === 1) return t("{name} is live", { name: names[0] });
  const more = names.length - NAMED;
  if (more > 1) return t("{names} and {count} more are live", { names: names.slice(0, NAMED).join(", "), count: more });
  return t("{names} are live", { names: new Intl.ListFormat(document.documentElement.lang).format(names) });
}
