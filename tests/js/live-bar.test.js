import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { documentElement: { lang: "en" }, getElementById: () => null };
const { sentence } = await import("../../webapp/static/js/shell/live-bar.js");

test("people who went live at once are one sentence", () => {
  assert.equal(sentence(["Marta"]), "Marta is live");
  assert.equal(sentence(["Marta", "Nora"]), "Marta and Nora are live");
  assert.equal(sentence(["Marta", "Nora", "Ida"]), "Marta, Nora, and Ida are live");
  assert.equal(sentence(["Marta", "Nora", "Ida", "Per", "Eva"]), "Marta, Nora, Ida and 2 more are live");
});
