import { say } from "./states.js";

/** Time for the live region to be empty: what it holds already is not spoken again. */
const SPEAK_MS = 100;

/** Whether the person wants shortcuts (Settings, Keyboard). */
const areOn = () => /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=shortcuts]"))?.content !== "off";

/** Shortcuts are single keys, so they are off while a field has the focus, a modifier is held or a dialog is open. @param {KeyboardEvent} event */
export function isShortcut(event) {
  const field =
    event.target instanceof Element &&
    event.target.closest("input:not([type=range], [type=radio], [type=checkbox]), select, textarea");
  return areOn() && !field && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("dialog[open]");
}

/** What a screen reader says of a control is true. */
function forget() {
  if (areOn()) return;
  for (const control of document.querySelectorAll("[aria-keyshortcuts]")) control.removeAttribute("aria-keyshortcuts");
}

const list = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("shortcuts"));

/** The two that work everywhere: ? shows the list, i says what is going on. @param {() => string} status */
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
