/** Times that count on by themselves, and the browser's time zone for the server's words ("today, 14:10"). */

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
  const parts = [[Math.floor(whole / 3600), "hour"], [Math.floor(whole / 60) % 60, "minute"], [whole % 60, "second"]];
  const words = parts.filter(([count]) => count).map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`);
  return words.join(" ") || "0 seconds";
}

/** @param {number} since Milliseconds since the epoch. @returns {string} `42 min`, as webapp/pages/words.py has it */
export function minutesSince(since) {
  const minutes = Math.max(0, Math.floor((Date.now() - since) / 60_000));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
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
  if (zone) document.cookie = `timezone=${zone}; path=/; max-age=31536000; SameSite=Lax`;
}
