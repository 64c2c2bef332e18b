import { morphElements } from "./turbo.js";

/** What the page offers only for some seconds (Undo) disappears then. */
export function expireParts() {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-expires]"))) {
    setTimeout(() => part.remove(), Number(part.dataset.expires) * 1000);
  }
}

const TIME_MS = 10_000;

/** Parts that name no event but "time" (what the server looks up anew each time) are brought up to date while somebody looks. */
export function refreshByTime() {
  setInterval(() => { if (!document.hidden) refreshParts("time"); }, TIME_MS);
}

/**
 * Brings the parts of the page that name this kind of event (`id` and `data-refresh="recording.ready"`) up to date: the page is
 * fetched again, and these parts are morphed in place.
 * @param {string} kind
 */
export async function refreshParts(kind) {
  const parts = document.querySelectorAll(`[data-refresh~="${kind}"]`);
  if (!parts.length) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html", "X-Stillair-Parts": "1" } }).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of parts) {
    const wanted = page.getElementById(part.id);
    if (wanted && part.isConnected) morphElements(part, wanted);
  }
}
