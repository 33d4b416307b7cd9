import { element, Metrics } from "./base.js";
import { FacesPanel } from "./faces.js";
import { Stage } from "./stage.js";
import { TimelineChart } from "./timeline_chart.js";

const PRIVACY =
  "Frames are sent to this gateway only, analysed in memory and not stored. The webcam stops when you open another tab " +
  "of this page. While the page is hidden, no frames are sent.";

const METRICS = {
  "Frame rate": "Analysed frames per second, over the last five seconds",
  "Response time": "Time from sending a frame to its result",
};

/** The webcam of this browser: mirrored video, faces, timeline and controls. */
export class WebcamCard {
  constructor({ onStart, onStop, onSelect }) {
    this.video = element("video", { class: "picture mirrored", playsinline: true, "aria-label": "Video of the webcam" });
    this.video.muted = true;
    this.stage = new Stage({ label: "Last analysed frame of the webcam", video: this.video });
    this.panel = new FacesPanel({ maxFaces: 4 });
    this.chart = new TimelineChart("the webcam");
    this.metrics = new Metrics(METRICS);
    this.startButton = element("button", { type: "button", class: "button main", text: "Start webcam", on: { click: onStart } });
    this.stopButton = element("button", { type: "button", class: "button", text: "Stop webcam", on: { click: onStop } });
    this.devices = element("select", { on: { change: onSelect } });
    this.chooser = element("label", { class: "chooser", hidden: true }, "Device ", this.devices);
    this.node = element(
      "article",
      { class: "card", "aria-labelledby": "webcam-title" },
      element("header", { class: "card-head" }, element("h2", { id: "webcam-title", text: "Webcam" }), this.metrics.node),
      element("div", { class: "card-body" }, this.stage.node, this.panel.node),
      element("div", { class: "buttons" }, this.startButton, this.stopButton, this.chooser),
      this.chart.node,
    );
    this.showOff();
  }

  get deviceId() {
    return this.devices.value;
  }

  get isStarting() {
    return this.startButton.disabled;
  }

  showOff() {
    this.#showStopped("Webcam off", PRIVACY);
    this.panel.clear("Start the webcam to see results");
  }

  showStarting() {
    this.#showStopped("Starting the webcam…", "Allow access if the browser asks for it.");
    this.startButton.disabled = true;
  }

  showRunning(stream, webcams, currentId) {
    this.video.srcObject = stream;
    this.video.play().catch(() => {}); // rejected if the stream is stopped before it plays
    this.devices.replaceChildren(
      ...webcams.map(({ deviceId, label }, index) => element("option", { value: deviceId, text: label || `Webcam ${index + 1}` })),
    );
    if (currentId) this.devices.value = currentId;
    this.chooser.hidden = webcams.length < 2;
    this.#setRunning(true);
    this.stage.setMessage("Waiting for results…");
    this.panel.clear("");
  }

  showFailure(headline, detail, { canStart = true } = {}) {
    this.#showStopped(headline, detail);
    this.devices.replaceChildren();
    this.chooser.hidden = true;
    this.startButton.hidden = !canStart;
    this.panel.clear("No results");
  }

  #showStopped(headline, detail) {
    this.#setRunning(false);
    this.video.srcObject = null;
    this.stage.clear();
    this.stage.setMessage(headline, detail);
  }

  #setRunning(isRunning) {
    const hadFocus = [this.startButton, this.stopButton].includes(document.activeElement);
    this.startButton.disabled = false;
    this.startButton.hidden = isRunning;
    this.stopButton.hidden = !isRunning;
    if (hadFocus) (isRunning ? this.stopButton : this.startButton).focus();
  }
}
