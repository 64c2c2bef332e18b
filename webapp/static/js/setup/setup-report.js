/** @typedef {"waiting" | "running" | "well" | "trouble" | "skipped"} LineState */
/** @typedef {{name: string, state: string, words: string}} ReportLine */

/**
 * Writes the report for whoever helps: nothing secret, and no address but the server's own.
 * @param {{at: Date, page: string, browser: string, lines: ReportLine[]}} found
 */
export function report({ at, page, browser, lines }) {
  const width = Math.max(...lines.map(({ name }) => name.length));
  return [
    "Stillair, check of a set-up",
    "",
    `When: ${at.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    `Page: ${page}`,
    `Browser: ${browser}`,
    "",
    ...lines.map(({ name, state, words }) => `${name.padEnd(width)}  ${state}${words ? ` ${words}` : ""}`),
    "",
  ].join("\n");
}
