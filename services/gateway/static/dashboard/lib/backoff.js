/** Exponential backoff with jitter, so that many pages don't reconnect at the same moment. */
export class Backoff {
  #attempts = 0;

  constructor(firstMs, maxMs, random = Math.random) {
    this.firstMs = firstMs;
    this.maxMs = maxMs;
    this.random = random;
  }

  nextDelay() {
    const delay = Math.min(this.maxMs, this.firstMs * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 16);
    return delay * (0.75 + 0.25 * this.random());
  }

  reset() {
    this.#attempts = 0;
  }
}
