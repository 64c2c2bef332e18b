import { Microphone } from "../audio/microphone.js";
import { Broadcast } from "./broadcast.js";
import { Monitor } from "./monitor.js";

const ON_STAGE = ["checking", "live", "original", "paused", "lost", "reconnecting"];

/** Holds all parts of this person's own stream: microphone, broadcast, and the monitor on the stage. One per document. */
export class Studio {
  microphone = new Microphone();
  broadcast = new Broadcast(this.microphone);
  monitor = new Monitor();

  constructor() {
    this.broadcast.addEventListener("change", () => this.#followStage());
    this.broadcast.addEventListener("original", () => this.monitor.playInstead(this.broadcast.original));
    addEventListener("beforeunload", (event) => {
      if (this.onAir) event.preventDefault();
    });
  }

  /** Whether somebody may be listening. */
  get onAir() {
    return ["live", "original", "paused", "lost", "reconnecting"].includes(this.broadcast.state);
  }

  /** @param {string} kind @param {any} data A server event that concerns this person's own stream. */
  told(kind, data) {
    const mine = this.broadcast.running && data.stream?.id === this.broadcast.stream.id;
    if (kind === "stream.ended" && data.by_admin && data.stream.id === this.broadcast.stream?.id)
      this.broadcast.endedByAdmin = true;
    if (mine && kind === "stream.ended") this.broadcast.over(true);
    if (mine && kind === "stream.moved") this.monitor.moved();
  }

  close() {
    this.broadcast.over(false);
    this.microphone.close();
  }

  #followStage() {
    if (ON_STAGE.includes(this.broadcast.state)) this.monitor.open();
    else this.monitor.close();
  }
}
