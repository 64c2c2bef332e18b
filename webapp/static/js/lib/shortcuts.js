import { say } from "./states.js";

/** How long the live region stays empty before it is filled: a text that it holds already would not be spoken again. */
const SPEAK_MS = 100;

/** Whether the person wants shortcuts (Settings, Keyboard). */
const areOn = () => /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=shortcuts]"))?.content !== "off";

/**
 * Shortcuts are single keys, so they are off while a field has the focus, a modifier is held or a dialog is open.
 * @param {KeyboardEvent} event
 */
export function isShortcut(event) {
  const field =
    event.target instanceof Element &&
    event.target.closest("input:not([type=range], [type=radio], [type=checkbox]), select, textarea");
  return areOn() && !field && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("dialog[open]");
}

/** Takes the shortcuts off the controls when they are switched off, so that a screen reader does not announce them. */
function forget() {
  if (areOn()) return;
  for (const control of document.querySelectorAll("[aria-keyshortcuts]")) control.removeAttribute("aria-keyshortcuts");
}

const list = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("shortcuts"));

/** Starts the two shortcuts that work everywhere: ? shows the list, i says what is going on. @param {() => string} status */
export function startShortcuts(status) {
  document.addEventListener("keydown", (event) => {
    if (!isShortcut(event)) return;
    if (event.key === "?") list()?.showModal();
    if (event.key === "i") {
      say("");
      setTimeout(() => say(status()), SPEAK_MS);
    }
  });
  document.addEventListener("turbo:before-cache", () => list()?.close());
  document.addEventListener("turbo:load", forget);
  document.addEventListener("turbo:render", forget);
}
