/** Kinds of events of `GET /events` that the page follows (docs/events.md). */
const KINDS = [
  "friend.online",
  "friend.offline",
  "friend.added",
  "friend.renamed",
  "friend.removed",
  "friend_request.received",
  "friend_request.accepted",
  "friend_request.closed",
  "stream.live",
  "stream.ended",
  "stream.moved",
  "stream.title",
  "recording.ready",
  "recording.removed",
  "notice.live",
  "resync",
  "chat.message",
  "chat.deleted",
  "chat.muted",
  "chat.reaction",
  "chat.reactions",
];
const POLL_MS = 10_000;
const TRY_STREAM_AGAIN_MS = 60_000;
/** Looking at another tab for a moment is not going away. */
const HIDDEN_MS = 2000;
/** The server has seen the end of the old stream by then. */
const REOPEN_MS = 500;

/**
 * What happens to friends and streams. `message` events carry `{kind, data}`. The browser resumes a broken stream by itself
 * (Last-Event-ID); where the server has no stream left for this page, it polls: kind "poll", nothing known but the time. "open" comes
 * when a stream begins or goes on: what is told to open pages only has been missed until then.
 */
export class ServerEvents extends EventTarget {
  /** @type {EventSource | null} */
  #source = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #poll;
  /** Id of the last event. */
  #last = "";
  /** What the server believes: that the page is in sight. Only then it need not wake the person elsewhere. */
  #watching = true;
  #looking = 0;
  #reopening = 0;

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.#looking);
      this.#looking = setTimeout(() => this.#see(), document.hidden ? HIDDEN_MS : 0);
    });
  }

  /** @param {string} [after] Id of the last event that the page has seen already. */
  open(after = "") {
    if (this.#source) return;
    this.#last = after;
    this.#watching = !document.hidden;
    const asked = new URLSearchParams({ ...(after && { after }), ...(document.hidden && { watching: "0" }) });
    const source = new EventSource(`/events?${asked}`);
    this.#source = source;
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        const { data, lastEventId } = /** @type {MessageEvent} */ (event);
        this.#last = lastEventId;
        this.#tell(kind, JSON.parse(data));
      });
    }
    source.addEventListener("open", () => {
      clearInterval(this.#poll);
      this.#poll = undefined;
      this.dispatchEvent(new Event("open"));
    });
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) this.#fallBack();
    });
  }

  close() {
    this.#source?.close();
    this.#source = null;
    clearInterval(this.#poll);
    this.#poll = undefined;
    clearTimeout(this.#reopening);
  }

  /** Tells the server when the page comes in sight or goes out of it: by another stream, from where this one was. */
  #see() {
    if (!this.#source || this.#watching !== document.hidden) return;
    const last = this.#last;
    this.close();
    this.#reopening = setTimeout(() => this.open(last), REOPEN_MS);
  }

  /** The server has refused the stream for good. */
  #fallBack() {
    this.#source = null;
    this.#poll ??= setInterval(() => this.#tell("poll", {}), POLL_MS);
    setTimeout(() => {
      if (this.#poll) this.open();
    }, TRY_STREAM_AGAIN_MS);
  }

  /** @param {string} kind @param {any} data */
  #tell(kind, data) {
    this.dispatchEvent(new CustomEvent("message", { detail: { kind, data } }));
  }
}
