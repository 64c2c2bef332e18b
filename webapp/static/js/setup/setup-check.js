import { loadLiveKit } from "../audio/livekit.js";
import { LevelWords, Meter } from "../audio/meter.js";
import { Microphone, MicrophoneError } from "../audio/microphone.js";
import { ApiError, call } from "../lib/api.js";
import { t } from "../lib/words.js";

/** @typedef {import("./setup-report.js").LineState} LineState */
/** @typedef {(line: string, state: LineState, words?: string) => void} Tell Called with the result of each line as it comes. */

const NETWORK = ["websocket", "udp", "tcp", "turn", "sound"];
/** How long somebody may take to say something. */
const LEVEL_MS = 8000;
/** Quieter than any speech, louder than a microphone that is off. */
const HEARD_DB = -60;
const GB = 1e9;

/** @type {Record<import("../audio/microphone.js").MicrophoneTrouble, () => string>} */
const MICROPHONE_TROUBLES = {
  insecure: () => t("This page is not secure, so the browser offers no microphone. Open it with https."),
  blocked: () => t("It is blocked for this site. Allow it in the address bar, then check again."),
  system: () => t("Your computer's settings block it. Allow it in the privacy settings, then check again."),
  none: () => t("No microphone was found. Plug one in, then check again."),
  busy: () => t("Another program is using it. Close that program, then check again."),
};

/**
 * Runs all checks. Call it in the handler of a press, which microphone and sound require.
 * @param {Tell} tell @param {MediaStreamTrack | null} open A microphone that is open already.
 */
export async function checkAll(tell, open) {
  const context = new AudioContext();
  checkBrowser(tell);
  await Promise.all([checkMicrophone(tell, open), checkNetwork(tell, context), checkServer(tell)]);
  await context.close();
}

/** @param {Tell} tell */
function checkBrowser(tell) {
  const missing = [
    "RTCPeerConnection" in globalThis ? "" : t("calls (WebRTC)"),
    "AudioContext" in globalThis ? "" : t("sound (Web Audio)"),
    "EventSource" in globalThis ? "" : t("live updates (server-sent events)"),
    !isSecureContext || navigator.mediaDevices ? "" : t("microphones"),
  ].filter(Boolean);
  if (missing.length)
    tell(
      "browser",
      "trouble",
      t("It does not support {parts}. Use a current Firefox, Chrome, Edge or Safari.", { parts: missing.join(", ") }),
    );
  else tell("browser", "well", t("It supports everything that is needed."));
  if (isSecureContext) tell("secure", "well", t("The browser may use the microphone here."));
  else
    tell(
      "secure",
      "trouble",
      t("Browsers allow the microphone only on https or localhost. You can listen; to stream, open this page with https."),
    );
}

// --- Microphone

/** @param {Tell} tell @param {MediaStreamTrack | null} open */
async function checkMicrophone(tell, open) {
  tell("microphone", "running", t("Allow it, and say something."));
  const microphone = new Microphone();
  try {
    const track = open ?? (await microphone.open());
    const level = await levelOf(track);
    if (level === "")
      tell(
        "microphone",
        "trouble",
        t("No sound from {name}. Check it for a mute switch, or choose another microphone on the stream page.", {
          name: track.label,
        }),
      );
    else tell("microphone", "well", `${track.label}: ${level}.`);
  } catch (error) {
    if (!(error instanceof MicrophoneError)) throw error;
    tell("microphone", "trouble", MICROPHONE_TROUBLES[error.trouble]());
  } finally {
    microphone.close();
  }
}

/**
 * Returns the level in words as soon as there is sound; "" if there is none.
 * @param {MediaStreamTrack} track @returns {Promise<string>}
 */
function levelOf(track) {
  const words = new LevelWords();
  return new Promise((resolve) => {
    const end = (/** @type {string} */ level) => {
      clearTimeout(timer);
      meter.close();
      resolve(level);
    };
    const meter = new Meter(track, (db) => {
      const read = words.read(db);
      if (db > HEARD_DB) end(read);
    });
    const timer = setTimeout(() => end(""), LEVEL_MS);
  });
}

// --- The way to the audio server

