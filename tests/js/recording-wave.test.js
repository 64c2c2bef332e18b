import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { querySelector: () => null };
const { levels } = await import("../../webapp/static/js/recordings/recording-wave.js");

test("levels are shares of the loudest there can be", () => {
  const heights = levels(Uint8Array.from({ length: 400 }, (_, at) => at % 256));
  assert.equal(heights.length, 400);
  assert.deepEqual(
    [heights[0], heights[51], heights[255]].map((height) => height.toFixed(3)),
    ["0.000", "0.200", "1.000"],
  );
});

test("those of a short recording are enough for every bar, in order", () => {
  const heights = levels(Uint8Array.of(255, 0, 51));
  assert.ok(heights.length >= 400);
  assert.deepEqual(
    [...new Set(heights)].map((height) => height.toFixed(1)),
    ["1.0", "0.0", "0.2"],
  );
});
