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
