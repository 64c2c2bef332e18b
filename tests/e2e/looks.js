/* What looks.py asks of a page as it is now; each answer is a list of what is wrong. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one scope, so that nothing of it is global in the page
globalThis.looks = (() => {
  const all = (selector) =>
    [...document.querySelectorAll(selector)].filter(
      (e) =>
        !e.closest(".visually-hidden, .skip") && e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }),
    );
  const style = (e, part) => getComputedStyle(e, part);
  const code = (what, ...elements) => [what, ...elements.map((e) => e.outerHTML.replace(/\s+/g, " ").slice(0, 120))].join(" ");

  /** Text that is cut off, controls that cover each other. The player alone may cut a title; menus, and what sticks to an edge, lie on the page by design. */
  function cramped() {
    const clips = (e) =>
      ["hidden", "clip"].includes(style(e).overflowX) || e.matches(".btn, .badge, .seg > *, summary, h1, h2, h3");
    const cut = all("body *:not(.player__name, .player__name *)").filter(
      (e) =>
        // biome-ignore lint/performance/useDomNodeTextContent: text that is not shown cannot be cut off
        e.innerText?.trim() &&
        e.clientWidth &&
        clips(e) &&
        (e.scrollWidth > e.clientWidth + 1 || (style(e).overflowY !== "visible" && e.scrollHeight > e.clientHeight + 1)),
    );
    const controls = all("button, a, summary, select, label:has(input), input:not([type=radio], [type=checkbox], label input)")
      .filter((e) => !e.closest(".menu__list, .hold--stick, .players, .frame > nav"))
      .map((e) => ({ e, box: e.getBoundingClientRect() }));
    const overlap = (a, b) =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
    const covered = controls.flatMap((one, i) =>
      controls
        .slice(i + 1)
        .filter((other) => !one.e.contains(other.e) && !other.e.contains(one.e) && overlap(one.box, other.box))
        .map((other) => code("on top of each other:", one.e, other.e)),
    );
    return [...cut.map((e) => code("cut off:", e)), ...covered];
  }

  /** Whoever sees no colours of ours still sees what is chosen, what can be pressed, and where the keyboard is. */
  function colourless() {
    const alike = (a, b) => a && b && style(a).backgroundColor === style(b).backgroundColor;
    const on = ":has(input:checked), [aria-current]";
    const chosen = all(".seg")
      .map((group) => [...group.children])
      .filter((choices) =>
        alike(
          choices.find((e) => e.matches(on)),
          choices.find((e) => !e.matches(on)),
        ),
      )
      .map(([first]) => first);
    const pressed = all("[aria-pressed=true]").filter((e) => all("[aria-pressed=false]").some((other) => alike(e, other)));
    const edgeless = all(".btn, .input").filter((e) => style(e).borderTopStyle === "none");
    // biome-ignore lint/performance/useDomNodeTextContent: words that are not shown do not count
    const wordless = all(".live, .badge, .state").filter((e) => !e.innerText.trim());
    const ringless = all("button, a[href], summary, select, input").filter((e) => {
      e.focus({ preventScroll: true });
      return (
        document.activeElement === e && [e, e.closest("label")].every((each) => !each || style(each).outlineStyle === "none")
      );
    });
    document.activeElement?.blur();
    return Object.entries({ chosen, pressed, edgeless, wordless, ringless }).flatMap(([what, elements]) =>
      elements.map((e) => code(`${what}:`, e)),
    );
  }

  /** What would move by itself or slide, where the person has asked for no motion. */
  function moving() {
    const ms = (time) => parseFloat(time) * (time.endsWith("ms") ? 1 : 1000);
    const moves = ({ transitionDuration, animationName }) =>
      animationName !== "none" || transitionDuration.split(",").some((time) => ms(time.trim()) > 1);
    return all("body *")
      .filter((e) => [null, "::before", "::after"].some((part) => moves(style(e, part))))
      .map((e) => code("moves:", e));
  }

  return { cramped, colourless, moving };
})();
