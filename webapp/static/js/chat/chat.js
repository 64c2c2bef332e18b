import { ApiError, call, user } from "../lib/api.js";
import { say } from "../lib/states.js";
import { ChatLog } from "./chat-log.js";
import { Reactions } from "./chat-reactions.js";

/**
 * Runs the chat beside a stream (`#chat`). The server draws it, and redraws it when a stream goes live while the page is open;
 * this sends its forms without leaving the page and adds what others write. Returns what ends it.
 * @param {import("../lib/events.js").ServerEvents} events
 */
export function openChat(events) {
  const root = document.getElementById("chat");
  if (!root) return () => {};
  const chat = new Chat(root, events);
  return () => chat.close();
}

class Chat {
  #stop = new AbortController();
  #drawn = new MutationObserver(() => this.#begin());

  /** @param {HTMLElement} root @param {EventTarget} events */
  constructor(root, events) {
    this.root = root;
    this.log = new ChatLog(root);
    this.reactions = new Reactions(root, this.#stop.signal);
    const on = { signal: this.#stop.signal };
    events.addEventListener("message", (event) => this.#told(/** @type {CustomEvent} */ (event).detail), on);
    events.addEventListener("open", () => this.#catchUp(), on);
    root.addEventListener("submit", (event) => this.#submit(event), on);
    root.addEventListener("keydown", (event) => this.#onKey(event), on);
    this.#drawn.observe(root, { attributeFilter: ["data-stream"] });
    this.#begin();
  }

  close() {
    this.#stop.abort();
    this.#drawn.disconnect();
    this.log.close();
  }

  /** Starts with the chat of this stream, which may be another one than before. */
  #begin() {
    this.reactions.begin();
    this.log.toEnd();
    this.#catchUp();
  }

  get #stream() {
    return this.root.dataset.stream ?? "";
  }

  get #path() {
    return `/api/stream/chat/${this.#stream}`;
  }

  /** @param {{kind: string, data: any}} event */
  #told({ kind, data }) {
    if (kind === "poll" || kind === "resync") this.#catchUp();
    if (kind === "friend.renamed") this.log.renamed(data.username);
    if (kind === "friend.removed" && data.username === this.root.dataset.owner) this.#shut();
    if (kind === "stream.ended" && data.stream.id === this.#stream) this.#become("over");
    if (data.stream !== this.#stream) return;
    if (kind === "chat.message") this.log.add([data.message]);
    if (kind === "chat.deleted") this.log.remove(data.id);
    if (kind === "chat.muted") this.#showMuted(data);
    if (kind === "chat.reaction") this.reactions.show(data.counts, data.kind);
    if (kind === "chat.reactions") this.reactions.allow(data.on);
  }

  /** Asks for what happened before this page was open or while its connection was gone: events reach open pages only. */
  async #catchUp() {
    const stream = this.#stream;
    if (!stream || this.root.dataset.state === "over") return;
    const shown = this.log.lines;
    try {
      const room = await call("GET", this.#path);
      if (stream !== this.#stream) return;
      this.log.replace(shown, room.messages);
      this.reactions.show(room.reactions.counts);
      this.reactions.allow(room.reactions.on);
      this.#become(room.muted ? "muted" : "open");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.final && stream === this.#stream) this.#become("over");
    }
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const kind = form.dataset.chat;
    if (!kind) return;
    event.preventDefault();
    const sent = Object.fromEntries(new FormData(form, event.submitter));
    try {
      await this.#send(kind, sent, form);
      this.#say("");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "muted") this.#become("muted");
      this.#say(error.message);
    }
  }

  /** @param {string} kind @param {Record<string, any>} sent @param {HTMLFormElement} form */
  async #send(kind, sent, form) {
    if (kind === "say") await this.#write(sent.text, form);
    if (kind === "react") this.reactions.show((await call("POST", `${this.#path}/reactions`, { kind: sent.kind })).counts);
    if (kind === "switch") await call("PUT", `${this.#path}/reactions`, { on: sent.on === "1" });
    if (kind === "delete") {
      const id = /** @type {HTMLElement} */ (form.closest(".line")).dataset.message ?? "";
      await call("DELETE", `${this.#path}/${id}`);
      this.log.remove(id);
    }
    if (kind === "mute") {
      await call("PUT", `${this.#path}/muted/${sent.username}`);
      /** @type {HTMLDetailsElement} */ (form.closest("details")).open = false;
      this.log.focus();
    }
    if (kind === "unmute") {
      await call("DELETE", `${this.#path}/muted/${sent.username}`);
      this.log.focus();
    }
    form.closest("details.menu")?.removeAttribute("open");
  }

  /**
   * Puts text that could not be sent back into the field, unless there is something new in it.
   * @param {string} text @param {HTMLFormElement} form
   */
  async #write(text, form) {
    if (!text.trim()) return;
    const field = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
    field.value = "";
    try {
      const { message } = await call("POST", this.#path, { text });
      this.log.add([message]);
      this.log.toEnd();
    } catch (error) {
      field.value ||= text;
      throw error;
    }
  }

  /**
   * Sends on Enter; Shift+Enter begins a new line, and an Enter that confirms an input method's word does neither.
   * @param {KeyboardEvent} event
   */
  #onKey(event) {
    const field = /** @type {HTMLElement} */ (event.target);
    if (field.id !== "say" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    field.closest("form")?.requestSubmit();
  }

  /** @param {{username: string, display_name: string, muted: boolean}} mute */
  #showMuted({ username, display_name, muted }) {
    if (username === user()) this.#become(muted ? "muted" : "open");
    const list = this.root.querySelector("[data-muted]");
    if (!list) return;
    for (const row of list.querySelectorAll("li")) if (usernameIn(row).value === username) row.remove();
    const template = /** @type {HTMLTemplateElement} */ (this.root.querySelector("#chat-muted"));
    const row = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild);
    if (!muted) return;
    usernameIn(row).value = username;
    /** @type {HTMLElement} */ (row.querySelector("span")).textContent = display_name;
    /** @type {HTMLElement} */ (row.querySelector("button span")).textContent = ` ${display_name}`;
    list.append(row);
  }

  /** @param {"open" | "muted" | "over"} state */
  #become(state) {
    if (this.root.dataset.state === state) return;
    const focused = this.root.contains(document.activeElement);
    this.root.dataset.state = state;
    if (state === "muted") say(this.root.querySelector(".when-muted")?.textContent ?? "");
    if (focused && !document.activeElement?.checkVisibility()) this.log.focus();
  }

  /** Closes the chat for somebody who is no longer a friend. */
  #shut() {
    this.root.hidden = true;
    this.root.replaceChildren();
    delete this.root.dataset.stream;
  }

  /** @param {string} problem */
  #say(problem) {
    const place = this.root.querySelector("#say-error");
    const field = this.root.querySelector("#say");
    if (place) place.textContent = problem;
    if (problem) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
  }
}

/** @param {Element} row */
function usernameIn(row) {
  return /** @type {HTMLInputElement} */ (row.querySelector("[name=username]"));
}
