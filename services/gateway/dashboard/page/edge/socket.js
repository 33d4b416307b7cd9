import { Backoff } from "../core/backoff.js";
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
