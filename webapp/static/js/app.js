import { startClocks } from "./lib/clock.js";
import { ServerEvents } from "./lib/events.js";
import { rename } from "./lib/faces.js";
import { expireParts, refreshByTime, refreshParts } from "./lib/refresh.js";
import { startShortcuts } from "./lib/shortcuts.js";
import { ListeningBar } from "./listen/listening-bar.js";
import { startPush } from "./notifications/push.js";
import { Player } from "./recordings/player.js";
import { startFrame } from "./shell/frame.js";
import { LiveBar } from "./shell/live-bar.js";
import { startPictureForm } from "./shell/picture-form.js";
import { Sidebar } from "./shell/sidebar.js";
import { status } from "./shell/status.js";

/**
 * Views by the page's `data-view`. Each is loaded with its page, two of them with the audio server's SDK.
 * @type {Record<string, () => Promise<{mount: (root: HTMLElement, app: App) => () => void}>>}
 */
const VIEWS = {
  live: () => import("./live/live-view.js"),
  listen: () => import("./listen/listen-view.js"),
  difference: () => import("./demo/difference-view.js"),
  notifications: () => import("./notifications/push-view.js"),
  chat: () => import("./chat/chat-view.js"),
  passkey: () => import("./factors/passkey-view.js"),
  setup: () => import("./setup/setup-view.js"),
};

/** Holds what outlives a page: Turbo changes pages without a new document, and sound must not be interrupted. */
export class App {
  player = new Player();
  events = new ServerEvents();
  sidebar = new Sidebar();
  bar = new ListeningBar(this);
  liveBar = new LiveBar(this);
  /** @type {import("./listen/listening.js").Listening | null} */
  listening = null;
  /** @type {import("./live/studio.js").Studio | null} */
  studio = null;
  #user = "";
  #unmount = () => {};
  /** The element that `#unmount` belongs to. @type {HTMLElement | null} */
  #shown = null;

  start() {
    startFrame();
    startPictureForm();
    startShortcuts(() => status(this));
    startClocks();
    refreshByTime();
    this.player.addEventListener("play", () => this.listening?.pause());
    this.player.addEventListener("edge", (event) => this.#jumpToLive(event));
    this.events.addEventListener("message", (event) => this.#told(/** @type {CustomEvent} */ (event).detail));
    document.addEventListener("turbo:load", () => this.#show());
    document.addEventListener("turbo:render", () => this.#show()); // the answer to a form fires no "turbo:load"
    document.addEventListener("turbo:before-render", () => this.#leave());
    addEventListener("online", () => this.#again());
  }

  /**
   * Listens to this from now on, and to nothing else.
   * @template {import("./listen/listening.js").Listening | null} T @param {T} listening @returns {T}
   */
  listenTo(listening) {
    this.listening?.close();
    this.listening = listening;
    listening?.addEventListener("change", () => {
      this.bar.show();
      if (listening.state === "playing") this.player.pause();
    });
    this.bar.show();
    return listening;
  }

  /** Returns to the live sound when a player has caught up with its stream. @param {Event} edge */
  #jumpToLive(edge) {
    if (!this.listening?.connection || this.listening.stream?.id !== this.player.id) return;
    edge.preventDefault();
    this.listening.play();
  }

  async #show() {
    this.#checkUser();
    this.player.show();
    this.bar.show();
    this.liveBar.show();
    expireParts();
    const root = /** @type {HTMLElement | null} */ (document.querySelector("[data-view]"));
    const load = VIEWS[root?.dataset.view ?? ""];
    if (!root || !load || root === this.#shown) return;
    this.#shown = root;
    const { mount } = await load();
    if (root.isConnected) this.#unmount = mount(root, this);
  }

  #leave() {
    this.#unmount();
    this.#unmount = () => {};
    this.#shown = null;
  }

  /** Stops everything when another person is logged in, or nobody. */
  #checkUser() {
    const user = meta("user");
    if (user === this.#user) return;
    if (this.#user) {
      this.events.close();
      this.listenTo(null);
      this.studio?.close();
      this.studio = null;
      this.player.close();
      this.liveBar.clear();
    }
    this.#user = user;
    if (!user) return;
    this.events.open(meta("events-after"));
    startPush(user).catch(() => {}); // pages work without push notifications
  }

  #again() {
    this.listening?.connection?.again();
    this.studio?.broadcast.connection?.again();
  }

  /** @param {{kind: string, data: any}} event */
  #told({ kind, data }) {
    this.liveBar.told(kind, data);
    if (kind === "notice.live") return;
    if (!/^(chat\.|stream\.(moved|listeners))/.test(kind)) this.sidebar.refresh();
    if (kind === "friend.renamed") rename(data.username, data.display_name, data.avatar);
    this.studio?.told(kind, data);
    this.listening?.told(kind, data);
    refreshParts(kind).then(() => this.player.show());
  }
}

/** @param {string} name */
function meta(name) {
  return /** @type {HTMLMetaElement | null} */ (document.querySelector(`meta[name=${name}]`))?.content ?? "";
}

new App().start();
