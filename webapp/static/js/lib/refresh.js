import { morphElements } from "./turbo.js";

/** Removes what the page offers for a few seconds only (Undo). */
export function expireParts() {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-expires]"))) {
    setTimeout(() => part.remove(), Number(part.dataset.expires) * 1000);
  }
}

const TIME_MS = 10_000;
/** Several events in a row cost one request, and what they trigger in a page (joining a stream) goes first. */
const GATHER_MS = 300;

/** Refreshes the parts that name the event "time" (which the server computes for each request) while the page is visible. */
export function refreshByTime() {
  setInterval(() => {
    if (!document.hidden) refreshParts("time");
  }, TIME_MS);
}

/** @type {Set<string>} */
const due = new Set();
/** @type {Promise<void> | null} */
let gathering = null;

/**
 * Brings the parts of the page that name this kind of event (`id` and `data-refresh="recording.ready"`) up to date: the page is
 * fetched again, and these parts are morphed in place.
 * @param {string} kind
 */
export function refreshParts(kind) {
  due.add(kind);
  gathering ??= gather();
  return gathering;
}

async function gather() {
  await new Promise((resolve) => {
    setTimeout(resolve, GATHER_MS);
  });
  gathering = null;
  const wanted = [...due].map((kind) => `[data-refresh~="${kind}"]`).join();
  due.clear();
  await refresh(wanted);
}

/** @param {string} wanted CSS selector. */
async function refresh(wanted) {
  const parts = document.querySelectorAll(wanted);
  if (!parts.length) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html", "X-Stillair-Parts": "1" } }).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (fresh && part.isConnected) morphElements(part, fresh);
  }
}
