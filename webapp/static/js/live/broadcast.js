import { Connection } from "../audio/connection.js";
import { METER_TOPIC, QUALITIES, removerAttributes, USUAL_QUALITY } from "../audio/contract.js";
import { LocalAudioTrack, RoomEvent, Track } from "../audio/livekit.js";
import { publishOptions } from "../audio/publish-options.js";
import { ApiError, call } from "../lib/api.js";
import { RemoverControl } from "./remover-control.js";
import { SlotWatch } from "./slot-watch.js";

/**
 * @typedef {"idle" | "starting" | "checking" | "live" | "original" | "paused" | "lost" | "reconnecting" | "elsewhere" | "ended"} BroadcastState
 */

/** The noise remover sends ten meter readings a second; without any for this long it counts as gone. */
const REMOVER_GONE_MS = 2500;
const WATCH_MS = 500;
/** Key in sessionStorage: the stream that this tab carries, so that a reload resumes it without asking. */
const STREAMING = "streaming";

/**
 * Runs this person's own stream from Start to Stop. It lives as long as the document, so it goes on while pages change.
 *
 * Events: "change" (anything to show has changed), "meter" (`removedDb`, `seconds`), "original" (see `original`).
 */
export class Broadcast extends EventTarget {
  /** @type {any} The stream as the API describes it. */
  stream = null;
  /** @type {Connection | null} */
  connection = null;
  muted = false;
  /** Whether the broadcaster wants to hear the original. */
  comparing = false;
  ended = false;
  endedByAdmin = false;
  strengthDb = 100;
  removedDb = 0;
  seconds = 0;
  /** What the noise remover publishes about itself. @type {import("../audio/contract.js").RemoverAttributes} */
  remover = {};
  /** Whether the noise remover has cleaned once: from then on its absence is a loss. */
  heard = false;
  /** Whether the stream was running before this page. */
  resumed = false;
  /** When this page joined, as `performance.now()`. */
  joinedAt = 0;
  /** @type {import("livekit-client").RemoteTrack | null} */
  original = null;
  /** @type {import("livekit-client").LocalAudioTrack | null} */
  #published = null;
  #lastSign = 0;
  #removerGone = false;
  slots = new SlotWatch();
  #watch = 0;
  #control = new RemoverControl(this);

