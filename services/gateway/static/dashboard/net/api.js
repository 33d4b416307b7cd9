const TIMEOUT_MS = 6000;
const KEY_NAME = "emotion-key";
const IMAGE_TYPES = ["image/jpeg", "image/png", "image/webp"];

/** The gateway did not respond. */
export class GatewayUnreachableError extends Error {}

/** The gateway responded with a problem object (RFC 9457). */
export class ProblemError extends Error {
  constructor(status, problem) {
    super(String(problem?.detail ?? problem?.title ?? status));
    this.status = status;
    this.problem = problem ?? {};
  }
}

/**
 * Request a path relative to this page, and return the JSON object of the response.
 *
 * Throws `GatewayUnreachableError` or `ProblemError`.
 */
export async function request(path, { method = "GET", body, type, timeoutMs = TIMEOUT_MS } = {}) {
  const headers = {};
  const key = apiKey.get();
  if (key) headers["X-API-Key"] = utf8Bytes(key);
  if (type) headers["Content-Type"] = type;
  let response;
  let object;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    response = await fetch(new URL(path, document.baseURI), { method, body, headers, signal, cache: "no-store" });
    object = await response.json().catch((error) => {
      if (error instanceof SyntaxError) return null;
      throw error;
    });
  } catch (error) {
    throw new GatewayUnreachableError(String(error));
  }
  if (response.ok && object) return object;
  // A response without JSON comes from a proxy that does not reach the gateway.
  if (!object && (response.ok || [502, 503, 504].includes(response.status))) throw new GatewayUnreachableError(String(response.status));
  throw new ProblemError(response.status, object);
}

/** Encode a text for a header: each character stands for one byte of its UTF-8. */
function utf8Bytes(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** The URL of a WebSocket. Browsers cannot send headers with WebSockets, so the key is a query parameter. */
export function socketUrl(path, parameters = {}) {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  const key = apiKey.get();
  if (key) url.searchParams.set("key", key);
  return url;
}

/** The API key, in `sessionStorage`: for this tab, until it is closed. */
export const apiKey = {
  get() {
    try {
      return sessionStorage.getItem(KEY_NAME) ?? "";
    } catch {
      return ""; // the browser blocks storage
    }
  },

  set(key) {
    try {
      if (key) sessionStorage.setItem(KEY_NAME, key);
      else sessionStorage.removeItem(KEY_NAME);
    } catch {
      // without storage the key is requested again
    }
  },
};

/** The `Content-Type` to upload a file with. For other types the gateway detects the format from the bytes. */
export function uploadType(type) {
  return IMAGE_TYPES.includes(type) ? type : "application/octet-stream";
}
