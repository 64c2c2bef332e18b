/**
 * A text for people in the language of the page. Texts are written in English, in the code.
 * @param {string} text With {name} where a value stands.
 * @param {Record<string, string | number>} [values]
 */
export function t(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
