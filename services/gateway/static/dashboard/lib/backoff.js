/** Waits that double up to a limit; a part of each is chance, so that many pages don't come back at once. */
export class Backoff {
  #tries = 0;

  constructor(firstMs, longestMs, random = Math.random) {
    this.firstMs = firstMs;
    this.longestMs = longestMs;
    this.random = random;
  }

  next() {
    const whole = Math.min(this.longestMs, this.firstMs * 2 ** this.#tries);
    this.#tries = Math.min(this.#tries + 1, 16);
    return whole * (0.75 + 0.25 * this.random());
  }

  reset() {
    this.#tries = 0;
  }
}
