import { t } from "../lib/words.js";

const ALL_DB = 100;

/**
 * Connects the presets and the slider for how much noise is removed at most. The slider's last step is "all of it".
 * @param {HTMLElement} root @param {number} start dB @param {(db: number) => void} changed
 */
export function bindStrength(root, start, changed) {
  const slider = /** @type {HTMLInputElement} */ (root.querySelector("#db"));
  const words = /** @type {HTMLOutputElement} */ (root.querySelector("output[for=db]"));
  const presets = /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll("[name=strength]")]);

  /** @param {number} db */
  function show(db) {
    slider.value = String(db >= ALL_DB ? slider.max : db);
    words.value = db >= ALL_DB ? t("all of it") : `${db} dB`;
    slider.setAttribute("aria-valuetext", words.value);
    for (const preset of presets) preset.checked = Number(preset.value) === db;
  }

  /** @param {number} db */
  function set(db) {
    show(db);
    changed(db);
  }

  slider.addEventListener("input", () => set(slider.value === slider.max ? ALL_DB : Number(slider.value)));
  for (const preset of presets) preset.addEventListener("change", () => set(Number(preset.value)));
  show(start);
}
