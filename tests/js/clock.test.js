import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, minutesSince, spoken } from "../../webapp/static/js/lib/clock.js";

test("a clock shows hours only when there are any", () => {
  assert.deepEqual([0, 7.9, 532, 3600, 3851, -3].map(clock), ["00:00", "00:07", "08:52", "1:00:00", "1:04:11", "00:00"]);
});

test("a time is spoken without the parts that are zero", () => {
  assert.deepEqual([0, 1, 61, 3600, 3851].map(spoken), [
    "0 seconds",
    "1 second",
    "1 minute 1 second",
    "1 hour",
    "1 hour 4 minutes 11 seconds",
  ]);
});

test("minutes since a moment, never negative", () => {
  const ago = (minutes) => minutesSince(Date.now() - minutes * 60_000 - 500);
  assert.deepEqual([0, 8, 59, 125, -5].map(ago), ["0 min", "8 min", "59 min", "2 h 5 min", "0 min"]);
});
