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

const DWELL_MS = 400;

/** Keeps what a face is said to show from flickering: it changes once something else has held for a moment. */
export class Steadiness {
  #known = new Map();

  /** Return the faces of one answer as they are told; faces without an id, of single images, stay as they are. */
  settle(faces, now) {
    const before = this.#known;
    this.#known = new Map(); // of faces that have gone nothing is kept
    return faces.map((face) => {
      if (!face.id) return face;
      const told = next(before.get(face.id), face, now);
      this.#known.set(face.id, told);
      return { ...face, emotion: told.emotion, reliable: told.reliable, confidence: face.probabilities[told.emotion] };
    });
  }
}

function next(told, face, now) {
  const { emotion, reliable } = face;
  if (!told) return { emotion, reliable, otherSince: null };
  if (told.emotion === emotion && told.reliable === reliable) return { emotion, reliable, otherSince: null };
  const otherSince = told.otherSince ?? now;
  return now - otherSince < DWELL_MS ? { ...told, otherSince } : { emotion, reliable, otherSince: null };
}
