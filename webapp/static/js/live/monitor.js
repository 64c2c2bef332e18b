import { Connection } from "../audio/connection.js";
import { AGENT_NAME, removerAttributes } from "../audio/contract.js";
import { Downlink } from "../audio/delay.js";
import { RoomEvent } from "../audio/livekit.js";
import { call } from "../lib/api.js";

const WATCH_MS = 500;
/** Right after going on air the listeners' seats go first. */
const SETTLE_MS = 700;

/**
 * Takes the broadcaster's hidden seat on the stage of their own stream, to hear it. Sound is fetched only while it is listened to.
 * Events: "delay".
 */
export class Monitor extends EventTarget {
  hearing = false;
  /** @type {Connection | null} */
  #connection = null;
  /**
   * Delay from speaking to hearing it here in seconds; null until it is known, and while nobody listens here.
   * @type {number | null}
   */
  behindS = null;
  #delay = new Downlink();
  #watch = 0;
  #settling = 0;
  #audio = new Audio();
  /** @type {import("livekit-client").RemoteTrack | null} */
  #clean = null;
  /** @type {import("livekit-client").RemoteTrack | null} */
  #instead = null;

  open() {
    if (this.#connection) return;
    this.#connection = new Connection(
      () => call("POST", "/api/stream/monitor"),
      (room) => this.#furnish(room),
      { autoSubscribe: false },
    );
    this.#settling = setTimeout(() => this.#connection?.run(), this.hearing ? 0 : SETTLE_MS);
    this.#watch = setInterval(() => this.#watchDelay(), WATCH_MS);
  }

  close() {
    clearInterval(this.#watch);
    clearTimeout(this.#settling);
    this.#connection?.close();
    this.#connection = null;
    this.#clean = null;
    this.#play();
  }

  /** Takes a seat on the new stage after the stream has moved. */
  moved() {
    this.#connection?.renew();
  }

  /** @param {boolean} hearing */
  hear(hearing) {
    this.hearing = hearing;
    if (this.#connection?.room) this.#subscribe(this.#connection.room);
    this.#play();
  }

  /**
   * Plays this track in place of the clean one, for comparing; null ends that.
   * @param {import("livekit-client").RemoteTrack | null} track
   */
  playInstead(track) {
    this.#instead = track;
    this.#play();
  }

  /** @param {import("livekit-client").Room} room */
  #furnish(room) {
    room.on(RoomEvent.TrackPublished, () => this.#subscribe(room)).on(RoomEvent.Connected, () => this.#subscribe(room));
    room.on(RoomEvent.TrackSubscribed, (track) => {
      this.#clean = track;
      this.#play();
    });
    room.on(RoomEvent.TrackUnsubscribed, (track) => {
      if (this.#clean === track) {
        this.#clean = null;
        this.#play();
      }
    });
  }

  /** @param {import("livekit-client").Room} room */
  #subscribe(room) {
    for (const publication of room.remoteParticipants.get(AGENT_NAME)?.trackPublications.values() ?? [])
      publication.setSubscribed(this.hearing);
  }

  async #watchDelay() {
    const room = this.#connection?.room;
    const removerMs = room ? removerAttributes(room).delay_ms : undefined;
    const behind = await this.#delay.behindS(this.hearing ? this.#clean : null, removerMs);
    if (behind === this.behindS) return;
    this.behindS = behind;
    this.dispatchEvent(new Event("delay"));
  }

  #play() {
    const track = this.hearing ? (this.#instead ?? this.#clean) : null;
    this.#audio.srcObject = track ? new MediaStream([track.mediaStreamTrack]) : null;
    if (track) this.#audio.play().catch(() => {}); // there is a new source in the meantime, which plays
  }
}
