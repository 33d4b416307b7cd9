/** The seven emotions, in the order that the API gives them in. */
export const EMOTIONS = Object.freeze(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]);

/** What a face shows: smoothed over its last frames where the API tells that, else as of this image. */
export function shownFace(face) {
  const probabilities = face.smoothed ?? face.probabilities;
  const emotion = EMOTIONS.reduce((best, one) => (probabilities[one] > probabilities[best] ? one : best));
  return {
    id: face.face_id,
    box: face.box,
    probabilities,
    emotion,
    confidence: probabilities[emotion],
    reliable: face.reliable && face.emotion === emotion,
  };
}

/** The faces of an answer. Those with ids keep their order from frame to frame, whoever the detector is surest of. */
export function shownFaces(answer) {
  return answer.faces.map(shownFace).sort((one, other) => numberOf(one.id) - numberOf(other.id));
}

function numberOf(id) {
  return id ? Number(id.slice(id.lastIndexOf("-") + 1)) || 0 : 0;
}

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** What stands beside a box; a question mark where the model isn't sure. Of several faces, a number and no score. */
export function label(face, number) {
  const emotion = `${face.emotion}${face.reliable ? "" : "?"}`;
  return number ? `${number} ${emotion}` : `${emotion} ${percent(face.confidence)}`;
}

/** An answer in one sentence, for those who don't see it. */
export function sentence(faces) {
  if (faces.length === 0) return "No face found";
  const each = faces.map((face) =>
    face.reliable ? `${face.emotion} ${percent(face.confidence)}` : `uncertain, maybe ${face.emotion}`,
  );
  return `${faces.length === 1 ? "One face" : `${faces.length} faces`}: ${each.join("; ")}`;
}
