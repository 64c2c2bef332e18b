import { isShortcut } from "../lib/shortcuts.js";
import { fill, say } from "../lib/states.js";
import { t } from "../lib/words.js";

/** Runs the frame around every page: the friends disclosure, menus, colours. */

const wide = matchMedia("(min-width: 56.25em)");

/** Opens the friends disclosure from 900 px on: CSS shows its content anyway, and assistive technology must agree. */
function fitFriends() {
  for (const friends of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.friends")))
    friends.open = wide.matches;
}

/** Keeps what sticks to the bottom of the page above the players, which come and go. */
const players = new ResizeObserver(([{ contentRect }]) =>
  document.documentElement.style.setProperty("--players", `${contentRect.height}px`),
);

function watchPlayers() {
  const shown = document.querySelector(".players");
  players.disconnect();
  if (shown) players.observe(shown);
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
  if (event.key === "/" && isShortcut(event)) {
    event.preventDefault();
    const friends = /** @type {HTMLDetailsElement | null} */ (document.querySelector("details.friends"));
    if (friends) friends.open = true;
    document.getElementById("q")?.focus();
  }
}

/** Applies colours that were just chosen: Turbo replaces the head of the page, but not the root element. */
function followTheme() {
  const scheme = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=color-scheme]"))?.content ?? "";
  if (["light", "dark"].includes(scheme)) document.documentElement.dataset.theme = scheme;
  else delete document.documentElement.dataset.theme;
}

/** Shows the copy buttons, which need this script; the link beside them can be copied by hand. */
function showCopyButtons() {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copy]")))
    button.hidden = !navigator.clipboard;
}

/** @param {HTMLElement} button */
async function copy(button) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copy ?? ""));
  const done = await navigator.clipboard.writeText(field.value).then(
    () => true,
    () => false,
  );
  if (done) fill(button, "copied", t("Copied"));
  else field.select();
  say(done ? t("Copied.") : t("The browser does not allow copying. The link is selected: copy it by hand."));
}

export function startFrame() {
  wide.addEventListener("change", fitFriends);
  document.addEventListener("turbo:load", fitFriends);
  document.addEventListener("click", (event) =>
    closeMenus(event.target instanceof Element ? event.target.closest("details.menu") : null),
  );
  document.addEventListener("keydown", onKey);
  document.addEventListener("turbo:load", showCopyButtons);
  for (const drawn of ["turbo:load", "turbo:render"]) document.addEventListener(drawn, watchPlayers);
  document.addEventListener("turbo:render", fitFriends);
  document.addEventListener("turbo:before-render", followTheme);
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-copy]");
    if (button) copy(/** @type {HTMLElement} */ (button));
  });
  fitFriends();
}
