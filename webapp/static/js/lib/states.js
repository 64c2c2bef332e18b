/**
 * Shows the parts of a page that belong to its state (`data-when="live paused"`) and hides the others. When the focused control
 * disappears, the focus goes to the main action of the new state.
 * @param {HTMLElement} root @param {string} state
 */
export function showState(root, state) {
  if (root.dataset.state === state) return;
  root.dataset.state = state;
  const focused = /** @type {HTMLElement | null} */ (root.contains(document.activeElement) ? document.activeElement : null);
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-when]"))) {
    part.hidden = !part.dataset.when?.split(" ").includes(state);
  }
  if (focused?.closest("[hidden]"))
    [...root.querySelectorAll("button")].find((button) => !button.closest("[hidden]"))?.focus({ preventScroll: true });
}

/** Puts text into `data-fill="name"`. @param {ParentNode} root @param {string} name @param {string} text */
export function fill(root, name, text) {
  for (const place of root.querySelectorAll(`[data-fill="${name}"]`)) {
    if (place.textContent !== text) place.textContent = text;
  }
}

/** Speaks once, for screen readers. @param {string} text */
export function say(text) {
  const status = document.getElementById("status");
  if (status) status.textContent = text;
}
