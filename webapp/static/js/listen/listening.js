import { Connection } from "../audio/connection.js";
import { removerAttributes } from "../audio/contract.js";
import { Downlink } from "../audio/delay.js";
import { RoomEvent, Track } from "../audio/livekit.js";
import { ApiError, call } from "../lib/api.js";
import { soundMayStart } from "../lib/autoplay.js";
import { MediaKeys } from "../lib/media-keys.js";
import { t } from "../lib/words.js";

/**
 * @typedef {"waiting" | "connecting" | "blocked" | "playing" | "paused" | "reconnecting" | "ended" | "refused"} ListeningState
 */

const VOLUME = "volume";
const WATCH_MS = 500;
/** Packets of 20 ms arrive all the time, even while nobody speaks. */
const SILENT_WIRE_MS = 1500;

/**
 * Plays a friend's stream. One audio element serves all tracks that come and go (Safari plays only the first one that
 * a press has started); it is not part of the page, so the sound goes on while pages change.
 *
 * Events: "change", "track" (`track` came or went).
 */
export class Listening extends EventTarget {
  audio = new Audio();
  /** @type {Connection | null} */
  connection = null;
  /** @type {any} The stream as the API describes it; kept after its end. */
  stream = null;
  /** What the noise remover says of itself; empty while it is gone. @type {import("../audio/contract.js").RemoverAttributes} */
  remover = {};
  /** @type {import("livekit-client").RemoteTrack | null} */
  track = null;
  /** Whether nothing has arrived for a while: the noise remover is gone, which the audio server notices only after 20 s. */
  interrupted = false;
  paused = false;
  /** Whether sound has arrived once; from then on its absence is an interruption. */
  heard = false;
  /** Delay from the friend's mouth to this ear in seconds, rounded to tenths; null until it is known. @type {number | null} */
  behindS = null;
  #delay = new Downlink();
  #keys = new MediaKeys();
  /** Whether the friend is on air but sound may not start here, or it is not known yet; no seat is taken until it may. */
  #held = false;
  #blocked = false;
  #over = false;
  #refused = false;
  #watch = 0;

  /** @param {string} username @param {string} name */
  constructor(username, name) {
    super();
    this.username = username;
    this.name = name;
    this.audio.volume = Number(localStorage.getItem(VOLUME) ?? 1);
  }

