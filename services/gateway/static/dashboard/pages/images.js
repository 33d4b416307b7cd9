import { element } from "../components/base.js";
import { exportButtons } from "../components/export_buttons.js";
import { DropZone, ImageCard } from "../components/upload.js";
import { IMAGE_COLUMNS, imageRows } from "../lib/export.js";
import { describeFaces, displayFaces } from "../lib/faces.js";
import { problemText } from "../lib/text.js";
import { ProblemError, request, uploadType } from "../net/api.js";

const MAX_IMAGES = 24;
const UPLOAD_TIMEOUT_MS = 60_000;

/** The tab for images that are chosen, dropped or pasted. They are uploaded one after the other. */
export class ImagesPage {
  #cards = [];
  #queue = [];
  #isBusy = false;
  #isShown = false;

  constructor(panel, announce) {
    this.announce = announce;
    this.list = element("div", { class: "images" });
    const removeAll = element("button", { type: "button", class: "button", text: "Remove all", on: { click: () => this.#removeAll() } });
    this.tools = element("div", { class: "tools", hidden: true }, exportButtons("images", () => this.#rows(), IMAGE_COLUMNS), removeAll);
    this.zone = new DropZone({ maxFiles: MAX_IMAGES, onFiles: (files) => this.add(files) });
    this.note = element("p", { class: "hint", "data-note": "" });
    panel.append(this.zone.node, this.note, this.tools, this.list);
    document.addEventListener("paste", (event) => {
      if (!this.#isShown || event.clipboardData.files.length === 0) return;
      event.preventDefault();
      this.add(event.clipboardData.files);
    });
    // Without this, the browser opens a file that is dropped outside the zone.
    for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
  }

  show() {
    this.#isShown = true;
  }

  hide() {
    this.#isShown = false;
  }

  add(files) {
    const accepted = [...files].slice(0, MAX_IMAGES);
    const skipped = files.length - accepted.length;
    const note = skipped > 0 ? `At most ${MAX_IMAGES} images at a time: the last ${skipped} were skipped.` : "";
    this.note.textContent = note;
    if (note) this.announce(note);
    for (const file of accepted) {
      const card = new ImageCard(file);
      this.#cards.unshift(card);
      this.list.prepend(card.node);
      this.#queue.push({ file, card });
    }
    for (const card of this.#cards.splice(MAX_IMAGES)) card.remove();
    this.tools.hidden = false;
    this.#processQueue();
  }

  async #processQueue() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.#queue.length > 0) {
        const { file, card } = this.#queue.shift();
        if (!card.isRemoved) await this.#upload(file, card);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  async #upload(file, card) {
    try {
      if (file.type.startsWith("video/")) throw new VideoFileError();
      const options = { method: "POST", body: file, type: uploadType(file.type), timeoutMs: UPLOAD_TIMEOUT_MS };
      const response = await request("predict", options);
      const faces = displayFaces(response);
      card.showFaces(faces, response.image);
      this.announce(`${card.name}: ${describeFaces(faces)}`);
    } catch (error) {
      const { headline, detail } = uploadErrorText(error);
      card.showProblem(headline, detail);
      this.announce(`${card.name}: ${headline}`);
    }
  }

  #removeAll() {
    for (const card of this.#cards.splice(0)) card.remove();
    this.tools.hidden = true;
    this.zone.focus();
  }

  #rows() {
    return this.#cards
      .filter(({ isDone }) => isDone)
      .reverse() // oldest first
      .flatMap(({ name, faces, problem }) => imageRows(name, faces, problem));
  }
}

class VideoFileError extends Error {}

function uploadErrorText(error) {
  if (error instanceof ProblemError) return problemText(error.problem);
  if (error instanceof VideoFileError) {
    return { headline: "Videos are not supported here", detail: "Use the command line: emotion predict film.mp4" };
  }
  return {
    headline: "Upload failed",
    detail: "The gateway does not respond, or the file is over its size limit (10 MiB by default).",
  };
}
