/** This browser's camera. */

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 } };

/** Return a running stream; throws what `getUserMedia` throws. */
export function openWebcam(deviceId) {
  const video = deviceId ? { ...WANTED, deviceId: { exact: deviceId } } : { ...WANTED, facingMode: "user" };
  return navigator.mediaDevices.getUserMedia({ video, audio: false });
}

export function closeStream(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** The cameras that there are; their names are known once one was allowed. */
export async function listWebcams() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
}

const LONGEST_SIDE = 960;
const QUALITY = 0.85;

/** Makes JPEGs of what a video shows, small enough to send many a second. */
export class Grabber {
  #canvas = document.createElement("canvas");

  /** Return a JPEG of the moment and its size; null where the video shows nothing yet. */
  async grab(video) {
    if (!video.videoWidth) return null;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
    const width = Math.round(video.videoWidth * scale);
    const height = Math.round(video.videoHeight * scale);
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#canvas.getContext("2d").drawImage(video, 0, 0, width, height);
    return new Promise((done) => this.#canvas.toBlob(done, "image/jpeg", QUALITY));
  }
}
