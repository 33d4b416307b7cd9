import { element } from "./base.js";

/** The newest picture of a source; one that comes while another is decoded waits, and the newest of those wins. */
export class Picture {
  #waiting = null;
  #busy = false;

  constructor(name) {
    this.node = element("canvas", { class: "picture", role: "img", "aria-label": name, width: 1280, height: 720 });
  }

  /** Show a JPEG, and then call `shown` with its size. */
  async show(blob, shown) {
    this.#waiting = { blob, shown };
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#waiting) {
        const { blob: jpeg, shown: then } = this.#waiting;
        this.#waiting = null;
        await this.#draw(jpeg, then);
      }
    } finally {
      this.#busy = false;
    }
  }

  async #draw(blob, shown) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(blob);
    } catch {
      return; // a damaged picture: the next one comes
    }
    if (this.node.width !== bitmap.width) this.node.width = bitmap.width;
    if (this.node.height !== bitmap.height) this.node.height = bitmap.height;
    this.node.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    shown({ width: this.node.width, height: this.node.height });
  }
}
