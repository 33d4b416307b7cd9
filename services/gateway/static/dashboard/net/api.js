const TIMEOUT_MS = 6000;

/** The gateway didn't answer at all. */
export class GatewayGone extends Error {}

/** The gateway answered that it can't; `problem` is its problem object (RFC 9457). */
export class Refused extends Error {
  constructor(status, problem) {
    super(String(problem?.detail ?? problem?.title ?? status));
    this.status = status;
    this.problem = problem ?? {};
  }
}

/** Ask an address, relative to this page, and return the JSON object of its answer. */
export async function ask(path, { method = "GET", body, type, timeoutMs = TIMEOUT_MS } = {}) {
  const headers = {};
  const key = keyStore.get();
  if (key) headers["X-API-Key"] = bytesOf(key);
  if (type) headers["Content-Type"] = type;
  let answer;
  let found;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    answer = await fetch(new URL(path, document.baseURI), { method, body, headers, signal, cache: "no-store" });
    found = await answer.json().catch((error) => {
      if (error instanceof SyntaxError) return null;
      throw error;
    });
  } catch (error) {
    throw new GatewayGone(String(error));
  }
  if (answer.ok && found) return found;
  // What isn't ours comes from a proxy whose gateway is gone.
  if (!found && (answer.ok || [502, 503, 504].includes(answer.status))) throw new GatewayGone(String(answer.status));
  throw new Refused(answer.status, found);
}

/** A text as headers carry it: each character a byte of its UTF-8. */
function bytesOf(text) {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** The address of a WebSocket; browsers can't send headers there, so the key stands in it. */
export function socketUrl(path, parameters = {}) {
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  const key = keyStore.get();
  if (key) url.searchParams.set("key", key);
  return url;
}

const NAME = "emotion-key";

/** The API key: kept for this tab until it is closed, and nowhere else. */
export const keyStore = {
  get() {
    try {
      return sessionStorage.getItem(NAME) ?? "";
    } catch {
      return ""; // storage is forbidden
    }
  },

  set(key) {
    try {
      if (key) sessionStorage.setItem(NAME, key);
      else sessionStorage.removeItem(NAME);
    } catch {
      // then it is asked for again
    }
  },
};

const READ = ["image/jpeg", "image/png", "image/webp"];

/** The media type to send a file with: the gateway looks at its bytes where the browser isn't sure. */
export function mediaTypeToSend(type) {
  return READ.includes(type) ? type : "application/octet-stream";
}
