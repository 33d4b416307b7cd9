import { Backoff } from "../lib/backoff.js";
import { GatewayUnreachableError, ProblemError, request } from "./api.js";

const NORMAL_INTERVAL_MS = 4000;
const DEGRADED_INTERVAL_MS = 2000;
const RATE_LIMITED_INTERVAL_MS = 10_000;

/**
 * Polls `/services` and `/cameras`, and reports `{state, services, cameras, problem, retryAt}`.
 *
 * `state` is `up`, `unauthorized` (a key is needed; polling pauses until `pollNow()`) or `unreachable`. If only the
 * list of cameras is unavailable, `cameras` is null and `problem` is the reason.
 */
export class StatusPoller {
  #timer = null;
  #poll = 0;
  #backoff = new Backoff(1000, 8000);

  constructor(onStatus) {
    this.onStatus = onStatus;
  }

  async pollNow() {
    clearTimeout(this.#timer);
    const poll = ++this.#poll;
    const status = await this.#request();
    if (poll !== this.#poll) return; // a newer poll has started
    const waitMs = this.#interval(status);
    // The timer is set first, so that an error in the callback does not stop polling.
    if (waitMs !== null) this.#timer = setTimeout(() => this.pollNow(), waitMs);
    this.onStatus({ ...status, retryAt: waitMs === null ? null : Date.now() + waitMs });
  }

  async #request() {
    const [services, cameras] = await Promise.allSettled([request("services"), request("cameras")]);
    const errors = [services, cameras].map(({ reason }) => reason);
    const hasStatus = (status) => errors.some((error) => error instanceof ProblemError && error.status === status);
    if (hasStatus(401)) return { state: "unauthorized" };
    if (errors.every((error) => error instanceof GatewayUnreachableError)) return { state: "unreachable" };
    return {
      state: "up",
      isRateLimited: hasStatus(429),
      services: services.value?.services ?? null,
      cameras: cameras.value?.cameras ?? null,
      problem: cameras.reason instanceof ProblemError ? cameras.reason.problem : null,
    };
  }

  #interval({ state, services, cameras, isRateLimited }) {
    if (state === "unauthorized") return null;
    if (state === "unreachable") return this.#backoff.nextDelay();
    this.#backoff.reset();
    if (isRateLimited) return RATE_LIMITED_INTERVAL_MS;
    const isNormal = cameras?.length > 0 && services && Object.values(services).every(({ ok }) => ok);
    return isNormal ? NORMAL_INTERVAL_MS : DEGRADED_INTERVAL_MS;
  }
}
