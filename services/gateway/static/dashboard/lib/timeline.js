import { EMOTIONS } from "./faces.js";

export const TIMELINE_S = 300;

/** What a source showed in each of the last five minutes' seconds: a ring, so it takes the same memory after days. */
export class Timeline {
  #ring = new Array(TIMELINE_S).fill(null);

  /** Add one result, at a time in milliseconds; `faces` are as they are shown. */
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

  /** The seconds of the last five minutes, oldest first; null where there was no result. */
  seconds(nowMs) {
    const last = Math.floor(nowMs / 1000);
    return Array.from({ length: TIMELINE_S }, (_, index) => {
      const second = last - TIMELINE_S + 1 + index;
      const entry = this.#ring[second % TIMELINE_S];
      return entry?.second === second ? summary(entry) : null;
    });
  }

  #entry(second) {
    const held = this.#ring[second % TIMELINE_S];
    if (held?.second === second) return held;
    const sums = new Float64Array(EMOTIONS.length);
    const entry = { second, results: 0, faces: 0, withFace: 0, reliable: 0, dropped: 0, ageMs: null, sums };
    this.#ring[second % TIMELINE_S] = entry;
    return entry;
  }
}

function summary(entry) {
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

/** What was shown how much of the time, most first, in words. */
export function shares(seconds) {
  const seen = seconds.filter((second) => second?.emotion);
  if (seen.length === 0) return "No face in the last five minutes";
  const counts = new Map();
  for (const { emotion, reliable } of seen) {
    const name = reliable ? emotion : "uncertain";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${Math.round((100 * count) / seen.length)} %`)
    .join(" · ");
}

/** One second in words. */
export function secondInWords(second, agoS) {
  const ago = agoS < 60 ? `${agoS} s ago` : `${Math.floor(agoS / 60)} min ${agoS % 60} s ago`;
  if (!second) return `${ago}: nothing came`;
  if (!second.emotion) return `${ago}: no face`;
  const what = second.reliable ? second.emotion : `uncertain, maybe ${second.emotion}`;
  return `${ago}: ${what}, ${Math.round(100 * second.confidence)} %`;
}
