import { element, setData, setText } from "./base.js";
import { Boxes, FacesPanel } from "./faces.js";

/** One image that a person gave, and what was found in it. */
export class ImageCard {
  isDone = false;
  isRemoved = false;
  faces = [];
  problem = null;

  constructor(file) {
    this.name = file.name || "pasted image";
    this.url = URL.createObjectURL(file);
    this.image = element("img", { class: "picture", src: this.url, alt: this.name });
    this.boxes = new Boxes();
    this.panel = new FacesPanel({ most: 12, empty: "No face was found" });
    this.stage = element("div", { class: "stage" }, element("div", { class: "frame" }, this.image, this.boxes.node));
    this.state = element("span", { class: "pill", text: "working" });
    this.node = element(
      "article",
      { class: "card image", "aria-label": this.name },
      element("header", { class: "card-head" }, element("h2", { text: this.name }), this.state),
      element("div", { class: "card-body" }, this.stage, this.panel.node),
    );
    // What the browser itself can't show is told by the gateway's answer.
    this.image.addEventListener("error", () => (this.stage.hidden = true));
    this.panel.clear("Waiting for the answer…");
  }

  found(faces, size) {
    this.isDone = true;
    this.faces = faces;
    this.#state(faces.length === 1 ? "1 face" : `${faces.length} faces`, faces.length > 0 ? "good" : "quiet");
    this.boxes.show(faces, size);
    this.panel.show(faces);
  }

  failed(headline, detail) {
    this.isDone = true;
    this.problem = headline;
    this.#state("not read", "bad");
    this.panel.clear(detail ? `${headline}. ${detail}` : headline);
  }

  remove() {
    this.isRemoved = true;
    this.node.remove();
    URL.revokeObjectURL(this.url);
  }

  #state(word, tone) {
    setText(this.state, word);
    setData(this.state, "tone", tone);
  }
}

/** Where images are dropped or chosen. */
export class DropZone {
  constructor(onFiles) {
    this.field = element("input", { type: "file", accept: "image/*", multiple: true, id: "image-files", class: "visually-hidden" });
    this.field.addEventListener("change", () => {
      onFiles([...this.field.files]);
      this.field.value = ""; // so that the same file may be chosen again
    });
    this.node = element(
      "label",
      { class: "drop-zone", for: "image-files" },
      element("strong", { text: "Choose images" }),
      element("span", { text: "or drop them here, or paste one. JPEG, PNG or WebP; several at once." }),
      this.field,
    );
    let depth = 0;
    const over = (change) => (event) => {
      event.preventDefault();
      depth = Math.max(0, change === 0 ? 0 : depth + change);
      this.node.dataset.over = String(depth > 0);
    };
    this.node.addEventListener("dragenter", over(1));
    this.node.addEventListener("dragleave", over(-1));
    this.node.addEventListener("drop", (event) => {
      over(0)(event);
      onFiles([...event.dataTransfer.files]);
    });
  }

  focus() {
    this.field.focus();
  }
}
