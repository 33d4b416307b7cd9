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
