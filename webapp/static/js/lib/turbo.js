/** What the pages use of Turbo, which the frame loads before this (typed by hand: its package has no types). */

/**
 * @typedef {object} Turbo
 * @property {(html: string) => void} renderStreamMessage
 * @property {(path: string) => void} visit
 * @property {(current: Element, wanted: Element) => void} morphElements
 */

const turbo = /** @type {Turbo} */ (/** @type {any} */ (globalThis).Turbo);

export const { morphElements, renderStreamMessage, visit } = turbo;
