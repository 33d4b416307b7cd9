import { element } from "../components/base.js";
import { exportButtons } from "../components/export_buttons.js";
import { WebcamCard } from "../components/webcam_card.js";
import { secondRows } from "../lib/export.js";
import { shownFaces } from "../lib/faces.js";
import { RateMeter } from "../lib/rate.js";
import { problemWords, webcamProblem, whyNoWebcam } from "../lib/text.js";
import { Timeline } from "../lib/timeline.js";
import { Asker } from "../net/sockets.js";
import { Grabber, closeStream, listWebcams, openWebcam } from "../net/webcam.js";

const PANEL_MS = 180;
const FRESH_MS = 4000;

/** The tab of this browser's own camera. It is on only while the tab is shown and the person wants it. */
export class WebcamTab {
  #card;
  #stream = null;
  #asker = null;
  #starting = 0;
  #rate = new RateMeter();
  #timeline = new Timeline();
  #answerAt = -Infinity;
  #panelAt = -Infinity;

  /** `onSwitch` is called when the camera goes on or off. */
  constructor(panel, announce, onSwitch) {
    this.announce = announce;
    this.onSwitch = onSwitch;
    this.#card = new WebcamCard({ onStart: () => this.start(), onStop: () => this.stop() });
    const rows = () => secondRows("this browser's camera", this.#timeline.seconds(Date.now()));
    this.tools = element("div", { class: "tools" }, exportButtons("webcam", rows));
    panel.append(this.#card.node, this.tools);
    this.#card.devices.addEventListener("change", () => this.start());
    setInterval(() => this.tick(), 1000);
  }

  get isOn() {
    return this.#stream !== null;
  }

  show() {
    const reason = whyNoWebcam({
      isSecureContext,
      hasMediaDevices: Boolean(navigator.mediaDevices?.getUserMedia),
      port: location.port,
    });
    if (reason) this.#card.impossible(...reason);
    else if (!this.#stream) this.#card.off();
    this.tick();
  }

  hide() {
    this.stop();
  }

  async start() {
    this.#release();
    const turn = ++this.#starting;
    this.#card.starting();
    let stream;
    try {
      stream = await openWebcam(this.#card.devices.value);
    } catch (error) {
      if (turn === this.#starting) this.#failed(...webcamProblem(error));
      return;
    }
    if (turn !== this.#starting) {
      closeStream(stream); // the person stopped or chose another meanwhile
      return;
    }
    this.#stream = stream;
    this.onSwitch();
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => {
      if (this.#stream === stream) this.#failed("The camera went away", "It was unplugged or taken back. Connect it and start again.");
    });
    const cameras = await listWebcams().catch(() => []); // then there is no choice, and this one works
    if (this.#stream !== stream) return; // it was stopped, or went away, meanwhile
    this.#card.on(stream, cameras, track.getSettings().deviceId);
    this.#answerAt = performance.now();
    this.#asker = new Asker(this.#card.video, new Grabber(), {
      onAnswer: (answer, tookMs) => this.#answered(answer, tookMs),
      // While the page is hidden nothing is sent, and the gateway ends a silent connection: nothing is wrong then.
      onState: (state) => state === "lost" && !document.hidden && this.#card.say("The gateway can't be reached", "It is tried again all the time."),
    });
  }

  stop() {
    this.#starting += 1;
    if (!this.#stream && !this.#card.isStarting) return;
    this.#release();
    this.#card.off();
  }

  tick() {
    const now = performance.now();
    this.#card.figures.set("Frame rate", `${this.#rate.perSecond(now).toFixed(1)} /s`);
    this.#card.chart.draw(this.#timeline.seconds(Date.now()));
    this.#asker?.refresh();
    if (this.#stream && !document.hidden && now - this.#answerAt > FRESH_MS) this.#card.boxes.clear();
  }

  #answered(answer, tookMs) {
    const now = performance.now();
    if (!answer.faces) {
      const { headline, detail } = problemWords(answer);
      this.#card.say(headline, detail);
      this.#card.boxes.clear();
      return;
    }
    const faces = shownFaces(answer);
    this.#answerAt = now;
    this.#rate.count(now);
    this.#timeline.add(Date.now(), faces, { ageMs: tookMs });
    this.#card.say("");
    this.#card.boxes.show(faces, answer.image);
    this.#card.figures.set("Answer after", `${Math.round(tookMs)} ms`);
    if (now - this.#panelAt < PANEL_MS) return;
    this.#panelAt = now;
    this.#card.panel.show(faces);
  }

  #failed(headline, advice) {
    this.#release();
    this.#card.failed(headline, advice);
    this.announce(`${headline}. ${advice}`);
  }

  #release() {
    this.#asker?.stop();
    this.#asker = null;
    if (!this.#stream) return;
    closeStream(this.#stream);
    this.#stream = null;
    this.onSwitch();
  }
}
