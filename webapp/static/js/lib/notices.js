/**
 * Shows the notices of one part of a page. The part brings them as `<template data-notice="name">`, and a live region for them.
 */
export class Notices {
  /** @type {Map<string, Element>} */
  #shown = new Map();

  /** @param {HTMLElement} root It also receives presses on `data-do` in a notice. */
  constructor(root) {
    this.root = root;
    this.place = /** @type {HTMLElement} */ (root.querySelector("[data-notices]"));
  }

  /** @param {string} name @param {string} [title] Replaces the template's first sentence. */
  show(name, title) {
    const old = this.#shown.get(name);
    if (old) {
      if (title) fillTitle(old, title);
      return;
    }
    const template = /** @type {HTMLTemplateElement | null} */ (this.root.querySelector(`template[data-notice="${name}"]`));
    const notice = /** @type {Element | null | undefined} */ (template?.content.firstElementChild?.cloneNode(true));
    if (!notice) return;
    if (title) fillTitle(notice, title);
    this.#shown.set(name, notice);
    this.place.append(notice);
  }

  /** @param {string} name */
  hide(name) {
    this.#shown.get(name)?.remove();
    this.#shown.delete(name);
  }

  /** Shows exactly these notices. @param {string[]} names @param {Record<string, string>} [titles] */
  only(names, titles = {}) {
    for (const name of this.#shown.keys()) if (!names.includes(name)) this.hide(name);
    for (const name of names) this.show(name, titles[name]);
  }
}

/** @param {Element} notice @param {string} title */
function fillTitle(notice, title) {
  const heading = notice.querySelector("[data-heading]");
  if (heading && heading.textContent !== title) heading.textContent = title;
}
