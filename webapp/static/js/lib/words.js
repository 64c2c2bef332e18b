/**
 * The texts of this document in its language, from webapp/i18n; none when it is in English. Turbo loads the document anew
 * when the language changes.
 * @type {Record<string, string | Record<string, string>>}
 */
const words = JSON.parse(globalThis.document?.getElementById("script-words")?.textContent ?? "{}");

const language = globalThis.document?.documentElement.lang || "en";
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/**
 * Returns a text in the language of the page. The texts are written in English in the code.
 * @param {string} text With {name} where a value stands.
 * @param {Record<string, string | number>} [values]
 */
export function t(text, values = {}) {
  return fillIn(String(words[text] ?? text), values);
}

/**
 * Returns one of two texts, chosen by a number that they contain as {count}.
 * @param {string} one @param {string} other @param {number} count @param {Record<string, string | number>} [values]
 */
export function nt(one, other, count, values = {}) {
  const forms = /** @type {Record<string, string>} */ (words[one] ?? { one, other });
  return fillIn(forms[plurals.select(count)] ?? forms.other, { count, ...values });
}

/** Formats a number for the language: 0.2 or 0,2. @param {number} value @returns {string} */
export const number = (value) => numbers.format(value);

/** @param {string} text @param {Record<string, string | number>} values */
function fillIn(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
