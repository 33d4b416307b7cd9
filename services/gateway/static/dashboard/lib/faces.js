const HOLD_MS = 400;

/** The seven emotions, in the order of the API. */
export const EMOTIONS = Object.freeze(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]);

/** A face as the page displays it. Smoothed scores are used if the API sends them, else those of the image. */
function displayFace(face) {
  const probabilities = face.smoothed ?? face.probabilities;
  const emotion = EMOTIONS.reduce((best, name) => (probabilities[name] > probabilities[best] ? name : best));
  return {
    id: face.face_id,
    box: face.box,
    probabilities,
    emotion,
    confidence: probabilities[emotion],
    reliable: face.reliable && face.emotion === emotion,
  };
}

/** The faces of an API response. Tracked faces are ordered by id, so that they keep their place from frame to frame. */
export function displayFaces(response) {
  return response.faces.map(displayFace).sort((a, b) => trackNumber(a.id) - trackNumber(b.id));
}

function trackNumber(id) {
  return id ? Number(id.slice(id.lastIndexOf("-") + 1)) || 0 : 0;
}

export function formatPercent(fraction) {
  return `${Math.round(fraction * 100)}%`;
}

/** The label of a box. With several faces it has a number and no score; a question mark means "not reliable". */
export function boxLabel(face, number) {
  const emotion = `${face.emotion}${face.reliable ? "" : "?"}`;
  return number ? `${number} ${emotion}` : `${emotion} ${formatPercent(face.confidence)}`;
}

/** One sentence for screen readers. */
export function describeFaces(faces) {
  if (faces.length === 0) return "No face detected";
  const each = faces.map((face) =>
    face.reliable ? `${face.emotion} ${formatPercent(face.confidence)}` : `uncertain (${face.emotion})`,
  );
  return `${faces.length === 1 ? "1 face" : `${faces.length} faces`}: ${each.join("; ")}`;
}

/** Debounces the displayed emotion of each tracked face: it changes after another one has lasted for `HOLD_MS`. */
export class EmotionDebouncer {
  #states = new Map();

  /** Return the faces with their debounced emotion. Faces without an id are returned unchanged. */
  update(faces, now) {
    const previous = this.#states;
    this.#states = new Map(); // drops faces that are gone
    return faces.map((face) => {
      if (!face.id) return face;
      const state = nextState(previous.get(face.id), face, now);
      this.#states.set(face.id, state);
      return { ...face, emotion: state.emotion, reliable: state.reliable, confidence: face.probabilities[state.emotion] };
    });
  }
}

function nextState(state, { emotion, reliable }, now) {
  if (!state) return { emotion, reliable, changedAt: null };
  if (state.emotion === emotion && state.reliable === reliable) return { emotion, reliable, changedAt: null };
  const changedAt = state.changedAt ?? now;
  return now - changedAt < HOLD_MS ? { ...state, changedAt } : { emotion, reliable, changedAt: null };
}
