import { element, Metrics, setData, setText } from "./base.js";
import { FacesPanel } from "./faces.js";
import { Stage } from "./stage.js";
import { TimelineChart } from "./timeline_chart.js";

const METRICS = {
  "Frame rate": "Analysed frames per second, over the last five seconds",
  Age: "Time from the capture of the displayed frame to its result",
  Dropped: "Frames and results replaced by newer ones since this page was opened",
};

/** One camera: frame with boxes, faces, timeline and metrics. */
export class CameraCard {
  constructor(camera) {
    const title = `camera-${camera}`;
    this.stage = new Stage({ label: `Video of ${camera}` });
    this.panel = new FacesPanel({ maxFaces: 4 });
    this.chart = new TimelineChart(camera);
    this.metrics = new Metrics(METRICS);
    this.pill = element("span", { class: "pill" });
    this.about = element("p", { class: "about" });
    this.node = element(
      "article",
      { class: "card camera", "aria-labelledby": title, "data-camera": camera },
      element("header", { class: "card-head" }, element("h2", { id: title, text: camera }), this.pill, this.metrics.node),
      element("div", { class: "card-body" }, this.stage.node, this.panel.node),
      this.chart.node,
      this.about,
    );
    this.setState("connecting", "quiet");
    this.stage.setMessage("Connecting…");
    this.panel.clear("");
  }

  setState(state, tone) {
    setText(this.pill, state);
    setData(this.pill, "tone", tone);
    setData(this.node, "state", state);
  }
}
