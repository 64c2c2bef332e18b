import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.ResizeObserver = class { observe() {} disconnect() {} };
const { bars } = await import("../../webapp/static/js/recording-wave.js");

/** Heights of the bars. */
const heights = (path) => [...path.matchAll(/v([\d.]+)/g)].map(([, height]) => Number(height));

test("each bar is the loudest of its part, and silence is a dot", () => {
  assert.deepEqual(heights(bars(Uint8Array.of(0, 0, 10, 255, 51, 0), 3)), [0.1, 38, 7.6]);
});

test("a short recording fills the whole width", () => {
  assert.deepEqual(heights(bars(Uint8Array.of(255, 0), 4)), [38, 38, 0.1, 0.1]);
  assert.match(bars(Uint8Array.of(255), 2), /^M3 3\.0v38\.0M9 3\.0v38\.0$/);
});
