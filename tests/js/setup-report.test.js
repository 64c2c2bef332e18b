import assert from "node:assert/strict";
import { test } from "node:test";

import { report } from "../../webapp/static/js/setup/setup-report.js";

test("a report says when, where, with what, and each line", () => {
  const lines = [
    { name: "Microphone", state: "Works.", words: "Yeti: good level." },
    { name: "TCP", state: "Not needed.", words: "" },
  ];
  const found = report({ at: new Date("2026-01-31T12:34:56Z"), page: "https://air.test", browser: "Browser/1", lines });
  assert.equal(
    found,
    `Stillair, check of a set-up

When: 2026-01-31 12:34 UTC
Page: https://air.test
Browser: Browser/1

Microphone  Works. Yeti: good level.
TCP         Not needed.
`,
  );
});
