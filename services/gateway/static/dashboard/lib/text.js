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

/** Why this browser's camera can't be used, in words: headline and what to do. */

const REASONS = {
  NotAllowedError: [
    "The camera was not allowed",
    "Allow it for this page, by the camera sign in the address bar or in the system's privacy settings, and start again.",
  ],
  NotFoundError: ["No camera was found", "Connect one and start again."],
  NotReadableError: [
    "The camera is busy",
    "Another program or page uses it. Close that and start again. On Windows a webcam serves one program at a time.",
  ],
  AbortError: ["The camera could not be started", "Unplug it and plug it in again, then start again."],
  OverconstrainedError: ["This camera is gone", "Choose another one and start again."],
  SecurityError: ["This browser forbids cameras", "Its settings or an administrator's policy say so."],
};

export function webcamProblem(error) {
  return REASONS[error?.name] ?? ["The camera could not be started", String(error?.message ?? error)];
}

/** Why the page may not ask at all; null where it may. */
export function whyNoWebcam({ isSecureContext, hasMediaDevices, port }) {
  if (!isSecureContext) {
    return [
      "Browsers give their camera only to pages on localhost or HTTPS",
      `This page came over plain HTTP from another machine. Open http://localhost${port ? `:${port}` : ""} on the machine that ` +
        "runs the gateway, or put HTTPS before it. The other tabs work as they are.",
    ];
  }
  return hasMediaDevices ? null : ["This browser gives pages no camera", "Try another browser."];
}

/** Who is watching, in words; `cameras` is what `/cameras` tells, null where that isn't known now. */
export function watchingWords(cameras, webcamIsOn) {
  const online = cameras?.filter(({ state }) => state === "online").length;
  if (!online && webcamIsOn) return "This browser’s camera is watching.";
  if (online === undefined) return "A camera may be watching.";
  if (online === 0) return "No camera is watching now.";
  const others = online === 1 ? "A camera" : `${online} cameras`;
  if (webcamIsOn) return `${others} and this browser’s camera are watching.`;
  return `${others} ${online === 1 ? "is" : "are"} watching.`;
}

/** A time as people read it from afar. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1500) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`;
}

export function many(count) {
  return count.toLocaleString("en");
}
