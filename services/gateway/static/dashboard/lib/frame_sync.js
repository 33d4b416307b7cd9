const MAX_QUEUED_FRAMES = 24;
const STALE_MS = 700;

/**
 * Pairs video frames with results, so that boxes are drawn on the frame that they belong to.
 *
 * A frame waits until its result, or a later one, arrives. If results stop, frames are shown without them; if frames
 * stop, results are. The queue is bounded: the oldest frame is shown if results are more than 24 frames late.
 */
export class FrameSync {
  #frames = [];
  #frameAt = -Infinity;
  #result = null;
  #resultId = null;
  #resultAt = -Infinity;

  /** Both methods return what to show now, `{frame, result}`, either of them null; or null if nothing changes. */
  addFrame(id, frame, now) {
    this.#frames.push({ id, frame });
    this.#frameAt = now;
    const oldest = this.#frames.length > MAX_QUEUED_FRAMES ? this.#frames.shift() : null;
    return this.#nextPair(now) ?? (oldest && { frame: oldest.frame, result: this.#result });
  }

  addResult(id, result, now) {
    this.#result = result;
    this.#resultId = id;
    this.#resultAt = now;
    if (now - this.#frameAt > STALE_MS) return { frame: null, result };
    return this.#nextPair(now);
  }

  #nextPair(now) {
    if (now - this.#resultAt > STALE_MS) {
      const newest = this.#frames.at(-1);
      this.#frames = [];
      return newest ? { frame: newest.frame, result: null } : null;
    }
    const index = this.#frames.findLastIndex(({ id }) => !isNewer(id, this.#resultId));
    if (index < 0) return null;
    const { frame } = this.#frames[index];
    this.#frames.splice(0, index + 1);
    return { frame, result: this.#result };
  }
}

/** Compare two frame ids. They are Redis stream ids: milliseconds and a sequence number. */
function isNewer(id, other) {
  const [ms, sequence] = id.split("-").map(Number);
  const [otherMs, otherSequence] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}
