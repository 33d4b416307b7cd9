const WINDOW_MS = 5000;
const MOST = 1024;

/** How many a second, over the last five seconds. */
export class RateMeter {
  #times = [];

  count(now) {
    this.#times.push(now);
    if (this.#times.length > MOST) this.#times.shift();
  }

  perSecond(now) {
    while (this.#times.length > 0 && now - this.#times[0] > WINDOW_MS) this.#times.shift();
    if (this.#times.length < 2) return 0;
    const span = Math.max(now - this.#times[0], 1);
    return (1000 * (this.#times.length - 1)) / span;
  }
}

/** Pictures a second for each camera: fewer where many share the line and the browser. */
export function pictureRate(cameras) {
  if (cameras <= 1) return 25;
  if (cameras <= 4) return 12;
  return cameras <= 9 ? 6 : 3;
}
