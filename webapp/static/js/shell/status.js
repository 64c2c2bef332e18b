import { t } from "../lib/words.js";

/** Says what is going on in a few sentences, for people who cannot see the page. @param {import("../app.js").App} app */
export function status({ studio, listening, player }) {
  const own = visible("[data-view=live] .state [data-sentence]", "[data-fill=listening]");
  const heard =
    listening?.connection &&
    t(listening.paused ? "Paused: {name}, {title}." : "Listening to {name}: {title}.", {
      name: listening.name,
      title: listening.stream?.title ?? "",
    });
  const sentences = [
    own || t(studio?.onAir ? "You are live." : "You are not live."),
    heard,
    heard && visible("[data-view=listen] .badge"),
    player.playing && t("A recording is playing."),
    t("Friends live: {count}.", { count: document.getElementById("live-count")?.textContent ?? "0" }),
  ];
  return sentences.filter(Boolean).join(" ");
}

/** Returns the visible text of these elements. @param {...string} selectors */
function visible(...selectors) {
  const places = selectors.flatMap((selector) => [
    .../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector)),
  ]);
  return places
    .filter((place) => !place.closest("[hidden]"))
    .map((place) => `${place.textContent?.trim()}.`)
    .join(" ");
}
