/**
 * Shows a notification when a friend goes live while no page is visible, and an offline page when there is no network. Everything
 * else bypasses it: sound, events, answers and pages are never cached, so a new version of the server takes effect at once.
 */
const worker = /** @type {any} */ (self);

const CACHE = "offline";
const OFFLINE = "/offline";
/** `?offline` distinguishes the offline page's style sheets from those of other pages, which are left alone. */
const SHEETS = ["tokens", "base", "components"].map((name) => `/static/css/${name}.css?offline`);
/** Addresses that download a file. */
const FILES = /^\/(api|events|static|recordings\/.+\/(audio|clip))/;

worker.addEventListener("install", (/** @type {any} */ event) => {
  worker.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([OFFLINE, ...SHEETS])));
});

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(Promise.all([worker.clients.claim(), worker.registration.navigationPreload?.enable()]));
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const { pathname, search } = new URL(request.url);
  if (SHEETS.includes(pathname + search)) event.respondWith(kept(request));
  if (request.mode === "navigate" && request.method === "GET" && !FILES.test(pathname)) event.respondWith(page(event));
});

worker.addEventListener("push", (/** @type {any} */ event) => {
  const { title, body, link } = event.data.json();
  const look = { icon: "/static/icons/icon-192.png", badge: "/static/icons/badge-96.png" };
  // One notification for each friend; a later one still makes a sound.
  event.waitUntil(worker.registration.showNotification(title, { body, ...look, tag: link, renotify: true, data: link }));
});

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(goTo(event.notification.data));
});

/** @param {any} event */
async function page(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    return kept(OFFLINE);
  }
}

/** @param {Request | string} request */
async function kept(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? Response.error();
}

/**
 * Opens the link in a page that is already open; the page navigates by itself, so that its sound goes on.
 * @param {string} link
 */
async function goTo(link) {
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const chosen = pages.find((/** @type {any} */ client) => new URL(client.url).pathname === link) ?? pages[0];
  if (!chosen) return worker.clients.openWindow(link);
  chosen.postMessage({ visit: link });
  return chosen.focus();
}
