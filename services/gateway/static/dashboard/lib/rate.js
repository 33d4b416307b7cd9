const WINDOW_MS = 5000;
const MAX_EVENTS = 1024;

/** Events per second over the last five seconds. */
export class RateMeter {
  #times = [];

  record(now) {
    this.#times.push(now);
    if (this.#times.length > MAX_EVENTS) this.#times.shift();
  }

  perSecond(now) {
    while (this.#times.length > 0 && now - this.#times[0] > WINDOW_MS) this.#times.shift();
    if (this.#times.length < 2) return 0;
    const span = Math.max(now - this.#times[0], 1);
    return (1000 * (this.#times.length - 1)) / span;
  }
}

/** Frames per second to request for each camera. The rate falls as more cameras share the connection and the browser. */
export function videoFrameRate(cameras) {
  if (cameras <= 1) return 25;
  if (cameras <= 4) return 12;
  return cameras <= 9 ? 6 : 3;
}
