/** What people are told, in one place: headline and advice. Details from the API stand after it, as text. */

const DEPENDENCIES = {
  redis: ["Cameras can't be seen: Redis doesn't answer", "Images and this browser's camera still work."],
  detector: ["No faces are found: the detector doesn't answer", "It is tried again all the time."],
  model: ["No emotions are told: the model server doesn't answer", "It is tried again all the time."],
};

const PROBLEMS = {
  "no-fresh-frame": "No picture comes from this camera",
  "camera-not-found": "This camera is no longer known",
  "body-too-large": "The image is too large",
  "image-too-large": "The image has too many pixels",
  "unsupported-media-type": "Only JPEG, PNG and WebP images can be read",
  "invalid-image": "This is no image that can be read",
  "rate-limited": "Too many requests: the gateway asks to go slower",
  overloaded: "The gateway is at its limit",
  stopping: "The gateway is stopping",
  unauthorized: "The gateway asks for a key",
  internal: "The gateway failed",
};

const slug = (problem) => String(problem?.type ?? "").split(":").at(-1);

/** Return `{headline, detail}` of a problem object (RFC 9457). */
export function problemWords(problem) {
  const kind = slug(problem);
  const detail = String(problem?.detail ?? "");
  if (kind === "dependency-unavailable" || kind === "dependency-timeout") {
    const name = String(problem.dependency ?? "");
    const headline = DEPENDENCIES[name]?.[0] ?? "A service doesn't answer";
    return { headline: kind.endsWith("timeout") ? headline.replace("doesn't answer", "is too slow") : headline, detail };
  }
  return { headline: PROBLEMS[kind] ?? String(problem?.title ?? "Something went wrong"), detail };
}

/** Return what stands in the banner for a service that `/services` says is down. */
export function serviceWords(name) {
  return DEPENDENCIES[name] ?? [`The service ${name} doesn't answer`, "It is tried again all the time."];
}

const CAMERA_STATES = {
  online: ["live", "good"],
  waiting: ["waiting", "warn"],
  reconnecting: ["reconnecting", "warn"],
  failed: ["failed", "bad"],
  ended: ["ended", "quiet"],
  offline: ["offline", "bad"],
};

/** Return a camera state's word and its tone. */
export function cameraState(state) {
  return CAMERA_STATES[state] ?? [String(state), "warn"];
}
