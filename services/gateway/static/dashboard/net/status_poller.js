import { Backoff } from "../lib/backoff.js";
import { GatewayGone, Refused, ask } from "./api.js";

const CALM_MS = 4000;
const TROUBLED_MS = 2000;
const LIMITED_MS = 10_000;

/**
 * Looks at the gateway again and again, and tells what it found: `{state, services, cameras, problem, retryAt}`.
 *
 * `state` is `up`, `locked` (a key is needed; it waits for `now()`) or `gone`. `cameras` is null where only
 * they can't be told, and `problem` says why.
 */
export class GatewayWatch {
  #timer = null;
  #turn = 0;
  #backoff = new Backoff(1000, 8000);

  constructor(onFound) {
    this.onFound = onFound;
  }

  /** Look now. */
  async now() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    const found = await this.#look();
    if (turn !== this.#turn) return; // another look began meanwhile
    const waitMs = this.#wait(found);
    // The timer first: the page goes on looking whatever becomes of what was found.
    if (waitMs !== null) this.#timer = setTimeout(() => this.now(), waitMs);
    this.onFound({ ...found, retryAt: waitMs === null ? null : Date.now() + waitMs });
  }

  async #look() {
    const [services, cameras] = await Promise.allSettled([ask("services"), ask("cameras")]);
    const errors = [services, cameras].map(({ reason }) => reason);
    if (errors.some((error) => error instanceof Refused && error.status === 401)) return { state: "locked" };
    if (errors.every((error) => error instanceof GatewayGone)) return { state: "gone" };
    return {
      state: "up",
      isLimited: errors.some((error) => error instanceof Refused && error.status === 429),
      services: services.value?.services ?? null,
      cameras: cameras.value?.cameras ?? null,
      problem: cameras.reason instanceof Refused ? cameras.reason.problem : null,
    };
  }

  #wait({ state, services, cameras, isLimited }) {
    if (state === "locked") return null;
    if (state === "gone") return this.#backoff.next();
    this.#backoff.reset();
    if (isLimited) return LIMITED_MS;
    const calm = cameras?.length > 0 && services && Object.values(services).every(({ ok }) => ok);
    return calm ? CALM_MS : TROUBLED_MS;
  }
}
