import { user } from "../lib/api.js";
import { fill } from "../lib/states.js";
import { t } from "../lib/words.js";

/** @typedef {{id: string, username: string, display_name: string, ambiguous: boolean, text: string, at: string}} Message */

/** Messages are collected for this long before they appear, so that a screen reader speaks them together. */
const GATHER_MS = 300;
/** Maximum beside the stream; the chat's own page has all messages. */
const MAX_MESSAGES = 200;

/** Shows the messages beside a stream. */
export class ChatLog {
  /** Messages by id, because one's own arrives twice: in the answer and as an event. @type {Map<string, Message>} */
  #waiting = new Map();
  #timer = 0;

  /** @param {HTMLElement} root `#chat`; its content may be redrawn at any time. */
  constructor(root) {
    this.root = root;
  }

  close() {
    clearTimeout(this.#timer);
  }

  get #log() {
    return /** @type {HTMLElement | null} */ (this.root.querySelector("[role=log]"));
  }

  /** @param {Message[]} messages Those already shown are left alone. */
  add(messages) {
    for (const message of messages) this.#waiting.set(message.id, message);
    this.#timer ||= setTimeout(() => this.#flush(), GATHER_MS);
  }

  get lines() {
    return /** @type {HTMLElement[]} */ ([...this.root.querySelectorAll(".line")]);
  }

  /**
   * Removes lines that were shown before the server sent its newest messages and are missing among them: they have been deleted.
   * @param {HTMLElement[]} shown @param {Message[]} messages
   */
  replace(shown, messages) {
    const kept = new Set(messages.map(({ id }) => id));
    const oldest = Date.parse(messages[0]?.at ?? "");
    for (const line of shown) {
      const earlier = Date.parse(/** @type {HTMLTimeElement} */ (line.querySelector("time")).dateTime) < oldest;
      if (!earlier && !kept.has(line.dataset.message ?? "")) line.remove();
    }
    this.add(messages);
  }

  /** @param {string} id */
  remove(id) {
    this.#waiting.delete(id);
    const line = this.#find(id);
    const focused = line?.contains(document.activeElement);
    line?.remove();
    if (focused) this.focus();
  }

  /** Shows the user name of somebody who takes another name, which may look like that of somebody else. @param {string} username */
  renamed(username) {
    const names = this.root.querySelectorAll(`[data-name-of="${CSS.escape(username)}"] + [data-username]`);
    for (const name of /** @type {NodeListOf<HTMLElement>} */ (names)) name.hidden = false;
  }

  focus() {
    this.#log?.focus({ preventScroll: true });
  }

  toEnd() {
    if (this.#log) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #flush() {
    this.#timer = 0;
    const log = this.#log;
    const fresh = [...this.#waiting.values()].filter(({ id }) => !this.#find(id));
    this.#waiting.clear();
    if (!log || !fresh.length) return;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(...fresh.map((message) => this.#draw(message)));
    for (const line of this.lines.slice(0, -MAX_MESSAGES)) line.remove();
    if (atEnd) this.toEnd();
  }

  /** @param {Message} message @returns {HTMLElement} */
  #draw({ id, username, display_name, ambiguous, text, at }) {
    const template = /** @type {HTMLTemplateElement} */ (this.root.querySelector("#chat-line"));
    const line = /** @type {HTMLElement} */ (
      /** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild
    );
    const [name, time, said] = /** @type {HTMLElement[]} */ ([...line.querySelectorAll("b, time, .said")]);
    const own = username === user();
    line.dataset.message = id;
    name.textContent = own ? t("You") : display_name;
    const also = /** @type {HTMLElement} */ (line.querySelector("[data-username]"));
    also.textContent = name.title = `@${username}`;
    also.hidden = own || !ambiguous;
    if (own) name.removeAttribute("title");
    else name.dataset.nameOf = username;
    if (own || username !== this.root.dataset.owner) line.querySelector("[data-host]")?.remove();
    said.textContent = text;
    time.textContent = new Date(at).toLocaleTimeString(document.documentElement.lang, {
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    /** @type {HTMLTimeElement} */ (time).dateTime = at;
    const muted = /** @type {HTMLInputElement | null} */ (line.querySelector("[name=username]"));
    if (muted) muted.value = username;
    fill(line, "name", display_name);
    const owner = this.root.dataset.owner === user();
    if (!owner || own) line.querySelector("[data-chat=mute]")?.remove();
    if (!owner && !own) line.querySelector("details")?.remove();
    return line;
  }

  /** @param {string} id */
  #find(id) {
    return this.root.querySelector(`[data-message="${CSS.escape(id)}"]`);
  }
}
