import { element } from "./dom.js";

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
