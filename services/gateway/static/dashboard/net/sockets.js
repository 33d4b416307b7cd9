import { Backoff } from "../lib/backoff.js";
import { socketUrl } from "./api.js";

const CONNECT_TIMEOUT_MS = 10_000;
const STALE_MS = 8000;
const MIN_FRAME_INTERVAL_MS = 66;
const PROBLEM_DELAY_MS = 1000;
const NO_FRAME_DELAY_MS = 100;

/** A WebSocket that reconnects until it is closed. */
class ReconnectingSocket {
  #socket = null;
  #timer = null;
  #closed = false;
  #activeAt = 0;
  #backoff = new Backoff(500, 8000);

  /** `onMessage` gets the data of each message, `onState` either `open` or `lost`. */
  constructor(path, parameters, { onMessage, onState = () => {} }) {
    this.path = path;
    this.parameters = parameters;
    this.onMessage = onMessage;
    this.onState = onState;
    this.#connect();
  }

  /** Return whether the data could be sent. */
  send(data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(data);
    return true;
  }

  /** Reconnect at once if no message arrived for some seconds, for example after the gateway was restarted. */
  reconnectIfStale() {
    if (this.#closed || performance.now() - this.#activeAt < STALE_MS) return;
    this.#backoff.reset();
    this.#disconnect();
    this.#connect();
  }

  close() {
    this.#closed = true;
    this.#disconnect();
  }

  #connect() {
    const socket = new WebSocket(socketUrl(this.path, this.parameters));
    socket.binaryType = "blob";
    this.#socket = socket;
    this.#activeAt = performance.now();
    const timeout = setTimeout(() => socket.close(), CONNECT_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(timeout);
      this.#activeAt = performance.now();
      this.onState("open");
    };
    socket.onmessage = ({ data }) => {
      this.#activeAt = performance.now();
      this.#backoff.reset();
      this.onMessage(data);
    };
    socket.onclose = () => {
      clearTimeout(timeout);
      this.#socket = null;
      this.onState("lost");
      if (!this.#closed) this.#timer = setTimeout(() => this.#connect(), this.#backoff.nextDelay());
    };
  }

  #disconnect() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** The live feeds of a camera: one WebSocket for results, one for video while it is displayed. */
export class CameraFeeds {
  #results;
  #video = null;
  #frameId = null;

  /** `onObject` gets results and statuses, `onFrame` the id of a frame and its JPEG. */
  constructor(camera, { onObject, onFrame }) {
    this.path = `ws/cameras/${encodeURIComponent(camera)}`;
    this.onFrame = onFrame;
    this.#results = new ReconnectingSocket(this.path, {}, { onMessage: (text) => onObject(JSON.parse(text)) });
  }

  /** Set the frame rate of the video; 0 closes it. */
  setVideoRate(fps) {
    if ((this.#video?.parameters.fps ?? 0) === fps) return;
    this.#video?.close();
    this.#video = fps
      ? new ReconnectingSocket(`${this.path}/video`, { fps }, { onMessage: (data) => this.#onVideoMessage(data) })
      : null;
  }

  reconnectIfStale({ results = true } = {}) {
    if (results) this.#results.reconnectIfStale();
    this.#video?.reconnectIfStale();
  }

  close() {
    this.#results.close();
    this.#video?.close();
  }

  /** Each frame is a text message with its id and then a binary message with its JPEG. */
  #onVideoMessage(data) {
    if (typeof data === "string") this.#frameId = JSON.parse(data).frame_id;
    else this.onFrame(this.#frameId, data);
  }
}

/** Sends the frames of a video to `/ws/predict`, each after the response to the previous one. The gateway tracks faces. */
export class PredictStream {
  #socket;
  #pending = false;
  #stopped = false;
  #timer = null;
  #sentAt = 0;
  #jpeg = null;

  /** `onResponse` gets the result or problem, the JPEG it belongs to and the response time; `onState` `open` or `lost`. */
  constructor(video, grabber, { onResponse, onState }) {
    this.video = video;
    this.grabber = grabber;
    this.onResponse = onResponse;
    this.#socket = new ReconnectingSocket("ws/predict", { track: true }, {
      onMessage: (text) => this.#onMessage(JSON.parse(text)),
      onState: (state) => {
        this.#pending = false;
        onState(state);
        if (state === "open") this.#schedule(0);
      },
    });
  }

  /** Reconnect if a response is overdue. */
  reconnectIfStale() {
    if (this.#pending) this.#socket.reconnectIfStale();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  #onMessage(response) {
    this.#pending = false;
    const tookMs = performance.now() - this.#sentAt;
    this.onResponse(response, this.#jpeg, tookMs);
    this.#schedule(response.faces ? Math.max(0, MIN_FRAME_INTERVAL_MS - tookMs) : PROBLEM_DELAY_MS);
  }

  #schedule(ms) {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => this.#send(), ms);
  }

  async #send() {
    if (this.#pending || this.#stopped) return;
    this.#pending = true;
    this.#jpeg = document.hidden ? null : await this.grabber.grab(this.video);
    if (this.#stopped) return;
    this.#sentAt = performance.now();
    if (this.#jpeg && this.#socket.send(this.#jpeg)) return;
    this.#pending = false;
    this.#schedule(NO_FRAME_DELAY_MS);
  }
}
