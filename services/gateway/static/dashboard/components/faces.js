import { boxLabel, EMOTIONS, formatPercent } from "../lib/faces.js";
import { element, setData, setText } from "./base.js";

const LABEL_HEIGHT = 0.09; // of the frame's height
const ALIGN_RIGHT_FROM = 0.7; // of the frame's width

/** Boxes and labels over a frame. Screen readers get the same information from the panel. */
export class FaceBoxes {
  #boxes = [];

  constructor({ mirrored = false } = {}) {
    this.mirrored = mirrored;
    this.node = element("div", { class: "boxes", "aria-hidden": "true" });
  }

  /** Show the faces of a frame of this size. */
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
    const label = element("span", { class: "box-label" });
    const node = element("div", { class: "box" }, label);
    this.#boxes.push({ node, label });
    this.node.append(node);
  }

  #place({ node, label }, face, number, width, height) {
    const { x, y, w, h } = face.box;
    const left = (this.mirrored ? width - x - w : x) / width;
    node.style.left = `${100 * left}%`;
    node.style.top = `${(100 * y) / height}%`;
    node.style.width = `${(100 * w) / width}%`;
    node.style.height = `${(100 * h) / height}%`;
    setData(node, "emotion", face.reliable ? face.emotion : "uncertain");
    setData(node, "label", `${labelSide(y / height, (y + h) / height)}-${left > ALIGN_RIGHT_FROM ? "right" : "left"}`);
    setText(label, boxLabel(face, number));
  }
}

function labelSide(top, bottom) {
  if (top > LABEL_HEIGHT) return "above";
  return bottom < 1 - LABEL_HEIGHT ? "below" : "inside";
}

/** The emotion of each face, with a bar for each of the seven scores. */
export class FacesPanel {
  #blocks = [];

  constructor({ maxFaces }) {
    this.maxFaces = maxFaces;
    this.message = element("p", { class: "faces-message" });
    this.list = element("div", { class: "faces-list" });
    this.more = element("p", { class: "faces-more", hidden: true });
    this.node = element("div", { class: "faces" }, this.message, this.list, this.more);
  }

  show(faces) {
    const shown = faces.slice(0, this.maxFaces);
    while (this.#blocks.length < shown.length) this.#add();
    this.#blocks.forEach((block, index) => {
      block.node.hidden = index >= shown.length;
      if (index < shown.length) updateBlock(block, shown[index], faces.length > 1 ? index + 1 : 0);
    });
    setData(this.node, "count", String(Math.min(shown.length, 3)));
    this.#setMessage(shown.length === 0 ? "No face detected" : "");
    const more = faces.length - shown.length;
    this.more.hidden = more === 0;
    setText(this.more, more === 1 ? "1 more face" : `${more} more faces`);
  }

  /** Show a message and no faces. */
  clear(message) {
    this.show([]);
    this.#setMessage(message);
  }

  #setMessage(text) {
    this.message.hidden = text === "";
    setText(this.message, text);
  }

  #add() {
    const block = createBlock();
    this.#blocks.push(block);
    this.list.append(block.node);
  }
}

function createBlock() {
  const number = element("span", { class: "face-number" });
  const emotion = element("span", { class: "emotion" });
  const confidence = element("span", { class: "confidence" });
  const certainty = element("p", { class: "certainty" });
  const bars = EMOTIONS.map((name) => {
    const fill = element("span", { class: "fill" });
    const value = element("span", { class: "value" });
    const track = element("span", { class: "track", "aria-hidden": "true" }, fill);
    const node = element("li", { "data-emotion": name }, element("span", { class: "name", text: name }), track, value);
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

function updateBlock(block, face, number) {
  setData(block.node, "reliable", String(face.reliable));
  setData(block.node, "emotion", face.emotion);
  setText(block.number, number ? String(number) : "");
  block.number.hidden = !number;
  setText(block.emotion, face.emotion);
  setText(block.confidence, formatPercent(face.confidence));
  setText(block.certainty, face.reliable ? "" : "Uncertain: low model confidence");
  for (const { name, fill, value, node } of block.bars) {
    const score = face.probabilities[name];
    fill.style.transform = `scaleX(${Math.min(1, Math.max(0, score)).toFixed(3)})`;
    setText(value, formatPercent(score));
    setData(node, "top", String(name === face.emotion));
  }
}
