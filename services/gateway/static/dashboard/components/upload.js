import { element, setData, setText } from "./base.js";
import { FaceBoxes, FacesPanel } from "./faces.js";

/** The area to choose images or to drop them on. */
export class DropZone {
  constructor({ maxFiles, onFiles }) {
    this.input = element("input", {
      type: "file",
      accept: "image/jpeg,image/png,image/webp",
      multiple: true,
      id: "image-files",
      class: "visually-hidden",
    });
    this.input.addEventListener("change", () => {
      onFiles([...this.input.files]);
      this.input.value = ""; // allows the same file to be chosen again
    });
    this.node = element(
      "label",
      { class: "drop-zone", for: "image-files" },
      element("strong", { text: "Choose images" }),
      element("span", { text: `or drop or paste them here. JPEG, PNG or WebP, at most ${maxFiles} at a time.` }),
      this.input,
    );
    let depth = 0; // dragenter and dragleave also fire for child elements
    const setDepth = (next) => {
      depth = Math.max(0, next);
      this.node.dataset.over = String(depth > 0);
    };
    this.node.addEventListener("dragenter", () => setDepth(depth + 1));
    this.node.addEventListener("dragleave", () => setDepth(depth - 1));
    this.node.addEventListener("drop", (event) => {
      event.preventDefault();
      setDepth(0);
      onFiles([...event.dataTransfer.files]);
    });
  }

  focus() {
    this.input.focus();
  }
}

/** One image and its result. */
export class ImageCard {
  isDone = false;
  isRemoved = false;
  faces = [];
  problem = null;

  constructor(file) {
    this.name = file.name || "pasted image";
    this.url = URL.createObjectURL(file);
    this.image = element("img", { class: "picture", src: this.url, alt: this.name });
    this.boxes = new FaceBoxes();
    this.panel = new FacesPanel({ maxFaces: 12 });
    this.stage = element("div", { class: "stage" }, element("div", { class: "frame" }, this.image, this.boxes.node));
    this.pill = element("span", { class: "pill" });
    this.node = element(
      "article",
      { class: "card image", "aria-label": this.name },
      element("header", { class: "card-head" }, element("h2", { text: this.name }), this.pill),
      element("div", { class: "card-body" }, this.stage, this.panel.node),
    );
    this.image.addEventListener("error", () => (this.stage.hidden = true));
    this.#setState("pending", "waiting", "quiet");
    this.panel.clear("Waiting for the result…");
  }

  showFaces(faces, imageSize) {
    this.faces = faces;
    this.#setState("done", faces.length === 1 ? "1 face" : `${faces.length} faces`, faces.length > 0 ? "good" : "quiet");
    this.boxes.show(faces, imageSize);
    this.panel.show(faces);
  }

  showProblem(headline, detail) {
    this.problem = headline;
    this.#setState("failed", "failed", "bad");
    this.panel.clear(detail ? `${headline}. ${detail}` : headline);
  }

  remove() {
    this.isRemoved = true;
    this.node.remove();
    URL.revokeObjectURL(this.url);
  }

  #setState(state, text, tone) {
    this.isDone = state !== "pending";
    setData(this.node, "state", state);
    setText(this.pill, text);
    setData(this.pill, "tone", tone);
  }
}
