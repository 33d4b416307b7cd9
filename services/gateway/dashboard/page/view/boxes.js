import { label } from "../core/emotions.js";
import { element, setData, setText } from "./dom.js";

const TAG_ROOM = 0.09;
const FAR_RIGHT = 0.7;

/** Boxes and labels over a picture. Screen readers get the same from the panel beside it. */
export class Boxes {
  #boxes = [];

  constructor({ mirrored = false } = {}) {
    this.mirrored = mirrored;
    this.node = element("div", { class: "boxes", "aria-hidden": "true" });
  }

  /** Show faces of a picture of this size; boxes of before are used again. */
  show(faces, { width, height }) {
    while (this.#boxes.length < faces.length) this.#add();
    this.#boxes.forEach((box, index) => {
      box.node.hidden = index >= faces.length;
      if (index < faces.length) this.#place(box, faces[index], faces.length > 1 ? index + 1 : 0, width, height);
    });
  }

  clear() {
    for (const { node } of this.#boxes) node.hidden = true;
  }

  #add() {
    const tag = element("span", { class: "tag" });
    const node = element("div", { class: "box" }, tag);
    this.#boxes.push({ node, tag });
    this.node.append(node);
  }

  #place({ node, tag }, face, number, width, height) {
    const { x, y, w, h } = face.box;
    const left = (this.mirrored ? width - x - w : x) / width;
    node.style.left = `${100 * left}%`;
    node.style.top = `${(100 * y) / height}%`;
    node.style.width = `${(100 * w) / width}%`;
    node.style.height = `${(100 * h) / height}%`;
    setData(node, "emotion", face.reliable ? face.emotion : "uncertain");
    setData(node, "tag", `${tagPlace(y / height, (y + h) / height)}-${left > FAR_RIGHT ? "right" : "left"}`);
    setText(tag, label(face, number));
  }
}

function tagPlace(top, bottom) {
  if (top > TAG_ROOM) return "over";
  return bottom < 1 - TAG_ROOM ? "under" : "in";
}
