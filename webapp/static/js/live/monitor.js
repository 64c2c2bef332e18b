import { Connection } from "../audio/connection.js";
import { AGENT_NAME, removerAttributes } from "../audio/contract.js";
import { Downlink } from "../audio/delay.js";
import { RoomEvent } from "../audio/livekit.js";
import { call } from "../lib/api.js";

const WATCH_MS = 500;
/** Right after going on air the listeners' seats go first; their names are needed only later. */
const SETTLE_MS = 700;

/** @typedef {{ name: string, avatar: string }} Listener `avatar`: address of a picture, or nothing. */

/**
 * Takes the broadcaster's hidden seat on the stage of their own stream, to see who listens and to hear it. Sound is fetched only
 * while it is listened to. Events: "listeners", "delay".
 */
export class Monitor extends EventTarget {
  /** The listeners, sorted by name. @type {Listener[]} */
  listeners = [];
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
  /**
   * New names of people who renamed themselves while listening, by user name: their seats keep the old ones.
   * @type {Map<string, Listener>}
   */
  #renamed = new Map();
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
    this.#setListeners([]);
  }

  /** Takes a seat on the new stage after the stream has moved. */
  moved() {
    this.#connection?.renew();
  }

  /** @param {string} username @param {string} name @param {string | null} avatar */
  rename(username, name, avatar) {
    this.#renamed.set(username, { name, avatar: avatar ?? "" });
    if (this.#connection?.room) this.#count(this.#connection.room);
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
    const count = () => this.#count(room);
    room.on(RoomEvent.ParticipantConnected, count).on(RoomEvent.ParticipantDisconnected, count).on(RoomEvent.Connected, count);
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

  /**
   * Counts people and not seats: one person may listen on two devices, and a lost seat stays visible for a while.
   * @param {import("livekit-client").Room} room
   */
  #count(room) {
    const people = new Map();
    for (const seat of room.remoteParticipants.values()) {
      const username = seat.identity.split(".")[0];
      const seated = { name: seat.name || username, avatar: seat.attributes.avatar ?? "" };
      if (username !== AGENT_NAME) people.set(username, this.#renamed.get(username) ?? seated);
    }
    this.#setListeners([...people.values()].sort((a, b) => a.name.localeCompare(b.name)));
  }

  /** @param {Listener[]} listeners */
  #setListeners(listeners) {
    if (JSON.stringify(listeners) === JSON.stringify(this.listeners)) return;
    this.listeners = listeners;
    this.dispatchEvent(new Event("listeners"));
  }
}
