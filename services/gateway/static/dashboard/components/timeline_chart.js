import { EMOTIONS } from "../lib/faces.js";
import { describeSecond, describeShares, TIMELINE_S } from "../lib/timeline.js";
import { colorReader, element, setText } from "./base.js";

const ROW = 12;
const GAP = 3;
const HEIGHT = EMOTIONS.length * (ROW + GAP);
const MINUTES = [5, 4, 3, 2, 1];

/** The last five minutes of one face: a row for each emotion, a column for each second. */
export class TimelineChart {
  #seconds = [];

  constructor(name) {
    this.canvas = element("canvas", { class: "timeline-canvas", role: "img", "aria-label": `Last five minutes of ${name}` });
    this.title = element("h3", { text: "Last five minutes" });
    this.readout = element("p", { class: "timeline-readout" });
    this.name = name;
    const rows = EMOTIONS.map((emotion) => element("li", { text: emotion }));
    const axis = [...MINUTES.map((minute) => element("span", { text: `−${minute} min` })), element("span", { text: "now" })];
    this.node = element(
      "section",
      { class: "timeline", "aria-label": `Timeline of ${name}` },
      element("div", { class: "timeline-head" }, this.title, this.readout),
      element("ul", { class: "timeline-rows", "aria-hidden": "true" }, ...rows),
      this.canvas,
      element("div", { class: "timeline-axis", "aria-hidden": "true" }, ...axis),
    );
    this.canvas.addEventListener("pointermove", (event) => this.#showSecond(event));
    this.canvas.addEventListener("pointerleave", () => this.#showShares());
  }

  draw(seconds) {
    this.#seconds = seconds;
    // The timeline follows one face, so it is labelled if there were several.
    setText(this.title, seconds.some((second) => second?.faces > 1) ? "Last five minutes, face 1 only" : "Last five minutes");
    if (!this.canvas.matches(":hover")) this.#showShares();
    const width = this.canvas.clientWidth;
    if (!width) return; // its tab is hidden
    const density = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(HEIGHT * density);
    const context = this.canvas.getContext("2d");
    context.scale(density, density);
    paint(context, width, seconds, this.node);
  }

  #showShares() {
    const text = describeShares(this.#seconds);
    setText(this.readout, text);
    const label = `${this.title.textContent} of ${this.name}: ${text}`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }

  #showSecond(event) {
    const box = this.canvas.getBoundingClientRect();
    const fraction = (event.clientX - box.left) / Math.max(box.width, 1);
    const index = Math.min(TIMELINE_S - 1, Math.max(0, Math.floor(fraction * TIMELINE_S)));
    setText(this.readout, describeSecond(this.#seconds[index], TIMELINE_S - 1 - index));
  }
}

function paint(context, width, seconds, parent) {
  const { read, close } = colorReader(parent);
  const colors = Object.fromEntries([...EMOTIONS, "lane", "lane-mark", "uncertain"].map((name) => [name, read(name)]));
  close();
  const column = width / TIMELINE_S;
  EMOTIONS.forEach((emotion, row) => {
    const top = row * (ROW + GAP);
    context.globalAlpha = 1;
    context.fillStyle = colors.lane;
    context.fillRect(0, top, width, ROW);
    seconds.forEach((second, index) => {
      if (!second?.emotion) return;
      const score = second.probabilities[emotion];
      const isTop = emotion === second.emotion;
      const left = Math.floor(index * column);
      const cellWidth = Math.ceil((index + 1) * column) - left;
      context.globalAlpha = isTop ? 1 : Math.min(1, score);
      context.fillStyle = isTop ? colors[second.reliable ? emotion : "uncertain"] : colors["lane-mark"];
      // An uncertain second is a thin line, so that it differs by more than colour.
      const cellHeight = isTop && !second.reliable ? ROW / 3 : ROW;
      context.fillRect(left, top + (ROW - cellHeight) / 2, cellWidth, cellHeight);
    });
  });
}
