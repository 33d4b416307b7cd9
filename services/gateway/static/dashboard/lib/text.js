/** Texts of the page: problems, states, numbers. Each problem has a headline and a detail. */

const RETRYING = "Retrying…";

const DEPENDENCIES = {
  redis: ["Cameras are unavailable: Redis does not respond", "Images and the webcam still work. Retrying…"],
  detector: ["Face detection is unavailable: the detector does not respond", RETRYING],
  model: ["Emotion recognition is unavailable: the model server does not respond", RETRYING],
};

/** Headline for each problem type of the API, and a detail that replaces the API's where that is about HTTP. */
const PROBLEMS = {
  "no-fresh-frame": ["No recent frame from this camera"],
  "camera-not-found": ["Camera not found"],
  "body-too-large": ["File too large", ({ limit_bytes: limit }) => (limit ? `The limit is ${formatBytes(limit)}.` : "")],
  "image-too-large": ["Image has too many pixels"],
  "unsupported-media-type": ["Unsupported format", () => "Use a JPEG, PNG or WebP image."],
  "invalid-image": ["Image cannot be read", () => "It is damaged, or not a JPEG, PNG or WebP image."],
  "rate-limited": ["Rate limit reached"],
  overloaded: [
    "The service is overloaded",
    ({ detail = "" }) => `${withStop(detail)} Lower the cameras' frame rate, or add replicas of the detector.`.trim(),
  ],
  stopping: ["The gateway is shutting down"],
  unauthorized: ["API key required"],
  internal: ["Internal error in the gateway"],
};

/** Return `{headline, detail}` of a problem object (RFC 9457). */
export function problemText(problem) {
  const slug = String(problem?.type ?? "").split(":").at(-1);
  const detail = String(problem?.detail ?? "");
  if (slug === "dependency-unavailable" || slug === "dependency-timeout") {
    const headline = DEPENDENCIES[problem.dependency]?.[0] ?? "A service does not respond";
    return { headline: slug.endsWith("timeout") ? headline.replace("does not respond", "responds too slowly") : headline, detail };
  }
  const [headline, ownDetail] = PROBLEMS[slug] ?? [String(problem?.title ?? "Unknown error")];
  return { headline, detail: ownDetail ? ownDetail(problem) : detail };
}

/** Return `[headline, detail]` for a service that `/services` reports as down. */
export function serviceProblem(name) {
  return DEPENDENCIES[name] ?? [`The service ${name} does not respond`, RETRYING];
}

const STATE_TONES = { online: "good", failed: "bad", offline: "bad", finished: "quiet" };

export function cameraStateTone(state) {
  return STATE_TONES[state] ?? "warn";
}

/** Which cameras record now. `cameras` is the list of `/cameras`, or null while it is unknown. */
export function activeCamerasText(cameras, isWebcamOn) {
  const online = cameras?.filter(({ state }) => state === "online").length;
  if (!online && isWebcamOn) return "The webcam is active.";
  if (online === undefined) return "Cameras may be active.";
  if (online === 0) return "No camera is active.";
  const count = online === 1 ? "1 camera" : `${online} cameras`;
  if (isWebcamOn) return `${count} and the webcam are active.`;
  return `${count} ${online === 1 ? "is" : "are"} active.`;
}

const WEBCAM_ERRORS = {
  NotAllowedError: [
    "Webcam access denied",
    "Allow it in the address bar or in the system's privacy settings, then start again.",
  ],
  NotFoundError: ["No webcam found", "Connect one, then start again."],
  NotReadableError: [
    "Webcam in use",
    "Close the program or page that uses it, then start again. On Windows a webcam serves one program at a time.",
  ],
  AbortError: ["Webcam failed to start", "Unplug it, plug it in again, then start again."],
  OverconstrainedError: ["Webcam not available", "Choose another one, then start again."],
  SecurityError: ["Webcam blocked by the browser", "Check the browser's settings or ask the administrator."],
};

/** Return `[headline, detail]` for an error of `getUserMedia`. */
export function webcamErrorText(error) {
  return WEBCAM_ERRORS[error?.name] ?? ["Webcam failed to start", String(error?.message ?? error)];
}

/** Return `[headline, detail]` if this page cannot use a webcam at all, else null. */
export function webcamUnavailableText({ isSecureContext, hasMediaDevices, port }) {
  if (!isSecureContext) {
    return [
      "The webcam requires localhost or HTTPS",
      `Browsers allow webcams only on pages from localhost or over HTTPS. Open http://localhost${port ? `:${port}` : ""} on the ` +
        "machine that runs the gateway, or put an HTTPS proxy in front of it. The other tabs work over plain HTTP.",
    ];
  }
  return hasMediaDevices ? null : ["This browser has no webcam support", "Use another browser."];
}

/** A duration in milliseconds, rounded: `45 ms`, `12 s`, `3 min`. */
export function formatDuration(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1500) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`;
}

export function formatCount(count) {
  return count.toLocaleString("en");
}

function formatBytes(bytes) {
  const [unit, size] = bytes < 1_048_576 ? ["KiB", 1024] : ["MiB", 1_048_576];
  return `${Math.floor((10 * bytes) / size) / 10} ${unit}`;
}

function withStop(sentence) {
  return sentence && !sentence.endsWith(".") ? `${sentence}.` : sentence;
}
