import { element } from "../components/base.js";
import { exportButtons } from "../components/export_buttons.js";
import { DropZone, ImageCard } from "../components/upload.js";
import { IMAGE_COLUMNS, imageRows } from "../lib/export.js";
import { sentence, shownFaces } from "../lib/faces.js";
import { problemWords } from "../lib/text.js";
import { Refused, ask, mediaTypeToSend } from "../net/api.js";

const MOST = 24;
const UPLOAD_MS = 60_000;

/** The tab that takes images dropped, pasted or chosen. They are sent one after the other. */
export class ImagesTab {
  #cards = [];
  #queue = [];
  #busy = false;
  #shown = false;

  constructor(panel, announce) {
    this.announce = announce;
    this.list = element("div", { class: "images" });
    const clear = element("button", { type: "button", class: "button", text: "Remove all", on: { click: () => this.#clear() } });
    this.tools = element("div", { class: "tools", hidden: true }, exportButtons("images", () => this.#rows(), IMAGE_COLUMNS), clear);
    this.zone = new DropZone((files) => this.add(files));
    this.note = element("p", { class: "hint" });
    panel.append(this.zone.node, this.note, this.tools, this.list);
    document.addEventListener("paste", (event) => {
      if (!this.#shown || event.clipboardData.files.length === 0) return;
      event.preventDefault();
      this.add(event.clipboardData.files);
    });
    // A file dropped beside the zone would replace this page.
    for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
  }

  show() {
    this.#shown = true;
  }

  hide() {
    this.#shown = false;
  }

  add(files) {
    const taken = [...files].slice(0, MOST);
    const leftOut = files.length - taken.length;
    if (leftOut > 0) this.announce(`Only ${MOST} images are taken at once; the last ${leftOut} were left out.`);
    this.note.textContent = leftOut > 0 ? `Only ${MOST} images are taken at once: the last ${leftOut} were left out.` : "";
    for (const file of taken) {
      const card = new ImageCard(file);
      this.#cards.unshift(card);
      this.list.prepend(card.node);
      this.#queue.push({ file, card });
    }
    for (const card of this.#cards.splice(MOST)) card.remove();
    this.tools.hidden = false;
    this.#work();
  }

  async #work() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#queue.length > 0) {
        const { file, card } = this.#queue.shift();
        if (!card.isRemoved) await this.#send(file, card);
      }
    } finally {
      this.#busy = false;
    }
  }

  async #send(file, card) {
    try {
      const answer = await ask("predict", { method: "POST", body: file, type: mediaTypeToSend(file.type), timeoutMs: UPLOAD_MS });
      const faces = shownFaces(answer);
      card.found(faces, answer.image);
      this.announce(`${card.name}: ${sentence(faces)}`);
    } catch (error) {
      const { headline, detail } = failure(error);
      card.failed(headline, detail);
      this.announce(`${card.name}: ${headline}`);
    }
  }

  #clear() {
    for (const card of this.#cards.splice(0)) card.remove();
    this.tools.hidden = true;
    this.zone.focus();
  }

  #rows() {
    return this.#cards
      .filter(({ isDone }) => isDone)
      .reverse() // the oldest first
      .flatMap(({ name, faces, problem }) => imageRows(name, faces, problem));
  }
}

function failure(error) {
  if (error instanceof Refused) return problemWords(error.problem);
  return {
    headline: "The gateway didn’t take the image",
    detail: "It can’t be reached, or the image is larger than it takes (10 MB unless set otherwise).",
  };
}
