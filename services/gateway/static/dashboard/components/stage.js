import { element, setData, setText } from "./base.js";
import { FaceBoxes } from "./faces.js";

/** A frame with its boxes, and a message over it. With a video element, frames are drawn over the video. */
export class Stage {
  #decoder = new LatestFrameDecoder((bitmap) => this.#draw(bitmap));

  constructor({ label, video = null }) {
    const mirrored = video !== null;
    const style = mirrored ? "picture mirrored" : "picture";
    this.canvas = element("canvas", { class: style, role: "img", "aria-label": label, width: 1280, height: 720, hidden: mirrored });
    this.boxes = new FaceBoxes({ mirrored });
    this.headline = element("strong");
    this.detail = element("span");
    this.message = element("p", { class: "stage-message" }, this.headline, this.detail);
    const frame = element("div", { class: "frame" }, ...(video ? [video] : []), this.canvas, this.boxes.node);
    this.node = element("div", { class: "stage" }, frame, this.message);
  }

  /** Draw a JPEG and then call `onDrawn`. A frame that arrives while another is decoded replaces the waiting one. */
  showFrame(jpeg, onDrawn) {
    this.#decoder.decode(jpeg, onDrawn);
  }

  /** Remove the frame and the boxes, so that the video below is visible. */
  clear() {
    this.#decoder.cancel();
    this.canvas.hidden = true;
    this.boxes.clear();
  }

  /** Show a message over the frame, or below it if the video continues; an empty headline hides it. */
  setMessage(headline, detail = "", { isVideoLive = false } = {}) {
    setData(this.node, "message", isVideoLive ? "ribbon" : "cover");
    this.message.hidden = headline === "";
    setText(this.headline, headline);
    setText(this.detail, detail);
  }

  #draw(bitmap) {
    if (this.canvas.width !== bitmap.width) this.canvas.width = bitmap.width;
    if (this.canvas.height !== bitmap.height) this.canvas.height = bitmap.height;
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    this.canvas.hidden = false;
  }
}

/** Decodes JPEGs one at a time. Of those that arrive meanwhile, only the newest is kept. */
class LatestFrameDecoder {
  #next = null;
  #busy = false;
  #cancelled = 0;

  constructor(onBitmap) {
    this.onBitmap = onBitmap;
  }

  async decode(jpeg, onDrawn) {
    this.#next = { jpeg, onDrawn };
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#next) {
        const { jpeg: current, onDrawn: drawn } = this.#next;
        const cancelled = this.#cancelled;
        this.#next = null;
        const bitmap = await createImageBitmap(current).catch(() => null);
        if (!bitmap) continue; // a damaged frame is skipped
        if (cancelled === this.#cancelled) {
          this.onBitmap(bitmap);
          drawn();
        }
        bitmap.close();
      }
    } finally {
      this.#busy = false;
    }
  }

  cancel() {
    this.#cancelled += 1;
    this.#next = null;
  }
}
