import assert from "node:assert/strict";
import { test } from "node:test";

import { isDead, LevelWords, lengthOf } from "../../webapp/static/js/audio/meter.js";

test("a bar is empty at -60 dB, full at 0, and never longer", () => {
  assert.deepEqual([-120, -60, -30, 0, 6].map(lengthOf), [0, 0, 0.5, 1, 1]);
});

test("words follow the level up at once and down slowly", () => {
  const words = new LevelWords();
  assert.equal(words.read(-120), "no sound");
  assert.equal(words.read(-20), "good level");
  assert.equal(words.read(-60), "good level", "a pause between two words");
  for (let i = 0; i < 15; i += 1) words.read(-60);
  assert.equal(words.read(-60), "quiet");
  assert.equal(words.read(-2), "too loud");
});

test("only digital silence is a dead microphone", () => {
  assert.deepEqual([-120, -91, -80].map(isDead), [true, true, false]);
});
