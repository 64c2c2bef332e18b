import { ApiError, call } from "../lib/api.js";
import { fill } from "../lib/states.js";
import { t } from "../lib/words.js";

/**
 * How a browser makes a passkey and how it shows one. It signs the address of the page, too, so the answer is of no use elsewhere.
 * @type {Record<string, () => Promise<Credential | null>>}
 */
const KINDS = {
  create: async () => {
    const { options } = await call("POST", "/api/passkeys/creation-options");
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  },
  get: async () => {
    const { options } = await call("POST", "/api/passkeys/request-options");
    return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  },
};

/** Shows the buttons for passkeys where these work, else why they do not. @param {HTMLElement} root */
export function mount(root) {
  const works =
    location.origin === root.dataset.origin && "parseRequestOptionsFromJSON" in (globalThis.PublicKeyCredential ?? {});
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-with-passkeys]"))) part.hidden = !works;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-without-passkeys]")))
    part.hidden = works;
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (root.querySelectorAll("[data-passkey]"))) {
    button.hidden = !works;
    button.addEventListener("click", () => send(button));
  }
  return () => {};
}

/** Sends the form of a button, with the passkey in the hidden field before it. @param {HTMLButtonElement} button */
async function send(button) {
  const form = /** @type {HTMLFormElement} */ (button.form);
  const field = /** @type {HTMLInputElement} */ (button.previousElementSibling);
  if (!form.reportValidity()) return;
  explain(button, "");
  button.disabled = true;
  try {
    field.value = JSON.stringify(await KINDS[button.dataset.passkey ?? ""]());
    form.requestSubmit();
  } catch (error) {
    explain(button, words(error));
  }
  button.disabled = false;
}

/** @param {HTMLButtonElement} button @param {string} text */
function explain(button, text) {
  const place = /** @type {HTMLElement} */ (button.nextElementSibling);
  place.hidden = !text;
  fill(place, "problem", text);
}

/** @param {unknown} error */
function words(error) {
  if (error instanceof ApiError) return error.message;
  const name = error instanceof DOMException ? error.name : "";
  if (name === "InvalidStateError") return t("This device has a passkey for your account already.");
  if (name === "NotAllowedError") return t("No passkey was used. Nothing was changed. Try again, or go on without one.");
  return t("Your browser could not use a passkey. Nothing was changed.");
}
