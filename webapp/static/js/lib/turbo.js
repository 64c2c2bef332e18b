/** The part of Turbo that pages use. The frame loads Turbo first; the types are ours, because its package has none. */

/**
 * @typedef {object} Turbo
 * @property {(html: string) => void} renderStreamMessage
 * @property {(path: string) => void} visit
 * @property {(current: Element, wanted: Element) => void} morphElements
 */

const turbo = /** @type {Turbo} */ (/** @type {any} */ (globalThis).Turbo);

export const { morphElements, renderStreamMessage, visit } = turbo;
