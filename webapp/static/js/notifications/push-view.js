import { ApiError } from "../lib/api.js";
import { Notices } from "../lib/notices.js";
import { say, showState } from "../lib/states.js";
import { t } from "../lib/words.js";
import { isOn, isSupported, switchOff, switchOn } from "./push.js";

/** Shows the settings page for notifications. @param {HTMLElement} root */
export function mount(root) {
  const { user = "", key = "" } = root.dataset;
  const notices = new Notices(root);
  const stopping = new AbortController();

  async function show() {
    showState(root, await state());
  }

  async function state() {
    if (!isSecureContext) return "insecure";
    if (!isSupported()) return "unsupported";
    if (await isOn(user)) return "on";
    return Notification.permission === "denied" ? "blocked" : "off";
  }

  async function start() {
    notices.only([]);
    if ((await Notification.requestPermission()) === "granted") {
      await switchOn(user, key).then(() => say(t("Notifications are on in this browser.")), explain);
    }
    await show();
  }

  async function end() {
    notices.only([]);
    await switchOff().then(() => say(t("Notifications are off in this browser.")), explain);
    await show();
  }

  /** @param {unknown} error Browsers do not say more about their push service than that there was an error. */
  function explain(error) {
    if (error instanceof ApiError) notices.show("refused", error.message);
    else notices.show("no-service");
  }

  root.addEventListener(
    "click",
    (event) => {
      const action = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-do]"))?.dataset.do;
      if (action === "on") start();
      if (action === "off") end();
    },
    { signal: stopping.signal },
  );
  addEventListener("focus", show, { signal: stopping.signal }); // allowed in the address bar meanwhile
  show();
  return () => stopping.abort();
}
