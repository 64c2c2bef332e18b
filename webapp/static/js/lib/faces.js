/** Draws names and faces like the server does (webapp/ui/svg.py). */

/** @param {string} name */
export function initials(name) {
  const words = name
    .split(/\s+/u)
    .filter((word) => /^[\p{L}\p{N}]/u.test(word))
    .map((word) => [...word][0]);
  if (!words.length) return ([...name.trim()][0] ?? "").toUpperCase();
  return (words[0] + (words.length > 1 ? words[words.length - 1] : "")).toUpperCase();
}

/** @param {string} name */
export const tint = (name) => ([...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 6) + 1;

/**
 * @param {HTMLElement} face @param {string} name @param {string | null} [avatar] Address of a picture in place of the initials.
 */
function drawFace(face, name, avatar) {
  const others = [...face.classList].filter((css) => !/^face--\d$/.test(css));
  face.className = [...others, `face--${tint(name)}`].join(" ");
  if (avatar) face.replaceChildren(Object.assign(new Image(), { src: avatar, alt: "" }));
  else face.textContent = initials(name);
}

/**
 * Changes somebody's name and picture wherever the page has `data-name-of` or `data-face-of`.
 * @param {string} username @param {string} name @param {string | null} avatar
 */
export function rename(username, name, avatar) {
  const selector = (/** @type {string} */ kind) => `[data-${kind}-of="${CSS.escape(username)}"]`;
  for (const place of document.querySelectorAll(selector("name"))) place.textContent = name;
  for (const face of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector("face"))))
    drawFace(face, name, avatar);
}
