import { call } from "../lib/api.js";
import { visit } from "../lib/turbo.js";

/**
 * Manages this browser's notifications while no page is visible. The browser has one subscription for everybody; its owner
 * is kept in `localStorage`, and the server knows it as long as that log-in lasts.
 */

const OWNER = "push-of";
const SERVER = "/api/push/subscription";

export const isSupported = () => "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;

/** @returns {Promise<PushSubscription | null>} */
async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager?.getSubscription()) ?? null;
}

/** Starts notifications once somebody is logged in. @param {string} user */
export async function startPush(user) {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("/service-worker.js");
  if (isSupported()) await renew(user);
}

/** Renews the subscription: the log-in may have ended, or somebody else may use this browser now. @param {string} user */
async function renew(user) {
  const found = await subscription();
  if (!found) return;
  if (localStorage.getItem(OWNER) === user) await tell(found);
  else await found.unsubscribe();
}

/** Returns whether notifications are on for this person, as far as the browser knows. @param {string} user */
export async function isOn(user) {
  return Notification.permission === "granted" && localStorage.getItem(OWNER) === user && (await subscription()) !== null;
}

/**
 * Switches notifications on. Call it in the handler of a press. Throws the browser's or the server's error.
 * @param {string} user @param {string} key Of the server.
 */
export async function switchOn(user, key) {
  await navigator.serviceWorker.register("/service-worker.js");
  const registration = await navigator.serviceWorker.ready;
  await (await registration.pushManager.getSubscription())?.unsubscribe(); // it may belong to another key or another person
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  try {
    await tell(made);
  } catch (error) {
    await made.unsubscribe();
    throw error;
  }
  localStorage.setItem(OWNER, user);
}

export async function switchOff() {
  await forget();
  await call("DELETE", SERVER);
}

/** Unsubscribes this browser; the server forgets a subscription when its log-in ends. */
async function forget() {
  localStorage.removeItem(OWNER);
  await (await subscription())?.unsubscribe();
}

/** @param {PushSubscription} found */
function tell(found) {
  const { endpoint, keys } = found.toJSON();
  return call("PUT", SERVER, { endpoint, ...keys });
}

if (isSupported()) {
  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (new URL(form.action, location.href).pathname === "/logout") forget();
  });
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data?.visit && data.visit !== location.pathname) visit(data.visit);
  });
}
