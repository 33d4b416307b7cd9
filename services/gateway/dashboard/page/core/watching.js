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
