import { fill, say, showState } from "../lib/states.js";
import { t } from "../lib/words.js";
import { checkAll } from "./setup-check.js";
import { report } from "./setup-report.js";

/** @typedef {import("./setup-report.js").LineState} LineState */

/** Results that arrive within this time are spoken together: a screen reader skips a text that is replaced at once. */
const SPEAK_MS = 800;

/** @type {Record<LineState, () => string>} */
const STATES = {
  waiting: () => t("Not checked."),
  running: () => t("Checking."),
  well: () => t("Works."),
  trouble: () => t("Problem."),
  skipped: () => t("Not needed."),
};

/**
 * Runs "Check my set-up" in the settings.
 * @param {HTMLElement} root @param {import("../app.js").App} app
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: the functions of a view share its elements and its state
export function mount(root, app) {
  const stopping = new AbortController();
  const on = { signal: stopping.signal };
  const lines = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-line]")]);
  const field = /** @type {HTMLTextAreaElement} */ (root.querySelector("#report"));
  /** @type {string[]} */
  const spoken = [];
  const start = /** @type {HTMLButtonElement} */ (root.querySelector("[data-do=check]"));

  /** @param {string} name @param {LineState} state @param {string} [words] */
  function tell(name, state, words = "") {
    if (stopping.signal.aborted) return;
    const line = /** @type {HTMLElement} */ (root.querySelector(`[data-line=${name}]`));
    line.dataset.state = state;
    line.classList.toggle("care", state === "trouble");
    const glyph = /** @type {HTMLTemplateElement} */ (root.querySelector(`template[data-glyph=${state}]`));
    line.firstElementChild?.replaceWith(glyph.content.cloneNode(true));
    fill(line, "state", STATES[state]());
    fill(line, "words", words && ` ${words}`);
    if (state !== "running" && state !== "waiting") speak(`${nameOf(line)}: ${textOf(line)}`);
  }

  /** @param {string} words */
  function speak(words) {
    if (spoken.push(words) === 1) setTimeout(() => say(spoken.splice(0).join(" ")), SPEAK_MS);
  }

  async function check() {
    start.disabled = true;
    showState(root, "running");
    for (const line of lines) tell(line.dataset.line ?? "", "waiting");
    await checkAll(tell, app.studio?.microphone.track ?? null);
    if (stopping.signal.aborted) return;
    const troubles = lines.filter((line) => line.dataset.state === "trouble").length;
    const words = verdict(troubles);
    fill(root, "verdict", words);
    field.value = report({
      at: new Date(),
      page: location.origin,
      browser: navigator.userAgent,
      lines: lines.map((line) => ({
        name: nameOf(line),
        state: STATES[/** @type {LineState} */ (line.dataset.state)](),
        words: wordsOf(line),
      })),
    });
    showState(root, troubles ? "trouble" : "well");
    start.disabled = false;
    speak(words);
  }

  function download() {
    const href = URL.createObjectURL(new Blob([field.value], { type: "text/plain" }));
    Object.assign(document.createElement("a"), { href, download: "stillair-check.txt" }).click();
    URL.revokeObjectURL(href);
  }

  root.addEventListener(
    "click",
    (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-do]"));
      if (button?.dataset.do === "check") check();
      if (button?.dataset.do === "download") download();
    },
    on,
  );
  start.disabled = false;
  return () => stopping.abort();
}

const nameOf = (/** @type {HTMLElement} */ line) => line.querySelector("[data-name]")?.textContent ?? "";
const wordsOf = (/** @type {HTMLElement} */ line) => line.querySelector("[data-fill=words]")?.textContent?.trim() ?? "";
const textOf = (/** @type {HTMLElement} */ line) => line.querySelector("p")?.textContent ?? "";

/** @param {number} troubles How many checks found something wrong. */
function verdict(troubles) {
  if (!troubles) return t("Everything works: you can stream and listen.");
  return troubles === 1 ? t("One thing needs attention.") : t("{count} things need attention.", { count: troubles });
}
