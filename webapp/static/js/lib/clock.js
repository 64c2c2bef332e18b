import { nt, t } from "./words.js";

/** Keeps times counting, and tells the server the browser's time zone for its texts ("today, 14:10"). */

/** @param {number} seconds @returns {string} `08:52` or `1:04:11` */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${two(minutes)}:${two(rest)}`;
}

/** For screen readers. @param {number} seconds @returns {string} `23 minutes 51 seconds` */
export function spoken(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const words = [
    hours ? nt("{count} hour", "{count} hours", hours) : "",
    minutes ? nt("{count} minute", "{count} minutes", minutes) : "",
    rest || !whole ? nt("{count} second", "{count} seconds", rest) : "",
  ];
  return words.filter(Boolean).join(" ");
}

/** @param {number} since Milliseconds since the epoch. @returns {string} `42 min`, as webapp/ui/formatting.py has it */
export function minutesSince(since) {
  const minutes = Math.max(0, Math.floor((Date.now() - since) / 60_000));
  return minutes < 60
    ? t("{minutes} min", { minutes })
    : t("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

function tick() {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time[data-since]"))) {
    const since = Date.parse(time.dateTime);
    const text = minutesSince(since);
    if (since && time.textContent !== text) time.textContent = text;
  }
}

export function startClocks() {
  setInterval(tick, 5000);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // biome-ignore lint/suspicious/noDocumentCookie: not every browser that we support has the Cookie Store API
  if (zone) document.cookie = `timezone=${zone}; path=/; max-age=31536000; SameSite=Lax`;
}
