import { element } from "../components/base.js";
import { exportButtons } from "../components/export_buttons.js";
import { WebcamCard } from "../components/webcam_card.js";
import { timelineRows } from "../lib/export.js";
import { displayFaces, EmotionDebouncer } from "../lib/faces.js";
import { RateMeter } from "../lib/rate.js";
import { problemText, webcamErrorText, webcamUnavailableText } from "../lib/text.js";
import { Timeline } from "../lib/timeline.js";
import { PredictStream } from "../net/sockets.js";
import { closeStream, FrameGrabber, listWebcams, openWebcam } from "../net/webcam.js";

const PANEL_INTERVAL_MS = 180;
const STALE_MS = 4000;

/** The tab for the webcam of this browser. The webcam is on only while the tab is shown. */
export class WebcamPage {
  #card;
  #stream = null;
  #predictions = null;
  #attempt = 0;
  #debouncer = new EmotionDebouncer();
  #rate = new RateMeter();
  #timeline = new Timeline();
  #resultAt = -Infinity;
  #panelAt = -Infinity;

  /** `onChange` is called when the webcam is turned on or off. */
  constructor(panel, announce, onChange) {
    this.announce = announce;
    this.onChange = onChange;
    this.#card = new WebcamCard({ onStart: () => this.start(), onStop: () => this.stop(), onSelect: () => this.start() });
    const getRows = () => timelineRows("webcam", this.#timeline.seconds(Date.now()));
    panel.append(this.#card.node, element("div", { class: "tools" }, exportButtons("webcam", getRows)));
    setInterval(() => this.tick(), 1000);
  }

  get isOn() {
    return this.#stream !== null;
  }

  show() {
    const hasMediaDevices = Boolean(navigator.mediaDevices?.getUserMedia);
    const unavailable = webcamUnavailableText({ isSecureContext, hasMediaDevices, port: location.port });
    if (unavailable) this.#card.showFailure(...unavailable, { canStart: false });
    else if (!this.#stream) this.#card.showOff();
    this.tick();
  }

  hide() {
    this.stop();
  }

  async start() {
    this.#release();
    const attempt = ++this.#attempt;
    this.#card.showStarting();
    let stream;
    try {
      stream = await openWebcam(this.#card.deviceId);
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(...webcamErrorText(error));
      return;
    }
    if (attempt !== this.#attempt) {
      closeStream(stream); // the user has stopped it, or chosen another one
      return;
    }
    this.#stream = stream;
    this.onChange();
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => {
      if (this.#stream === stream) this.#fail("Webcam disconnected", "Connect it, then start again.");
    });
    const webcams = await listWebcams().catch(() => []); // without a list there is no choice of webcams
    if (this.#stream !== stream) return;
    this.#card.showRunning(stream, webcams, track.getSettings().deviceId);
    this.#resultAt = performance.now();
    this.#debouncer = new EmotionDebouncer(); // face ids start again with each connection
    this.#predictions = new PredictStream(this.#card.video, new FrameGrabber(), {
      onResponse: (response, jpeg, tookMs) => this.#onResponse(response, jpeg, tookMs),
      onState: (state) => state === "lost" && this.#onLost(),
    });
  }

  stop() {
    this.#attempt += 1;
    if (!this.#stream && !this.#card.isStarting) return;
    this.#release();
    this.#card.showOff();
  }

  tick() {
    const now = performance.now();
    this.#card.metrics.set("Frame rate", `${this.#rate.perSecond(now).toFixed(1)} fps`);
    this.#card.chart.draw(this.#timeline.seconds(Date.now()));
    this.#predictions?.reconnectIfStale();
    if (this.#stream && !document.hidden && now - this.#resultAt > STALE_MS) this.#card.stage.clear();
  }

  #onResponse(response, jpeg, tookMs) {
    const now = performance.now();
    const { stage, panel, metrics } = this.#card;
    if (!response.faces) {
      const { headline, detail } = problemText(response);
      stage.clear();
      stage.setMessage(headline, detail, { isVideoLive: true });
      panel.clear("No results");
      return;
    }
    const faces = this.#debouncer.update(displayFaces(response), now);
    this.#resultAt = now;
    this.#rate.record(now);
    this.#timeline.add(Date.now(), faces, { ageMs: tookMs });
    stage.setMessage("");
    stage.showFrame(jpeg, () => stage.boxes.show(faces, response.image));
    metrics.set("Response time", `${Math.round(tookMs)} ms`);
    if (now - this.#panelAt < PANEL_INTERVAL_MS) return;
    this.#panelAt = now;
    panel.show(faces);
  }

  #onLost() {
    // The gateway closes idle connections, and a hidden page sends nothing: that is no failure.
    if (document.hidden) return;
    this.#card.stage.clear();
    this.#card.stage.setMessage("The gateway does not respond", "Reconnecting…", { isVideoLive: true });
    this.#card.panel.clear("No results");
  }

  #fail(headline, detail) {
    this.#release();
    this.#card.showFailure(headline, detail);
    this.announce(`${headline}. ${detail}`);
  }

  #release() {
    this.#predictions?.stop();
    this.#predictions = null;
    if (!this.#stream) return;
    closeStream(this.#stream);
    this.#stream = null;
    this.onChange();
  }
}