  /** @param {import("../audio/microphone.js").Microphone} microphone */
  constructor(microphone) {
    super();
    this.microphone = microphone;
    microphone.addEventListener("change", () => this.#publish());
  }

  /** @returns {BroadcastState} */
  get state() {
    if (this.ended) return "ended";
    if (!this.connection) return "idle";
    if (this.connection.cause === "elsewhere") return "elsewhere";
    if (this.connection.state !== "connected") return this.heard || this.resumed ? "reconnecting" : "starting";
    if (!this.heard) return "starting";
    if (this.#removerGone) return "lost";
    if (this.stream.sound_check) return "checking";
    if (this.remover.state === "paused" || this.remover.state === "silenced") return "paused";
    return this.strengthDb === 0 || !QUALITIES[this.quality].is_cleaned ? "original" : "live";
  }

  /** @returns {import("../audio/contract.js").QualityName} */
  get quality() {
    return this.stream?.quality ?? USUAL_QUALITY;
  }

  get running() {
    return this.connection !== null;
  }

  /** Returns whether this tab carried the stream before a reload. @param {string} streamId */
  static wasHere(streamId) {
    return sessionStorage.getItem(STREAMING) === streamId;
  }

  /** Opens the stream. The microphone must be open. Throws ApiError. @param {string} title @param {boolean} soundCheck */
  async start(title, soundCheck) {
    const ticket = await call("POST", "/api/stream/start", {
      title: title || undefined,
      strength_db: this.strengthDb,
      sound_check: soundCheck,
    });
    this.heard = this.resumed = false;
    this.#join(ticket);
  }

  /** Resumes a running stream: after a reload, or taken over from another tab. Throws ApiError. */
  async resume() {
    const ticket = await call("POST", "/api/stream/rejoin");
    this.resumed = true;
    this.#join(ticket);
  }

  /** Ends the sound check: friends can listen from now on. Throws ApiError. */
  async goLive() {
    this.stream = (await call("POST", "/api/stream/go-live")).stream;
    this.#changed();
  }

  /** Changes the title, which friends see at once. Throws ApiError. @param {string} title */
  async setTitle(title) {
    this.stream = (await call("POST", "/api/stream/title", { title })).stream;
    this.#changed();
  }

  /** Stops here at once and tells the server, which notices by itself if that fails. */
  async stop() {
    this.over(this.state !== "checking" && this.state !== "starting");
    await call("POST", "/api/stream/stop").catch((error) => {
      if (!(error instanceof ApiError)) throw error;
    });
  }

  /** Ends the stream in this page. @param {boolean} ended False if friends never could hear it. */
  over(ended) {
    this.#leave();
    this.ended = ended;
    this.#changed();
  }

  /** @param {boolean} muted */
  async setMuted(muted) {
    this.muted = muted;
    await (muted ? this.#published?.mute() : this.#published?.unmute());
    this.#changed();
  }

  /** Sets how much noise is removed at most, 0 (original sound) to 100 dB (all of it). It is heard at once. @param {number} db */
  async setStrength(db) {
    this.strengthDb = db;
    this.#changed();
    await this.#control.sendStrength();
  }

  /** Requests the original beside the clean sound (see "original"), or releases it. @param {boolean} wanted */
  async compare(wanted) {
    if (this.comparing === wanted) return;
    this.comparing = wanted;
    this.#changed();
    await this.#control.call("set_monitor", { original: wanted });
  }

  /** @param {any} ticket */
  #join(ticket) {
    this.#leave();
    this.stream = ticket.stream;
    this.ended = this.endedByAdmin = false;
    this.joinedAt = performance.now();
    sessionStorage.setItem(STREAMING, this.stream.id);
    const connection = new Connection(
      () => call("POST", "/api/stream/rejoin"),
      (room) => this.#furnish(room),
    );
    this.connection = connection;
    connection.addEventListener("room", () => this.#publish());
    connection.addEventListener("state", () => this.#connectionChanged(connection));
    connection.run(ticket);
    this.slots.restart();
    this.#watch = setInterval(() => {
      this.#watchRemover();
      this.#watchSlots();
      if (this.heard) this.#control.tellUplink(this.#published?.sender, this.microphone.latencyMs);
    }, WATCH_MS);
    this.#changed();
  }

  #leave() {
    clearInterval(this.#watch);
    sessionStorage.removeItem(STREAMING);
    const connection = this.connection;
    this.connection = null;
    connection?.close();
    this.#published = null;
    this.#removerGone = false;
    this.remover = {};
    this.#forgetOriginal();
  }

  /** @param {Connection} connection */
  #connectionChanged(connection) {
    if (this.connection !== connection) return;
    if (connection.state === "closed" && connection.cause instanceof ApiError) {
      this.over(true); // the stream has ended, or the person has logged out
      return;
    }
    if (connection.state === "closed") sessionStorage.removeItem(STREAMING); // it goes on in another tab
    if (connection.state === "reconnecting") this.#forgetOriginal();
    this.#changed();
  }

  /** @param {import("livekit-client").Room} room */
  #furnish(room) {
    this.#published = null;
    room.on(RoomEvent.ParticipantConnected, () => this.#readRemover(room));
    room.on(RoomEvent.ParticipantDisconnected, () => this.#readRemover(room));
    room.on(RoomEvent.ParticipantAttributesChanged, () => this.#readRemover(room));
    room.on(RoomEvent.Connected, () => this.#readRemover(room));
    room.on(RoomEvent.DataReceived, (payload, _participant, _kind, topic) => {
      if (topic === METER_TOPIC) this.#readMeter(payload);
    });
    room.on(RoomEvent.TrackSubscribed, (track) => this.#setOriginal(track));
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      if (this.original === track) this.#setOriginal(null);
    });
  }

  /** Publishes the open microphone into a new room, or in place of the previous microphone. */
  async #publish() {
    const room = this.connection?.room;
    const track = this.microphone.track;
    if (!room || !track || room.state !== "connected") return;
    const published = this.#published ?? new LocalAudioTrack(track, undefined, true);
    if (this.#published) {
      await published.replaceTrack(track, { userProvidedTrack: true, stopProcessor: false });
    } else {
      this.#published = published;
      await room.localParticipant.publishTrack(published, {
        ...publishOptions(this.quality),
        source: Track.Source.Microphone,
      });
    }
    if (this.#published !== published) return; // the stream has ended meanwhile, or this is another room
    await (this.muted ? published.mute() : published.unmute()); // the SDK mutes a track whose device was unplugged
    this.#changed();
  }

  /** @param {import("livekit-client").Room} room */
  #readRemover(room) {
    this.remover = removerAttributes(room);
    if (["cleaning", "paused", "silenced", "music"].includes(this.remover.state ?? "")) {
      this.heard = true;
      this.#sign();
    }
    if (this.remover.strength_db !== undefined && Number(this.remover.strength_db) !== this.strengthDb)
      this.#control.sendStrength();
    this.#changed();
  }

  /** @param {Uint8Array} payload */
  #readMeter(payload) {
    const reading = /** @type {{removed_db: number, seconds: number}} */ (JSON.parse(new TextDecoder().decode(payload)));
    this.removedDb = reading.removed_db;
    this.seconds = reading.seconds;
    this.#sign();
    this.dispatchEvent(new Event("meter"));
  }

  #sign() {
    this.#lastSign = performance.now();
    if (!this.#removerGone) return;
    this.#removerGone = false;
    this.#changed();
  }

  /** Detects a dead noise remover by its silence: it would stay in the room for 20 s. */
  #watchRemover() {
    const gone = this.heard && this.connection?.state === "connected" && performance.now() - this.#lastSign > REMOVER_GONE_MS;
    if (!gone || this.#removerGone) return;
    this.#removerGone = true;
    this.#control.forgetStrength();
    this.#forgetOriginal();
    this.#changed();
  }

  async #watchSlots() {
    if (this.state !== "starting") return;
    if (await this.slots.ask()) this.#changed();
  }

  /** Stops comparing: a new noise remover or a new room does not know about it. */
  #forgetOriginal() {
    this.comparing = false;
    this.#setOriginal(null);
  }

  /** @param {import("livekit-client").RemoteTrack | null} track */
  #setOriginal(track) {
    if (this.original === track) return;
    this.original = track;
    this.dispatchEvent(new Event("original"));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
