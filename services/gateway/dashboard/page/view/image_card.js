import { Boxes } from "./boxes.js";
import { element, setData, setText } from "./dom.js";
import { FacesPanel } from "./faces_panel.js";

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
