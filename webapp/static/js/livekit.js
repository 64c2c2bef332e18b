/**
 * The audio server's browser SDK, loaded only by the pages that need it. The UMD build is the small one (154 kB compressed, the ESM
 * build has 320); as a module it leaves its exports in `globalThis.LivekitClient`.
 */
const bundle = "../vendor/livekit-client.js";
await import(bundle);

/** @type {typeof import("livekit-client")} */
const livekit = /** @type {any} */ (globalThis).LivekitClient;
livekit.setLogLevel("silent");      // what goes wrong is said in the page, in words

export const {
  Checker, CheckStatus, ConnectionCheck, ConnectionError, DisconnectReason, LocalAudioTrack, Room, RoomEvent, Track, TrackEvent,
} = livekit;

/** Identity of the noise remover in every room (contract.py, AGENT_NAME). */
export const REMOVER = "noise-remover";
