import { loadLiveKitSoon } from "../audio/livekit.js";
import { LiveWave } from "../audio/wave.js";
import { openChat } from "../chat/chat.js";
import { Notices } from "../lib/notices.js";
import { fill, say, showState } from "../lib/states.js";
import { number, t } from "../lib/words.js";
import { latest } from "../recordings/player.js";
import { Listening } from "./listening.js";

/**
 * Shows a friend's page and controls the app's Listening; the sound goes on when this page is left.
 * @param {HTMLElement} root @param {import("../app.js").App} app
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: the functions of a view share its elements and its state
export function mount(root, app) {
  const { username = "", name = "", stream: id, title, since } = root.dataset;
  const before = app.listening;
  const same = before?.username === username && (before.connection || before.state === "ended"); // it may just have ended
  const listening = same ? before : app.listenTo(new Listening(username, name));
  const notices = new Notices(root);
  const stopping = new AbortController();
  const on = { signal: stopping.signal };
  /** @type {LiveWave | null} */
  let wave = null;
  let spoken = "";
  let missing = false;

  /** @param {string} action */
  function act(action) {
    if (action === "play") listening.play();
    if (action === "toggle") listening.paused ? listening.play() : listening.pause();
    if (action === "try-now") listening.connection?.again();
    if (action === "back") hearAgain(-30);
    if (action === "start") hearAgain(0);
    if (action === "clip") clip();
  }

  /** Downloads what was just said. */
  async function clip() {
    const current = listening.stream?.id ?? "";
    missing = !(await latest({ id: current, username, owner: name }).catch(() => null));
    show();
    if (!missing)
      Object.assign(document.createElement("a"), { href: `/recordings/${current}/clip.flac?start=-30`, download: "" }).click();
  }

  /** Plays this stream's recording so far, and pauses the live sound. @param {number} from Seconds; negative: before now. */
  async function hearAgain(from) {
    const current = listening.stream?.id ?? "";
    const recording = await latest({ id: current, username, owner: name }).catch(() => null);
    missing = !recording;
    if (recording) await app.player.playFrom(recording, from);
    show();
  }

  function show() {
    const state = listening.state;
    showState(root, state);
    const cause = listening.connection?.cause;
    notices.only(
      [missing ? "no-recording" : "", typeof cause === "string" && cause !== "elsewhere" ? cause : ""].filter(Boolean),
    );
    const earlier = listening.paused && app.player.id === listening.stream?.id;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-earlier]"))) part.hidden = !earlier;
    showStream();
    showBadge();
    showDelay();
    root.querySelector("[data-do=toggle]")?.setAttribute("aria-label", listening.paused ? t("Play") : t("Pause"));
    speak(state);
  }

  function showStream() {
    const stream = listening.stream;
    if (!stream) return;
    fill(root, "title", stream.title);
    for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (root.querySelectorAll("time[data-since]")))
      time.dateTime = stream.started_at;
    const play = /** @type {HTMLElement | null} */ (root.querySelector("[data-ended-recording] [data-play]"));
    if (play) Object.assign(play.dataset, { play: stream.id, title: stream.title, username });
    root.querySelector(".face")?.classList.toggle("face--live", !["ended", "refused", "waiting"].includes(listening.state));
  }

  function showBadge() {
    const shown = listening.interrupted ? "lost" : listening.remover.state;
    for (const badge of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-badge]")))
      badge.hidden = badge.dataset.badge !== shown;
  }

  function showDelay() {
    const place = /** @type {HTMLElement} */ (root.querySelector("[data-delay]"));
    place.hidden = listening.behindS === null;
    fill(root, "behind", number(listening.behindS ?? 0));
  }

  /** Speaks each state once, in the words shown. @param {string} state */
  function speak(state) {
    if (state === spoken || state === "connecting") return;
    spoken = state;
    if (state === "ended") offerRecording();
    const words = [...root.querySelectorAll("h1, .as-h3, .badge")]
      .filter((part) => !part.closest("[hidden]"))
      .map((part) => visibleText(part));
    say(words.join(". "));
  }

  /** Offers the recording if there is one: not every stream is recorded, nor every recording shared. */
  async function offerRecording() {
    const shared = await latest({ id: listening.stream?.id ?? "", username, owner: name }).catch(() => null);
    const button = /** @type {HTMLElement | null} */ (root.querySelector("[data-ended-recording] [data-play]"));
    if (button) button.hidden = !shared;
  }

  function follow() {
    wave?.close();
    const path = /** @type {SVGPathElement | null} */ (root.querySelector("#wave"));
    wave = path && listening.track ? new LiveWave(path, listening.track.mediaStreamTrack) : null;
  }

  root.addEventListener(
    "click",
    (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-do]"));
      if (button) act(button.dataset.do ?? "");
    },
    on,
  );
  const volume = /** @type {HTMLInputElement} */ (root.querySelector("[data-volume]"));
  const showVolume = () => volume.setAttribute("aria-valuetext", t("{count} percent", { count: volume.value }));
  volume.value = String(Math.round(listening.audio.volume * 100));
  volume.addEventListener(
    "input",
    () => {
      listening.setVolume(Number(volume.value) / 100);
      showVolume();
    },
    on,
  );
  showVolume();
  listening.addEventListener("change", show, on);
  listening.addEventListener("track", follow, on);
  follow();
  const closeChat = openChat(app.events);
  if (id) {
    listening.stream ??= { id, title, started_at: since }; // it may end before it has let us in
    listening.start();
  } else {
    loadLiveKitSoon();
    listening.look(); // the stream may have begun after the page was drawn and before this script came
  }
  show();

  return () => {
    stopping.abort();
    closeChat();
    wave?.close();
    if (!listening.connection && app.listening === listening) app.listenTo(null); // nothing to hear, so nothing to keep
  };
}

/** @param {Element} part */
function visibleText(part) {
  return [...part.childNodes]
    .filter((node) => !(node instanceof HTMLElement && node.hidden))
    .map((node) => node.textContent)
    .join("")
    .trim();
}
