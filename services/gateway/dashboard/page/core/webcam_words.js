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
