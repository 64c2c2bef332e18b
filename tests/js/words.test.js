import assert from "node:assert/strict";
import { test } from "node:test";

/** The module as a document in this language loads it. @param {string} language @param {object | null} words */
async function load(language, words) {
  const block = words && { textContent: JSON.stringify(words) };
  globalThis.document = /** @type {any} */ ({ documentElement: { lang: language }, getElementById: () => block });
  const module = await import(`../../webapp/static/js/lib/words.js?${Math.random()}`);
  delete globalThis.document;
  return module;
}

test("an English document needs no words", async () => {
  const { t, nt, number } = await load("en", null);
  assert.equal(t("Back."), "Back.");
  assert.equal(t("Play {title}", { title: "{x}" }), "Play {x}");
  assert.equal(t("Play {title}"), "Play {title}");
  assert.deepEqual(
    [0, 1, 2].map((count) => nt("{count} hour", "{count} hours", count)),
    ["0 hours", "1 hour", "2 hours"],
  );
  assert.equal(number(0.2), "0.2");
});

test("another one has them before anything asks", async () => {
  const { t, nt, number } = await load("de", {
    "Play {title}": "{title} abspielen",
    "{count} hour": { one: "{count} Stunde", other: "{count} Stunden" },
  });
  assert.equal(t("Play {title}", { title: "Talk" }), "Talk abspielen");
  assert.deepEqual(
    [0, 1, 2].map((count) => nt("{count} hour", "{count} hours", count)),
    ["0 Stunden", "1 Stunde", "2 Stunden"],
  );
  assert.equal(t("Not there yet"), "Not there yet");
  assert.equal(number(0.2), "0,2");
});
