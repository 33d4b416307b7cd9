import { EMOTIONS } from "../lib/faces.js";
import { TIMELINE_S, secondInWords, shares } from "../lib/timeline.js";
import { colourReader, element, setText } from "./base.js";

const ROW = 12;
const GAP = 3;
const HEIGHT = EMOTIONS.length * (ROW + GAP);
const MINUTES = [5, 4, 3, 2, 1];

/** The last five minutes: a row for each emotion, a column for each second. */
export class TimelineChart {
  #seconds = [];

  constructor(name) {
    this.canvas = element("canvas", { class: "timeline-canvas", role: "img", "aria-label": `Last five minutes of ${name}` });
    this.readout = element("p", { class: "timeline-readout" });
    this.name = name;
    const rows = EMOTIONS.map((emotion) => element("li", { text: emotion }));
    const axis = [...MINUTES.map((minute) => element("span", { text: `−${minute} min` })), element("span", { text: "now" })];
    this.node = element(
      "section",
      { class: "timeline", "aria-label": `Timeline of ${name}` },
      element("div", { class: "timeline-head" }, element("h3", { text: "Last five minutes" }), this.readout),
      element("ul", { class: "timeline-rows", "aria-hidden": "true" }, ...rows),
      this.canvas,
      element("div", { class: "timeline-axis", "aria-hidden": "true" }, ...axis),
    );
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => this.#summarise());
  }

  draw(seconds) {
    this.#seconds = seconds;
    if (!this.canvas.matches(":hover")) this.#summarise();
    const width = this.canvas.clientWidth;
    if (!width) return; // its tab isn't shown
    const density = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(HEIGHT * density);
    const context = this.canvas.getContext("2d");
    context.scale(density, density);
    paint(context, width, seconds, this.node);
  }

  #summarise() {
    const words = shares(this.#seconds);
    setText(this.readout, words);
    const label = `Last five minutes of ${this.name}: ${words}`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left) / Math.max(box.width, 1);
    const at = Math.min(TIMELINE_S - 1, Math.max(0, Math.floor(share * TIMELINE_S)));
    setText(this.readout, secondInWords(this.#seconds[at], TIMELINE_S - 1 - at));
  }
}

function paint(context, width, seconds, within) {
  const { read, done } = colourReader(within);
  const colours = Object.fromEntries([...EMOTIONS, "lane", "lane-mark", "uncertain"].map((name) => [name, read(name)]));
  done();
  const column = width / TIMELINE_S;
  EMOTIONS.forEach((emotion, row) => {
    const top = row * (ROW + GAP);
    context.globalAlpha = 1;
    context.fillStyle = colours.lane;
    context.fillRect(0, top, width, ROW);
    seconds.forEach((second, index) => {
      if (!second?.emotion) return;
      const share = second.probabilities[emotion];
      const isTop = emotion === second.emotion;
      const left = Math.floor(index * column);
      const wide = Math.ceil((index + 1) * column) - left;
      context.globalAlpha = isTop ? 1 : Math.min(1, share);
      context.fillStyle = isTop ? colours[second.reliable ? emotion : "uncertain"] : colours["lane-mark"];
      // an uncertain second is a thin line, so that it isn't told by its colour alone
      const tall = isTop && !second.reliable ? ROW / 3 : ROW;
      context.fillRect(left, top + (ROW - tall) / 2, wide, tall);
    });
  });
}
