import { SteadySocket } from "../edge/socket.js";

const SHORTEST_MS = 66;
const AFTER_A_PROBLEM_MS = 1000;
const NOTHING_YET_MS = 100;

/** Sends a video's pictures to `/ws/predict`, the next one when the answer to the last came. */
export class Asker {
  #socket;
  #waiting = false;
  #stopped = false;
  #timer = null;
  #sentAt = 0;

  /** `onAnswer` gets the answer or problem and how long it took; `onState` is told `open` and `lost`. */
  constructor(video, grabber, { onAnswer, onState }) {
    this.video = video;
    this.grabber = grabber;
    this.onAnswer = onAnswer;
    this.#socket = new SteadySocket("ws/predict", {}, {
      onMessage: (text) => this.#answered(JSON.parse(text)),
      onState: (state) => {
        this.#waiting = false;
        onState(state);
        if (state === "open") this.#soon(0);
      },
    });
  }

  /** Connect anew where an answer is long overdue. */
  refresh() {
    if (this.#waiting) this.#socket.refresh();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  #answered(answer) {
    this.#waiting = false;
    const tookMs = performance.now() - this.#sentAt;
    this.onAnswer(answer, tookMs);
    this.#soon(answer.faces ? Math.max(0, SHORTEST_MS - tookMs) : AFTER_A_PROBLEM_MS);
  }

  #soon(ms) {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => this.#send(), ms);
  }

  async #send() {
    if (this.#waiting || this.#stopped) return;
    this.#waiting = true;
    const jpeg = document.hidden ? null : await this.grabber.grab(this.video);
    if (this.#stopped) return;
    this.#sentAt = performance.now();
    if (jpeg && this.#socket.send(jpeg)) return;
    this.#waiting = false;
    this.#soon(NOTHING_YET_MS);
  }
}