/** @param {Tell} tell @param {AudioContext} context */
async function checkNetwork(tell, context) {
  tell("websocket", "running");
  await loadLiveKit();
  const { toneComesBack, webSocketPasses, ...paths } = await import("./network-check.js"); // its classes extend LiveKit's
  const room = await call("POST", "/api/checkup/rooms").catch((error) => error);
  if (room instanceof Error) return noRoom(tell, room);
  try {
    if (!(await webSocketPasses(room))) {
      tell(
        "websocket",
        "trouble",
        t(
          "This server can reach it, but your browser cannot: something in between blocks WebSocket. Try another network, or switch off your VPN.",
        ),
      );
      return skipAfter(tell, "websocket", t("This needs the audio server."));
    }
    tell("websocket", "well", t("It answers over WebSocket."));
    if (!(await checkPaths(tell, room, paths)))
      return tell("sound", "trouble", t("A firewall blocks it. Try another network, or ask your admin to set up TURN."));
    tell("sound", "running");
    if (await toneComesBack(room, context)) tell("sound", "well", t("A tone went to the audio server and came back."));
    else
      tell(
        "sound",
        "trouble",
        t("Connected, but the test tone did not come back. Check again; if it keeps failing, send the report to your admin."),
      );
  } finally {
    await call("DELETE", `/api/checkup/rooms/${room.id}`).catch(() => {}); // it also closes by itself
  }
}

/**
 * @param {Tell} tell @param {import("./network-check.js").CheckRoom} room
 * @param {Pick<typeof import("./network-check.js"), "relayPasses" | "tryPath">} paths
 * @returns {Promise<boolean>} Whether any of them passes.
 */
async function checkPaths(tell, room, { relayPasses, tryPath }) {
  tell("udp", "running");
  const udp = await tryPath(room, "udp");
  tell("tcp", "running");
  const tcp = udp.ports.tcp ? await tryPath(room, "tcp") : null;
  tell("turn", "running");
  const relay = await relayPasses(room);
  const other = Boolean(tcp?.passes || relay);
  const port = udp.ports.udp ?? "";
  if (udp.passes) tell("udp", "well", t("The best path for sound is open."));
  else if (other)
    tell(
      "udp",
      "trouble",
      t(
        "Something blocks it, so sound takes a slower path and may stutter. Allow UDP to port {port} in your firewall, or try another network.",
        { port },
      ),
    );
  else
    tell(
      "udp",
      "trouble",
      t("Something blocks it. Allow UDP to port {port} in your firewall, or try another network.", { port }),
    );
  if (!tcp) tell("tcp", "skipped", t("This server does not offer it."));
  else if (tcp.passes) tell("tcp", "well", t("The second-best path for sound is open."));
  else tell("tcp", udp.passes ? "skipped" : "trouble", t("Something blocks it. It is needed only where UDP is blocked, too."));
  if (relay) tell("turn", "well", t("The relay answers."));
  else if (relay === null)
    tell("turn", "skipped", t("This server has none. It is needed only on networks that allow nothing but web traffic."));
  else tell("turn", "trouble", t("It does not answer. Send the report to your admin."));
  return udp.passes || other;
}

/** @param {Tell} tell @param {Error} error */
function noRoom(tell, error) {
  if (!(error instanceof ApiError)) throw error;
  const unreachable = error.code === "audio_server_unreachable";
  tell(
    "websocket",
    "trouble",
    unreachable
      ? t("It is not running, or this server cannot reach it. Nobody can stream until it is back. Ask your admin.")
      : error.message,
  );
  skipAfter(tell, "websocket", t("This needs the audio server."));
}

/** @param {Tell} tell @param {string} line @param {string} words */
function skipAfter(tell, line, words) {
  for (const next of NETWORK.slice(NETWORK.indexOf(line) + 1)) tell(next, "waiting", words);
}

// --- The server's own parts

/** @param {Tell} tell */
async function checkServer(tell) {
  tell("remover", "running");
  tell("recording", "running");
  const parts = await call("GET", "/api/checkup").catch((error) => error);
  if (parts instanceof Error) {
    for (const line of ["remover", "recording"]) tell(line, "trouble", parts.message);
    return;
  }
  const { answers, places, free } = parts.noise_remover;
  if (!answers)
    tell("remover", "trouble", t("It does not answer, so no stream can start. Try again in a minute, then ask your admin."));
  else if (free === 0)
    tell("remover", "trouble", t("All {places} slots are in use. A stream starts by itself when one is free.", { places }));
  else tell("remover", "well", t("It answers. {free} of {places} slots are free.", { free, places }));
  const { state, left_bytes: left } = parts.recording;
  if (state === "failed")
    tell(
      "recording",
      "trouble",
      t("The server's disk is full. You can stream, but nothing is recorded. Ask your admin for space."),
    );
  else if (state === "full")
    tell("recording", "trouble", t("Your space is used up. You can stream, but nothing is recorded. Delete old recordings."));
  else
    tell(
      "recording",
      "well",
      left === null
        ? t("There is enough space.")
        : t("You have {gb} GB left.", {
            gb: (left / GB).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 }),
          }),
    );
}
