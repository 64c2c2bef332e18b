import { ApiError } from "../lib/api.js";
import { ConnectionError, DisconnectReason, loadLiveKit, Room, RoomEvent } from "./livekit.js";

/**
 * @typedef {{url: string, token: string, stream: any}} Ticket
 * @typedef {"connecting" | "connected" | "reconnecting" | "closed"} ConnectionState
 */

/** Delays of the SDK's own attempts after a short break. Then this page asks for a new token, which a recreated room requires. */
const SDK_RETRIES_MS = [0, 300, 1000, 1500];
const SHORT_PAUSE_MS = 200;
const FIRST_PAUSE_MS = 800;
const MAX_PAUSE_MS = 5000;

/**
 * Keeps a seat in a room of the audio server: rejoins with a new token until the seat is given up or refused.
 *
 * Events: "state" (see `state`, `cause`), "room" (a new `room` is connected).
 */
export class Connection extends EventTarget {
  /** @type {ConnectionState} */
  state = "connecting";
  /**
   * Why it is not connected: "unreachable", "firewall", "elsewhere" (the seat was taken in another tab), or the refusal.
   * @type {string | ApiError}
   */
  cause = "";
  /** @type {import("livekit-client").Room | null} */
  room = null;
  /** @type {(() => void) | null} */
  #wake = null;
  #closed = false;
  /** Whether it was ever connected: only then can it be lost. */
  #stood = false;
  /** Whether the last try was refused for want of a log-in: once may be too early, with the cookie of a new password on its way. */
  #loggedOut = false;

  /**
   * @param {() => Promise<Ticket>} ask Gets a token. A refusal (4xx) ends the connection.
   * @param {(room: import("livekit-client").Room) => void} furnish Adds listeners to each new room before it is connected.
   * @param {import("livekit-client").RoomConnectOptions} [options]
   */
  constructor(ask, furnish, options = {}) {
    super();
    this.ask = ask;
    this.furnish = furnish;
    this.options = options;
  }

  /** Runs until the connection is closed. @param {Ticket} [ticket] The first one, when it is there already. */
  async run(ticket) {
    let failures = 0;
    for (let next = ticket; !this.#closed; next = undefined) {
      failures = (await this.#sit(next)) ? 0 : failures + 1;
      if (!this.#closed) await this.#pause(failures);
    }
  }

  /** Joins the room and stays until the seat is lost. Resolves to false when it could not join. @param {Ticket} [ticket] */
  async #sit(ticket) {
    try {
      const [seat] = await Promise.all([ticket ?? this.ask(), loadLiveKit()]);
      this.#loggedOut = false;
      const reason = await this.#stay(await this.#join(seat));
      if (reason === DisconnectReason.DUPLICATE_IDENTITY) this.#end("elsewhere");
      else this.#enter("reconnecting");
      return true;
    } catch (error) {
      const early = error instanceof ApiError && error.status === 401 && !this.#loggedOut;
      this.#loggedOut = early;
      if (error instanceof ApiError && error.final && !early) this.#end(error);
      else this.#enter(this.#stood ? "reconnecting" : "connecting", causeOf(error));
      return false;
    }
  }

  /** Leaves the room and stays away. */
  close() {
    this.#closed = true;
    this.room?.disconnect(false);
    this.#end("");
    this.#wake?.();
  }

  /** Tries now instead of later. Leaves a working connection alone. */
  again() {
    if (this.state !== "connected") this.renew();
  }

  /** Takes the seat again with a new token, now. */
  renew() {
    if (this.#wake) this.#wake();
    else this.room?.disconnect(false);
  }

  /** @param {Ticket} ticket */
  async #join(ticket) {
    // Local tracks outlive a room: the microphone stays open while the page reconnects.
    const room = new Room({
      stopLocalTrackOnUnpublish: false,
      disconnectOnPageLeave: true,
      reconnectPolicy: { nextRetryDelayInMs: ({ retryCount }) => SDK_RETRIES_MS[retryCount] ?? null },
    });
    this.room = room;
    const lost = () => {
      if (this.#stood) this.#enter("reconnecting");
    };
    room.on(RoomEvent.SignalReconnecting, lost).on(RoomEvent.Reconnecting, lost);
    room.on(RoomEvent.Reconnected, () => {
      if (this.#stood) this.#enter("connected");
    });
    this.furnish(room);
    await room.connect(ticket.url, ticket.token, { maxRetries: 0, ...this.options });
    if (this.#closed) await room.disconnect(false);
    return room;
  }

  /** Resolves when the SDK has given up. @param {import("livekit-client").Room} room */
  async #stay(room) {
    const gone = new Promise((resolve) => {
      room.once(RoomEvent.Disconnected, resolve);
    });
    if (room.state === "disconnected") return DisconnectReason.UNKNOWN_REASON;
    this.#stood = true;
    this.#enter("connected");
    this.dispatchEvent(new Event("room"));
    return await gone;
  }

  /** @param {ConnectionState} state @param {string | ApiError} [cause] */
  #enter(state, cause = "") {
    if (this.#closed) return;
    this.state = state;
    this.cause = cause;
    this.dispatchEvent(new Event("state"));
  }

  /** @param {string | ApiError} cause */
  #end(cause) {
    this.#closed = true;
    if (this.state === "closed") return;
    this.state = "closed";
    this.cause = cause;
    this.dispatchEvent(new Event("state"));
  }

  /** @param {number} failures */
  async #pause(failures) {
    const longer = failures ? FIRST_PAUSE_MS * 1.6 ** (failures - 1) : SHORT_PAUSE_MS;
    const wait = Math.min(MAX_PAUSE_MS, longer) * (0.8 + 0.4 * Math.random());
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
    this.#wake = null;
  }
}

/** @param {unknown} error */
function causeOf(error) {
  // Signalling worked but media did not; the SDK tells only by the text of its message.
  if (ConnectionError && error instanceof ConnectionError && /\b(pc connection|ICE)\b/.test(error.message)) return "firewall";
  return "unreachable";
}
