/**
 * Shows that a friend is live while no page is in sight, and a page of its own when there is no network. Everything else goes past
 * it: sound, events, answers of the server and pages are never kept, so a new version of the server is in use at once.
 */
const worker = /** @type {any} */ (self);

const CACHE = "offline";
const OFFLINE = "/offline";
/** `?offline` tells its stylesheets from those of the other pages, which are none of our business. */
const SHEETS = ["tokens", "base", "components"].map((name) => `/static/css/${name}.css?offline`);
/** What is downloaded by going there. */
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
  // One for each friend; a later one is heard all the same.
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

/** In a page that is open: it goes there by itself, so that what is heard or sent in it goes on. @param {string} link */
async function goTo(link) {
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const chosen = pages.find((/** @type {any} */ client) => new URL(client.url).pathname === link) ?? pages[0];
  if (!chosen) return worker.clients.openWindow(link);
  chosen.postMessage({ visit: link });
  return chosen.focus();
}
