/**
 * Loads the audio server's browser SDK for the pages that need it, after they are drawn. The UMD build is the small one (154 kB
 * compressed, the ESM build has 320); as a module it leaves its exports in `globalThis.LivekitClient`.
 */
const bundle = "../../vendor/livekit-client.js";

/** @typedef {typeof import("livekit-client")} LiveKit */

// Set by `loadLiveKit`.
/** @type {LiveKit["Checker"]} */ export let Checker;
/** @type {LiveKit["CheckStatus"]} */ export let CheckStatus;
/** @type {LiveKit["ConnectionCheck"]} */ export let ConnectionCheck;
/** @type {LiveKit["ConnectionError"]} */ export let ConnectionError;
/** @type {LiveKit["DisconnectReason"]} */ export let DisconnectReason;
/** @type {LiveKit["LocalAudioTrack"]} */ export let LocalAudioTrack;
/** @type {LiveKit["Room"]} */ export let Room;
/** @type {LiveKit["RoomEvent"]} */ export let RoomEvent;
/** @type {LiveKit["Track"]} */ export let Track;

/** Loads the SDK once. A connection needs it; `loadLiveKitSoon` fetches it earlier, while the page is idle. */
export async function loadLiveKit() {
  if (Room) return;
  await import(bundle);
  /** @type {LiveKit} */
  const livekit = /** @type {any} */ (globalThis).LivekitClient;
  livekit.setLogLevel("silent"); // the page tells people what goes wrong
  ({ Checker, CheckStatus, ConnectionCheck, ConnectionError, DisconnectReason, LocalAudioTrack, Room, RoomEvent, Track } =
    livekit);
}

/** Loads the SDK when the page is idle. */
export function loadLiveKitSoon() {
  const load = () => {
    loadLiveKit().catch(() => {});
  }; // then it is loaded on demand
  if ("requestIdleCallback" in globalThis) requestIdleCallback(load, { timeout: 5000 });
  else setTimeout(load, 1000);
}
