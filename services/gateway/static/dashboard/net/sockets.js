import { Backoff } from "../lib/backoff.js";
import { socketUrl } from "./api.js";

const OPENING_MS = 10_000;
const STALE_MS = 8000;

/** A WebSocket that comes back by itself until it is closed. */
export class SteadySocket {
  #socket = null;
  #timer = null;
  #closed = false;
  #heardAt = 0;
  #backoff = new Backoff(500, 8000);

  /** `onMessage` gets each message's data; `onState` is told `open` and `lost`. */
  constructor(path, parameters, { onMessage, onState = () => {} }) {
    this.path = path;
    this.parameters = parameters;
    this.onMessage = onMessage;
    this.onState = onState;
    this.#open();
  }

  send(data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(data);
    return true;
  }

  /** Connect anew at once if nothing was heard lately: the gateway was away, or a new key is there. */
  refresh() {
    if (this.#closed || performance.now() - this.#heardAt < STALE_MS) return;
    this.#backoff.reset();
    this.#drop();
    this.#open();
  }

  close() {
    this.#closed = true;
    this.#drop();
  }

  #open() {
    const socket = new WebSocket(socketUrl(this.path, this.parameters));
    socket.binaryType = "blob";
    this.#socket = socket;
    this.#heardAt = performance.now();
    const slow = setTimeout(() => socket.close(), OPENING_MS);
    socket.onopen = () => {
      clearTimeout(slow);
      this.#heardAt = performance.now();
      this.onState("open");
    };
    socket.onmessage = ({ data }) => {
      this.#heardAt = performance.now();
      this.#backoff.reset();
      this.onMessage(data);
    };
    socket.onclose = () => {
      clearTimeout(slow);
      this.#socket = null;
      this.onState("lost");
      if (!this.#closed) this.#timer = setTimeout(() => this.#open(), this.#backoff.next());
    };
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** A camera's results, and its pictures where they are wanted, each over a WebSocket of its own. */
export class CameraFeeds {
  #results;
  #pictures = null;
  #pictureId = null;

  /** `onObject` gets results and statuses; `onPicture` the id of a picture's frame and its JPEG. */
  constructor(camera, { onObject, onPicture }) {
    this.path = `ws/cameras/${encodeURIComponent(camera)}`;
    this.onPicture = onPicture;
    this.#results = new SteadySocket(this.path, {}, { onMessage: (text) => onObject(JSON.parse(text)) });
  }

  /** Get pictures at this rate; none at 0. */
  wantPictures(fps) {
    if ((this.#pictures?.parameters.fps ?? 0) === fps) return;
    this.#pictures?.close();
    this.#pictures = fps ? new SteadySocket(`${this.path}/video`, { fps }, { onMessage: (data) => this.#taken(data) }) : null;
  }

  /** Connect anew what has been silent for long. */
  refresh({ results = true } = {}) {
    if (results) this.#results.refresh();
    this.#pictures?.refresh();
  }

  close() {
    this.#results.close();
    this.#pictures?.close();
  }

  #taken(data) {
    if (typeof data === "string") this.#pictureId = JSON.parse(data).frame_id;
    else this.onPicture(this.#pictureId, data);
  }
}

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
