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
  "stream.listeners",
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
/** A short look at another tab does not count as leaving. */
const HIDDEN_MS = 2000;
/** By then the server has noticed the end of the old stream. */
const REOPEN_MS = 500;

/**
 * Receives what happens to friends and streams. `message` events carry `{kind, data}`. The browser resumes a broken stream by
 * itself (Last-Event-ID). If the server has no stream left for this page, it polls: kind "poll", without data. "open" is
 * dispatched when a stream begins or resumes: events that go to open pages only have been missed until then.
 */
export class ServerEvents extends EventTarget {
  /** @type {EventSource | null} */
  #source = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #poll;
  /** Id of the last event. */
  #last = "";
  /** Whether the server knows this page as visible; if so, it sends no push message to the person's other devices. */
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

  /** Tells the server that the page became visible or hidden, by a new stream that resumes where this one was. */
  #see() {
    if (!this.#source || this.#watching !== document.hidden) return;
    const last = this.#last;
    this.close();
    this.#reopening = setTimeout(() => this.open(last), REOPEN_MS);
  }

  /** Polls, because the server has refused the stream for good. */
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
