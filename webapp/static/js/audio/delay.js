/**
 * Measures how long a voice takes from mouth to ear, adding up what each station on its way reports (agent/live/latency.py has
 * the noise remover's part). This is not a ping: most of it is waiting in packets, in jitter buffers and in the noise remover.
 */

/** Opus is sent in packets of 20 ms, in which a sample waits 10 ms on average, and looks ahead by 6.5 ms (RFC 6716). */
const PACKET_MS = 16.5;
const EVERY_MS = 2000;

/**
 * @typedef {{seconds: number, samples: number}} Waited A buffer's counters: the total time that samples spent in it, and how many have left it.
 */

/**
 * @param {Waited | null} before @param {Waited | null} now
 * @returns {number | null} How long a sample has waited between the two readings.
 */
export function waitMs(before, now) {
  if (!before || !now || now.samples <= before.samples) return null;
  return ((now.seconds - before.seconds) / (now.samples - before.samples)) * 1000;
}

/**
 * Returns the delay from the mouth to the audio server, null until the server has reported. @param {RTCStatsReport} stats Of the
 * sender.
 * @param {number} microphoneMs @returns {number | null}
 */
export function uplinkMs(stats, microphoneMs) {
  const trip = find(stats, "remote-inbound-rtp")?.roundTripTime;
  return trip === undefined ? null : microphoneMs + PACKET_MS + trip * 500;
}

/** Measures the delay from the noise remover to the ear every two seconds. */
export class Downlink {
  #readAt = -Infinity;
  /** @type {unknown} */
  #track = null;
  /** @type {Waited | null} */
  #buffer = null;
  /** @type {Waited | null} */
  #playout = null;
  /** @type {number | null} */
  #ms = null;

  /**
   * @param {import("livekit-client").RemoteTrack | null} track The track being listened to.
   * @param {string | undefined} removerMs How old the voice was when it left the noise remover.
   * @returns {Promise<number | null>} Seconds from the mouth to the ear, to a tenth; null until all of it is known.
   */
  async behindS(track, removerMs) {
    if (track !== this.#track) {
      this.#track = track;
      this.#buffer = this.#playout = this.#ms = null;
      this.#readAt = -Infinity;
    }
    if (track?.receiver && performance.now() - this.#readAt >= EVERY_MS) {
      this.#readAt = performance.now();
      const stats = await track.receiver.getStats().catch(() => null); // of a connection that has just ended
      if (stats && track === this.#track) this.read(stats);
    }
    return this.#ms === null || !removerMs ? null : Math.round((Number(removerMs) + this.#ms) / 100) / 10;
  }

  /** @param {RTCStatsReport} stats Of the receiver. @returns {number | null} Milliseconds. */
  read(stats) {
    const inbound = find(stats, "inbound-rtp");
    const playout = find(stats, "media-playout");
    const pair = [...stats.values()].find((each) => each.type === "candidate-pair" && each.nominated);
    const buffer = inbound ? { seconds: inbound.jitterBufferDelay, samples: inbound.jitterBufferEmittedCount } : null;
    const played = playout ? { seconds: playout.totalPlayoutDelay, samples: playout.totalSamplesCount } : null;
    const [waited, before] = [waitMs(this.#buffer, buffer), waitMs(this.#playout, played)];
    [this.#buffer, this.#playout] = [buffer, played];
    if (waited !== null) this.#ms = PACKET_MS + (pair?.currentRoundTripTime ?? 0) * 500 + waited + (before ?? 0);
    return this.#ms;
  }
}

/** @param {RTCStatsReport} stats @param {string} type @returns {any} */
function find(stats, type) {
  return [...stats.values()].find((each) => each.type === type);
}
