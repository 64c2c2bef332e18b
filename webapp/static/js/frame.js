/** The frame around every page: the friends disclosure, menus, shortcuts. */

const wide = matchMedia("(min-width: 56.25em)");

/** Friends is a closed disclosure in the HTML. From 900 px CSS shows it anyway; this keeps the DOM in step for assistive technology. */
function fitFriends() {
  for (const friends of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.friends"))) friends.open = wide.matches;
}

/** @param {Element | null} except */
function closeMenus(except) {
  for (const menu of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.menu[open]"))) {
    if (menu !== except) menu.open = false;
  }
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    closeMenus(null);
    if (menu?.contains(document.activeElement)) menu.querySelector("summary")?.focus();
  }
  if (event.key === "/" && !isTyping(event)) {
    event.preventDefault();
    const friends = /** @type {HTMLDetailsElement | null} */ (document.querySelector("details.friends"));
    if (friends) friends.open = true;
    document.getElementById("q")?.focus();
  }
}

/** Shortcuts are single letters, so they are off while a field has the focus or a modifier is held. @param {KeyboardEvent} event */
export function isTyping(event) {
  const field = event.target instanceof Element && event.target.closest("input:not([type=range], [type=radio], [type=checkbox]), select, textarea");
  return Boolean(field) || event.ctrlKey || event.metaKey || event.altKey;
}

export function startFrame() {
  wide.addEventListener("change", fitFriends);
  document.addEventListener("turbo:load", fitFriends);
  document.addEventListener("click", (event) => closeMenus(event.target instanceof Element ? event.target.closest("details.menu") : null));
  document.addEventListener("keydown", onKey);
  fitFriends();
}
