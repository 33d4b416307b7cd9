import { Figures, element, setData, setText } from "./base.js";
import { Boxes, FacesPanel } from "./faces.js";
import { Picture } from "./stage.js";
import { TimelineChart } from "./timeline_chart.js";

/** One camera: picture with boxes, faces, timeline, numbers. Knows nothing of where they come from. */
export class CameraCard {
  constructor(camera) {
    const title = `camera-${camera}`;
    this.picture = new Picture(`Picture of ${camera}`);
    this.boxes = new Boxes();
    this.panel = new FacesPanel({ most: 4, empty: "No face in view" });
    this.chart = new TimelineChart(camera);
    this.figures = new Figures(["Frame rate", "Age", "Dropped"]);
    this.state = element("span", { class: "pill", text: "connecting" });
    this.headline = element("strong");
    this.detail = element("span");
    this.words = element("p", { class: "stage-words" }, this.headline, this.detail);
    this.about = element("p", { class: "about" });
    this.stage = element("div", { class: "stage" }, element("div", { class: "frame" }, this.picture.node, this.boxes.node), this.words);
    this.node = element(
      "article",
      { class: "card camera", "aria-labelledby": title, "data-camera": camera },
      element("header", { class: "card-head" }, element("h2", { id: title, text: camera }), this.state, this.figures.node),
      element("div", { class: "card-body" }, this.stage, this.panel.node),
      this.chart.node,
      this.about,
    );
    this.say("Connecting…");
  }

  setState(word, tone) {
    setText(this.state, word);
    setData(this.state, "tone", tone);
  }

  /** Lay words over the picture, or where it goes on, beneath it; none takes them away. */
  say(headline, detail = "", { pictureGoesOn = false } = {}) {
    setData(this.stage, "words", pictureGoesOn ? "ribbon" : "cover");
    this.words.hidden = headline === "";
    setText(this.headline, headline);
    setText(this.detail, detail);
  }
}
