import { Checker, CheckStatus, ConnectionCheck, Room, RoomEvent, Track } from "../audio/livekit.js";

/** @typedef {{id: string, url: string, speaker_token: string, listener_token: string}} CheckRoom */
/**
 * @typedef {{passes: boolean, ports: Record<string, string>}} Path `ports`: of the audio server, for each protocol that it offers.
 */

/** ICE needs tenths of a second where the path is open. */
const CONNECT_MS = 8000;
const TONE_MS = 8000;
const LOOK_MS = 100;
const CONNECT = { maxRetries: 0, peerConnectionTimeout: CONNECT_MS };

/** Returns whether the audio server can be reached at all. @param {CheckRoom} room */
export async function webSocketPasses(room) {
  const info = await new ConnectionCheck(room.url, room.speaker_token).checkWebsocket();
  return info.status === CheckStatus.SUCCESS;
}

/** Returns whether the relay can be used; null where there is none. @param {CheckRoom} room @returns {Promise<boolean | null>} */
export async function relayPasses(room) {
  const info = await new ConnectionCheck(room.url, room.speaker_token).checkTURN();
  return info.status === CheckStatus.SKIPPED ? null : info.status === CheckStatus.SUCCESS;
}

/**
 * Returns whether sound gets through over this protocol alone, without a relay.
 * @param {CheckRoom} room @param {"udp" | "tcp"} protocol @returns {Promise<Path>}
 */
export async function tryPath(room, protocol) {
  const connectOptions = { ...CONNECT, rtcConfig: { iceServers: [] } };
  const check = new ConnectionCheck(room.url, room.speaker_token, { protocol, connectOptions });
  const info = await check.createAndRunCheck(PathCheck);
  return { ports: info.data, passes: info.status === CheckStatus.SUCCESS };
}

/** Connects to the audio server's addresses of one protocol only (`options.protocol`), as if a firewall blocked the other. */
class PathCheck extends Checker {
  /** @type {Record<string, string>} */
  ports = {};

  get description() {
    return `Connecting over ${this.options.protocol}`;
  }

  async perform() {
    this.#filter(/** @type {any} */ (this.room.engine.client));
    await this.connect();
  }

  getInfo() {
    return { ...super.getInfo(), data: this.ports };
  }

  /**
   * Filters both directions: the audio server, too, tries every address it is given, and a path it opens would count.
   * @param {Record<string, Function>} client
   */
  #filter(client) {
    const own = (/** @type {string} */ candidate) => transportOf(candidate) === this.options.protocol;
    const theirs = (/** @type {string} */ candidate) => this.#wanted(candidate);
    onSet(client, "onTrickle", (handle) => candidates(handle, theirs));
    onSet(client, "onAnswer", (handle) => descriptions(handle, theirs));
    client.sendIceCandidate = candidates(client.sendIceCandidate.bind(client), own);
    client.sendOffer = descriptions(client.sendOffer.bind(client), own);
  }

  /** @param {string} candidate A candidate of the audio server. */
  #wanted(candidate) {
    const transport = transportOf(candidate);
    this.ports[transport] = candidate.split(" ")[5];
    return transport === this.options.protocol;
  }
}

/** @param {string} candidate RFC 8839, 5.1: candidate:foundation component transport priority address port ... */
const transportOf = (candidate) => candidate.split(" ")[2]?.toLowerCase() ?? "";

/**
 * Wraps a callback that the SDK sets while it connects.
 * @param {Record<string, Function>} object @param {string} name @param {(handle: Function) => Function} wrapper
 */
function onSet(object, name, wrapper) {
  /** @type {Function | undefined} */
  let wrapped;
  Object.defineProperty(object, name, {
    get: () => wrapped,
    set: (handle) => {
      wrapped = handle && wrapper(handle);
    },
  });
}

/** @param {Function} handle @param {(candidate: string) => boolean} passes */
function candidates(handle, passes) {
  return (/** @type {RTCIceCandidateInit} */ candidate, /** @type {unknown[]} */ ...rest) =>
    passes(candidate.candidate ?? "") && handle(candidate, ...rest);
}

/** @param {Function} handle @param {(candidate: string) => boolean} passes */
function descriptions(handle, passes) {
  return (/** @type {RTCSessionDescriptionInit} */ { type, sdp }, /** @type {unknown[]} */ ...rest) => {
    const lines = sdp?.split("\r\n").filter((line) => !line.startsWith("a=candidate:") || passes(line));
    return handle({ type, sdp: lines?.join("\r\n") }, ...rest);
  };
}

/**
 * Sends a tone to the audio server and waits until it comes back, unheard. False when it does not come.
 * @param {CheckRoom} room @param {AudioContext} context A running one.
 */
export async function toneComesBack(room, context) {
  const [speaker, listener] = [new Room(), new Room()];
  const audio = new Audio();
  audio.muted = true;
  const tone = new OscillatorNode(context, { frequency: 440 });
  const out = new MediaStreamAudioDestinationNode(context);
  tone.connect(new GainNode(context, { gain: 0.2 })).connect(out);
  tone.start();
  try {
    /** @type {Promise<import("livekit-client").RemoteTrack>} */
    const arrives = new Promise((resolve) => {
      listener.once(RoomEvent.TrackSubscribed, (subscribed) => resolve(subscribed));
    });
    await listener.connect(room.url, room.listener_token, CONNECT);
    await speaker.connect(room.url, room.speaker_token, CONNECT);
    await speaker.localParticipant.publishTrack(out.stream.getAudioTracks()[0], { source: Track.Source.Microphone, dtx: false });
    const deadline = performance.now() + TONE_MS;
    const track = await Promise.race([arrives, pause(TONE_MS)]);
    if (!track) return false;
    track.attach(audio); // otherwise nothing would decode it
    while (performance.now() < deadline) {
      if (await energyOf(track)) return true;
      await pause(LOOK_MS);
    }
    return false;
  } catch {
    return false;
  } finally {
    tone.stop();
    await Promise.all([speaker.disconnect(), listener.disconnect()]);
  }
}

/** Returns the energy of everything received; 0 for silence. @param {import("livekit-client").RemoteTrack} track */
async function energyOf(track) {
  let energy = 0;
  for (const stat of (await track.getRTCStatsReport())?.values() ?? [])
    if (stat.type === "inbound-rtp") energy = stat.totalAudioEnergy ?? 0;
  return energy;
}

/** @param {number} ms @returns {Promise<undefined>} */
const pause = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms, undefined);
  });
