import { AGENT_NAME } from "../audio/contract.js";
import { uplinkMs } from "../audio/delay.js";

/** How often the noise remover is told how long the sound takes to the audio server. */
const TELL_UPLINK_MS = 5000;

/** Tells the noise remover of a broadcast what its broadcaster wants. */
export class RemoverControl {
  #strengthSent = -1;
  #toldUplink = 0;

  /** @param {import("./broadcast.js").Broadcast} broadcast */
  constructor(broadcast) {
    this.broadcast = broadcast;
  }

  /**
   * Calls a method of the noise remover; nothing happens while there is none.
   * @param {import("../audio/contract.js").RpcMethod} method @param {object} payload
   */
  async call(method, payload) {
    const room = this.broadcast.connection?.room;
    if (!room?.remoteParticipants.has(AGENT_NAME)) return;
    await room.localParticipant
      .performRpc({ destinationIdentity: AGENT_NAME, method, payload: JSON.stringify(payload) })
      .catch((error) => console.warn("The noise remover did not answer", method, error.message));
  }

  /** A noise remover that comes next starts with the stream's first strength, so it has to be told again. */
  forgetStrength() {
    this.#strengthSent = -1;
  }

  /** Sends the strength that is wanted, unless the noise remover has it already. */
  async sendStrength() {
    const wanted = this.broadcast.strengthDb;
    if (this.#strengthSent === wanted && Number(this.broadcast.remover.strength_db) === wanted) return;
    this.#strengthSent = wanted;
    await this.call("set_strength", { strength_db: wanted });
  }

  /**
   * Tells every few seconds how long the voice takes from the mouth to the audio server.
   * @param {RTCRtpSender | undefined} sender Of the microphone's track. @param {number} microphoneMs
   */
  async tellUplink(sender, microphoneMs) {
    if (!sender || performance.now() - this.#toldUplink < TELL_UPLINK_MS) return;
    this.#toldUplink = performance.now();
    const stats = await sender.getStats().catch(() => null); // of a connection that has just ended
    const delay = stats && uplinkMs(stats, microphoneMs);
    if (delay !== null) await this.call("set_uplink", { delay_ms: Math.round(delay) });
  }
}