  /** @returns {ListeningState} */
  get state() {
    if (this.#refused) return "refused";
    if (this.#over) return "ended";
    if (this.#held) return this.#blocked ? "blocked" : "connecting";
    if (!this.connection) return "waiting";
    if (this.connection.state === "reconnecting") return "reconnecting";
    if (!this.track && !this.heard) return "connecting";
    if (this.#blocked) return "blocked";
    return this.paused ? "paused" : "playing";
  }

  /**
   * Takes a seat if the friend is on air and sound may start. Otherwise it waits for a press, so that nobody counts as listening
   * who hears nothing.
   */
  async start() {
    if (this.connection || this.#held) return;
    this.#over = this.#refused = this.heard = this.paused = this.#blocked = false;
    this.#held = true;
    this.#changed();
    const may = await soundMayStart();
    if (!this.#held) return; // the stream has ended meanwhile, or the button was pressed
    if (may) return this.#connect();
    this.#blocked = true;
    this.#changed();
  }

  #connect() {
    this.#held = this.#blocked = false;
    const connection = new Connection(
      () => this.#ask(),
      (room) => this.#furnish(room),
    );
    this.connection = connection;
    connection.addEventListener("state", () => this.#connectionChanged(connection));
    connection.run();
    this.#watch = setInterval(() => {
      this.#watchWire();
      this.#watchDelay();
    }, WATCH_MS);
    this.#changed();
  }

  /** @param {string} kind @param {any} data A server event; polls and resyncs do not say whom they concern. */
  told(kind, data) {
    if (kind === "poll" || kind === "resync") this.look();
    if (data.username !== this.username) return;
    if (kind === "stream.live") {
      this.stream = data.stream;
      this.start();
    }
    if (kind === "stream.ended") this.#end();
    if (kind === "stream.moved") this.connection?.renew(); // this seat does not count on the new stage
    if (kind === "stream.title") this.stream = data.stream;
    if (kind === "friend.renamed") this.name = data.display_name;
    this.#changed();
  }

  /** Asks whether the friend is on air, in case an event was missed. */
  async look() {
    const status = await call("GET", `/api/stream/status/${this.username}`).catch(() => null);
    if (!status?.live) return;
    this.stream = status.stream;
    this.start();
  }

  /** Handles that the friend has stopped. */
  #end() {
    this.#over = this.connection !== null || this.stream !== null;
    this.close();
  }

  close() {
    clearInterval(this.#watch);
    this.#held = false;
    const connection = this.connection;
    this.connection = null;
    connection?.close();
    this.#setTrack(null);
    this.remover = {};
    this.#keys.close();
    this.#tellSystem();
  }

  pause() {
    this.paused = true;
    this.audio.pause();
    this.#keys.pause();
    this.#changed();
  }

  /** Starts the sound. Call it in the handler of a press, because browsers wait for one. */
  async play() {
    this.paused = false;
    if (this.#held) {
      this.audio.play().catch(() => {}); // there is no sound yet, but the press now counts for this element
      return this.#connect();
    }
    await this.audio.play().then(
      () => {
        this.#blocked = false;
        this.#keys.play();
      },
      () => {
        this.#blocked = true;
      },
    );
    this.#changed();
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.audio.volume = volume;
    localStorage.setItem(VOLUME, String(volume));
  }

  /** @returns {Promise<import("../audio/connection.js").Ticket>} */
  async #ask() {
    const ticket = await call("POST", `/api/stream/listen/${this.username}`);
    this.stream = ticket.stream;
    return ticket;
  }

  /** @param {Connection} connection */
  async #connectionChanged(connection) {
    if (this.connection !== connection) return;
    if (connection.state === "closed" && connection.cause instanceof ApiError) {
      this.close();
      await this.#explainRefusal();
    }
    this.#changed();
  }

  /** Tells "not live" from "not your friend" by the status, because the answer to both is the same. */
  async #explainRefusal() {
    const status = await call("GET", `/api/stream/status/${this.username}`).catch((error) => error);
    this.#refused = status instanceof ApiError && status.final;
    this.#over = !this.#refused && this.stream !== null;
  }

  /** @param {import("livekit-client").Room} room */
  #furnish(room) {
    const read = () => this.#readRemover(room);
    room.on(RoomEvent.ParticipantConnected, read).on(RoomEvent.ParticipantDisconnected, read);
    room.on(RoomEvent.ParticipantAttributesChanged, read).on(RoomEvent.Connected, read);
    room.on(RoomEvent.TrackSubscribed, (track) => {
      if (track.kind === Track.Kind.Audio) this.#setTrack(track);
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      if (this.track === track) this.#setTrack(null);
    });
  }

  /** @param {import("livekit-client").Room} room */
  #readRemover(room) {
    this.remover = removerAttributes(room);
    this.#changed();
  }

  /** @param {import("livekit-client").RemoteTrack | null} track */
  #setTrack(track) {
    if (this.track === track) return;
    this.track?.detach(this.audio);
    this.track = track;
    if (track) {
      this.heard = true;
      track.attach(this.audio);
      if (!this.paused) this.play();
      this.#tellSystem();
    }
    this.dispatchEvent(new Event("track"));
    this.#changed();
  }

  async #watchDelay() {
    const behind = await this.#delay.behindS(this.track, this.remover.delay_ms);
    if (behind === this.behindS) return;
    this.behindS = behind;
    this.#changed();
  }

  #watchWire() {
    const last = this.track?.receiver?.getSynchronizationSources()[0]?.timestamp;
    const interrupted = !this.track || (last !== undefined && performance.timeOrigin + performance.now() - last > SILENT_WIRE_MS);
    if (interrupted === this.interrupted) return;
    this.interrupted = interrupted;
    this.#changed();
  }

  /** Updates lock screen and media keys. */
  #tellSystem() {
    const session = navigator.mediaSession;
    if (this.track && this.stream) {
      session.metadata = new MediaMetadata({ title: this.stream.title, artist: this.name, album: t("Stillair, live") });
      session.setActionHandler("play", () => this.play());
      session.setActionHandler("pause", () => this.pause());
      session.setActionHandler("seekbackward", null);
      session.setActionHandler("seekforward", null);
      session.setPositionState({ duration: Infinity });
    } else if (!this.connection) {
      session.metadata = null;
    }
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
