import { EMOTIONS, formatPercent } from "./faces.js";

export const TIMELINE_S = 300;

/** Mean scores of the first face for each of the last 300 seconds, in a ring buffer of fixed size. */
export class Timeline {
  #ring = new Array(TIMELINE_S).fill(null);

  /** Add one result at a time in milliseconds. */
  add(atMs, faces, { ageMs = null, dropped = 0 } = {}) {
    const entry = this.#entry(Math.floor(atMs / 1000));
    entry.results += 1;
    entry.faces = Math.max(entry.faces, faces.length);
    entry.dropped += dropped;
    if (ageMs !== null) entry.ageMs = ageMs;
    if (faces.length === 0) return;
    const [first] = faces;
    entry.withFace += 1;
    entry.reliable += first.reliable ? 1 : 0;
    EMOTIONS.forEach((emotion, index) => {
      entry.sums[index] += first.probabilities[emotion];
    });
  }

  /** The last 300 seconds, oldest first; null for a second without a result. */
  seconds(nowMs) {
    const last = Math.floor(nowMs / 1000);
    return Array.from({ length: TIMELINE_S }, (_, index) => {
      const second = last - TIMELINE_S + 1 + index;
      const entry = this.#ring[second % TIMELINE_S];
      return entry?.second === second ? summarize(entry) : null;
    });
  }

  #entry(second) {
    const current = this.#ring[second % TIMELINE_S];
    if (current?.second === second) return current;
    const sums = new Float64Array(EMOTIONS.length);
    const entry = { second, results: 0, faces: 0, withFace: 0, reliable: 0, dropped: 0, ageMs: null, sums };
    this.#ring[second % TIMELINE_S] = entry;
    return entry;
  }
}

function summarize(entry) {
  const { second, results, faces, dropped, ageMs } = entry;
  if (entry.withFace === 0) return { second, results, faces, dropped, ageMs, emotion: null };
  const mean = [...entry.sums].map((sum) => sum / entry.withFace);
  const best = mean.indexOf(Math.max(...mean));
  return {
    second,
    results,
    faces,
    dropped,
    ageMs,
    emotion: EMOTIONS[best],
    confidence: mean[best],
    reliable: 2 * entry.reliable >= entry.withFace,
    probabilities: Object.fromEntries(EMOTIONS.map((emotion, index) => [emotion, mean[index]])),
  };
}

/** The share of time of each emotion, largest first, for example `happy 60% · uncertain 40%`. */
export function describeShares(seconds) {
  const withFace = seconds.filter((second) => second?.emotion);
  if (withFace.length === 0) return "No face in the last five minutes";
  const counts = new Map();
  for (const { emotion, reliable } of withFace) {
    const name = reliable ? emotion : "uncertain";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${formatPercent(count / withFace.length)}`)
    .join(" · ");
}

/** One second of the timeline, for example `12 s ago: happy 95%`. */
export function describeSecond(second, agoS) {
  const ago = agoS < 60 ? `${agoS} s ago` : `${Math.floor(agoS / 60)} min ${agoS % 60} s ago`;
  if (!second) return `${ago}: no result`;
  if (!second.emotion) return `${ago}: no face`;
  const emotion = second.reliable ? second.emotion : `uncertain (${second.emotion})`;
  return `${ago}: ${emotion} ${formatPercent(second.confidence)}`;
}
