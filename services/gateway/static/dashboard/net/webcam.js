const CONSTRAINTS = { width: { ideal: 1280 }, height: { ideal: 720 } };
const MAX_SIDE = 960;
const JPEG_QUALITY = 0.85;

/** Return a running stream; throws the errors of `getUserMedia`. */
export function openWebcam(deviceId) {
  const video = deviceId ? { ...CONSTRAINTS, deviceId: { exact: deviceId } } : { ...CONSTRAINTS, facingMode: "user" };
  return navigator.mediaDevices.getUserMedia({ video, audio: false });
}

export function closeStream(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** The webcams. Their names are empty until the user has allowed access to one. */
export async function listWebcams() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
}

/** Encodes frames of a video element as JPEG, at most 960 pixels wide or high. */
export class FrameGrabber {
  #canvas = document.createElement("canvas");

  /** Return the current frame as a JPEG; null before the first frame. */
  async grab(video) {
    if (!video.videoWidth) return null;
    const scale = Math.min(1, MAX_SIDE / Math.max(video.videoWidth, video.videoHeight));
    const width = Math.round(video.videoWidth * scale);
    const height = Math.round(video.videoHeight * scale);
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#canvas.getContext("2d").drawImage(video, 0, 0, width, height);
    return new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
  }
}
