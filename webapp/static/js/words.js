/**
 * A text for people in the language of the page. Texts are written in English, in the code.
 * @param {string} text With {name} where a value stands.
 * @param {Record<string, string | number>} [values]
 */
export function t(text, values = {}) {
  return fillIn(text, values);
}

/**
 * One of two texts, by a number, which is {count} in them.
 * @param {string} one @param {string} other @param {number} count @param {Record<string, string | number>} [values]
 */
export function nt(one, other, count, values = {}) {
  return fillIn(count === 1 ? one : other, { count, ...values });
}

/** @param {string} text @param {Record<string, string | number>} values */
function fillIn(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** As people of the page's language write it: 0.2 or 0,2. @param {number} value @returns {string} */
export const number = (value) => value.toLocaleString(document.documentElement.lang || "en");
