import { SteadySocket } from "./socket.js";

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
