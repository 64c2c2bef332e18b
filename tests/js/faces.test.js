import assert from "node:assert/strict";
import { test } from "node:test";

import { initials, tint } from "../../webapp/static/js/lib/faces.js";

// The same table stands in tests/webapp/ui/test_svg.py: the server and the page must draw one face for one name.
const NAMES = [
  ["Nora Lindqvist", "NL", 5],
  ["Zoë van der Meer", "ZM", 6],
  ["alice-1", "A", 5],
  ["Łukasz", "Ł", 4],
  ["42nd Street (band)", "4S", 6],
  ["🎈 Ida", "I", 5],
  ["🎈", "🎈", 3],
];

test("a face has the same letters and tint as on the server", () => {
  assert.deepEqual(
    NAMES.map(([name]) => [name, initials(name), tint(name)]),
    NAMES,
  );
});
