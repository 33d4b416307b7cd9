const MOST_PICTURES = 24;
const PATIENCE_MS = 700;

/**
 * Brings pictures and results together, so that boxes stand on the frame that they were found in.
 *
 * A picture is shown once its frame's result, or a later one's, is there. Where no results come, pictures go on
 * without; where no pictures come, results do. Where results come very late, pictures wait no longer than there is room.
 */
export class Pairing {
  #pictures = [];
  #pictureAt = -Infinity;
  #result = null;
  #resultId = null;
  #resultAt = -Infinity;

  /** Both return what to show now, `{picture, result}`, either of them null; or null where nothing changes. */
  addPicture(id, picture, now) {
    this.#pictures.push({ id, picture });
    this.#pictureAt = now;
    const oldest = this.#pictures.length > MOST_PICTURES ? this.#pictures.shift() : null;
    return this.#ready(now) ?? (oldest && { picture: oldest.picture, result: this.#result });
  }

  addResult(id, result, now) {
    this.#result = result;
    this.#resultId = id;
    this.#resultAt = now;
    if (now - this.#pictureAt > PATIENCE_MS) return { picture: null, result };
    return this.#ready(now);
  }

  #ready(now) {
    if (now - this.#resultAt > PATIENCE_MS) {
      const newest = this.#pictures.at(-1);
      this.#pictures = [];
      return newest ? { picture: newest.picture, result: null } : null;
    }
    const at = this.#pictures.findLastIndex(({ id }) => !isAfter(id, this.#resultId));
    if (at < 0) return null;
    const { picture } = this.#pictures[at];
    this.#pictures.splice(0, at + 1);
    return { picture, result: this.#result };
  }
}

/** Whether a frame comes after another: ids are Redis's, milliseconds and a count. */
export function isAfter(id, other) {
  const [ms, count] = id.split("-").map(Number);
  const [otherMs, otherCount] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && count > otherCount);
}
