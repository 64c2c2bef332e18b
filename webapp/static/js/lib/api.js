import { t } from "./words.js";

/** The JSON API (same origin, session cookie, CSRF token from the page). */

/** Tells why a call failed: by the server's answer, or with `status` 0 when there was none. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {any} [body] */
  constructor(status, code, message, body) {
    super(message);
    this.status = status;
    this.code = code;
    this.body = body;
  }

  /** Whether the server refused and would refuse again. Everything else is worth another try. */
  get final() {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

const csrfMeta = () => /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=csrf-token]"));

/** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
export async function call(method, path, body) {
  try {
    return await send(method, path, body);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "csrf") throw error;
    csrfMeta().content = (await send("GET", "/api/session")).csrf_token; // another tab has logged in again
    return send(method, path, body);
  }
}

/** @param {string} method @param {string} path @param {unknown} [body] */
async function send(method, path, body) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrfMeta().content };
  let response;
  try {
    // `keepalive` sends the request even if the person leaves the page right after pressing Stop.
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      keepalive: method !== "GET",
    });
  } catch {
    throw new ApiError(0, "unreachable", t("Can't reach the server."));
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new ApiError(response.status, answer?.error?.code ?? "error", answer?.error?.message ?? t("This did not work."), answer);
}

/** Returns the user name of whoever looks at this page. */
export function user() {
  return /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=user]"))?.content ?? "";
}
