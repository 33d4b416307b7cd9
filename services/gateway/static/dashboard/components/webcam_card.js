import { Figures, element, setText } from "./base.js";
import { Boxes, FacesPanel } from "./faces.js";
import { TimelineChart } from "./timeline_chart.js";

const PROMISE =
  "Its picture goes to this gateway only, is analysed and forgotten. It goes off when you choose another tab above; " +
  "while this page is hidden, nothing is sent.";

/** This browser's camera: its picture as in a mirror, faces, timeline, and what one can press. */
export class WebcamCard {
  constructor({ onStart, onStop }) {
    this.video = element("video", { class: "picture mirrored", playsinline: true, "aria-label": "Picture of this browser's camera" });
    this.video.muted = true;
    this.boxes = new Boxes({ mirrored: true });
    this.panel = new FacesPanel({ most: 4 });
    this.chart = new TimelineChart("this browser's camera");
    this.figures = new Figures(["Frame rate", "Answer after"]);
    this.headline = element("strong");
    this.detail = element("span");
    this.words = element("p", { class: "stage-words" }, this.headline, this.detail);
    this.stage = element("div", { class: "stage" }, element("div", { class: "frame" }, this.video, this.boxes.node), this.words);
    this.startButton = element("button", { type: "button", class: "button main", text: "Start camera", on: { click: onStart } });
    this.stopButton = element("button", { type: "button", class: "button", text: "Stop camera", on: { click: onStop } });
    this.devices = element("select", { id: "webcam-device" });
    this.chooser = element("label", { class: "chooser", hidden: true }, "Camera ", this.devices);
    this.node = element(
      "article",
      { class: "card", "aria-labelledby": "webcam-title" },
      element("header", { class: "card-head" }, element("h2", { id: "webcam-title", text: "This browser’s camera" }), this.figures.node),
      element("div", { class: "card-body" }, this.stage, this.panel.node),
      element("div", { class: "buttons" }, this.startButton, this.stopButton, this.chooser),
      this.chart.node,
    );
    this.off();
  }

  get isStarting() {
    return this.startButton.disabled;
  }

  off() {
    this.#buttons({ running: false });
    this.say("The camera is off", PROMISE);
    this.panel.clear("Start the camera to see what your face shows");
  }

  starting() {
    this.#buttons({ running: false });
    this.startButton.disabled = true;
    this.say("Waiting for the camera…", "Your browser may ask whether this page may use it.");
  }

  on(stream, cameras, current) {
    this.video.srcObject = stream;
    this.video.play().catch(() => {}); // it was stopped again meanwhile
    this.devices.replaceChildren(
      ...cameras.map(({ deviceId, label }, index) => element("option", { value: deviceId, text: label || `Camera ${index + 1}` })),
    );
    if (current) this.devices.value = current;
    this.chooser.hidden = cameras.length < 2;
    this.#buttons({ running: true });
    this.say("Waiting for the first answer…");
    this.panel.clear("No face in view");
  }

  failed(headline, advice) {
    this.#buttons({ running: false });
    this.devices.replaceChildren();
    this.chooser.hidden = true;
    this.say(headline, advice);
    this.panel.clear("Nothing is seen now");
  }

  impossible(headline, advice) {
    this.failed(headline, advice);
    this.startButton.hidden = true;
  }

  say(headline, detail = "") {
    this.words.hidden = headline === "";
    setText(this.headline, headline);
    setText(this.detail, detail);
  }

  #buttons({ running }) {
    const hadFocus = [this.startButton, this.stopButton].includes(document.activeElement);
    this.startButton.disabled = false;
    this.startButton.hidden = running;
    this.stopButton.hidden = !running;
    if (hadFocus) (running ? this.stopButton : this.startButton).focus();
    if (running) return;
    this.video.srcObject = null;
    this.boxes.clear();
  }
}
