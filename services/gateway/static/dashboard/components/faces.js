import { EMOTIONS, label, percent } from "../lib/faces.js";
import { element, setData, setText } from "./base.js";

/** Faces in words and seven bars each. */
export class FacesPanel {
  #blocks = [];

  constructor({ most = 6, empty = "No face in view" } = {}) {
    this.most = most;
    this.words = element("p", { class: "faces-words", text: empty });
    this.list = element("div", { class: "faces-list" });
    this.more = element("p", { class: "faces-more", hidden: true });
    this.empty = empty;
    this.node = element("div", { class: "faces" }, this.words, this.list, this.more);
  }

  show(faces) {
    const shown = faces.slice(0, this.most);
    while (this.#blocks.length < shown.length) this.#add();
    this.#blocks.forEach((block, index) => {
      block.node.hidden = index >= shown.length;
      if (index < shown.length) fill(block, shown[index], faces.length > 1 ? index + 1 : 0);
    });
    setData(this.node, "count", String(Math.min(shown.length, 3)));
    this.say(shown.length === 0 ? this.empty : "");
    this.more.hidden = faces.length <= this.most;
    setText(this.more, `and ${faces.length - this.most} more in the picture`);
  }

  /** Show no face, and why. */
  clear(words) {
    this.show([]);
    this.say(words);
  }

  say(words) {
    this.words.hidden = words === "";
    setText(this.words, words);
  }

  #add() {
    const block = faceBlock();
    this.#blocks.push(block);
    this.list.append(block.node);
  }
}

function faceBlock() {
  const number = element("span", { class: "face-number" });
  const emotion = element("span", { class: "emotion" });
  const confidence = element("span", { class: "confidence" });
  const certainty = element("p", { class: "certainty" });
  const bars = EMOTIONS.map((name) => {
    const fill = element("span", { class: "fill" });
    const value = element("span", { class: "value" });
    const bar = element("span", { class: "track", "aria-hidden": "true" }, fill);
    const node = element("li", { "data-emotion": name }, element("span", { class: "name", text: name }), bar, value);
    return { name, fill, value, node };
  });
  const node = element(
    "section",
    { class: "face" },
    element("h3", {}, number, emotion, " ", confidence),
    element("ol", { class: "bars", role: "list" }, ...bars.map((bar) => bar.node)),
    certainty,
  );
  return { node, number, emotion, confidence, certainty, bars };
}

function fill(block, face, number) {
  setData(block.node, "reliable", String(face.reliable));
  setData(block.node, "emotion", face.emotion);
  setText(block.number, number ? String(number) : "");
  block.number.hidden = !number;
  setText(block.emotion, face.emotion);
  setText(block.confidence, percent(face.confidence));
  setText(block.certainty, face.reliable ? "" : "Uncertain: the model isn't sure of this face");
  for (const { name, fill: bar, value, node } of block.bars) {
    const share = face.probabilities[name];
    bar.style.transform = `scaleX(${Math.min(1, Math.max(0, share)).toFixed(3)})`;
    setText(value, percent(share));
    setData(node, "top", String(name === face.emotion));
  }
}

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
