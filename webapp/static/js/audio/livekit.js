/**
 * The audio server's browser SDK, loaded only by the pages that need it, and not before they stand. The UMD build is the small one (154 kB compressed, the ESM
 * build has 320); as a module it leaves its exports in `globalThis.LivekitClient`.
 */
const bundle = "../../vendor/livekit-client.js";

/** @typedef {typeof import("livekit-client")} LiveKit */

// There from `loadLiveKit` on.
/** @type {LiveKit["Checker"]} */ export let Checker;
/** @type {LiveKit["CheckStatus"]} */ export let CheckStatus;
/** @type {LiveKit["ConnectionCheck"]} */ export let ConnectionCheck;
/** @type {LiveKit["ConnectionError"]} */ export let ConnectionError;
/** @type {LiveKit["DisconnectReason"]} */ export let DisconnectReason;
/** @type {LiveKit["LocalAudioTrack"]} */ export let LocalAudioTrack;
/** @type {LiveKit["Room"]} */ export let Room;
/** @type {LiveKit["RoomEvent"]} */ export let RoomEvent;
/** @type {LiveKit["Track"]} */ export let Track;

/** A connection needs it; whoever will soon want one calls it earlier, when the page has nothing else to do. */
export async function loadLiveKit() {
  if (Room) return;
  await import(bundle);
  /** @type {LiveKit} */
  const livekit = /** @type {any} */ (globalThis).LivekitClient;
  livekit.setLogLevel("silent"); // what goes wrong is said in the page, in words
  ({ Checker, CheckStatus, ConnectionCheck, ConnectionError, DisconnectReason, LocalAudioTrack, Room, RoomEvent, Track } =
    livekit);
}

/** Once the page is at rest. */
export function loadLiveKitSoon() {
  const load = () => {
    loadLiveKit().catch(() => {});
  }; // then it is loaded when it is needed
  if ("requestIdleCallback" in globalThis) requestIdleCallback(load, { timeout: 5000 });
  else setTimeout(load, 1000);
}
