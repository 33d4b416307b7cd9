import { setText } from "../components/base.js";
import { displayFaces, EmotionDebouncer } from "../lib/faces.js";
import { FrameSync } from "../lib/frame_sync.js";
import { RateMeter } from "../lib/rate.js";
import { cameraStateTone, formatCount, formatDuration, problemText } from "../lib/text.js";
import { Timeline } from "../lib/timeline.js";
import { CameraFeeds } from "../net/sockets.js";

const PANEL_INTERVAL_MS = 180;
const MIN_STALE_MS = 1500;
const MISSED_FRAMES = 3;

/** Connects the live feeds of one camera with its card. */
export class LiveCamera {
  #sync = new FrameSync();
  #rate = new RateMeter();
  #debouncer = new EmotionDebouncer();
  #feeds;
  #frameAt = -Infinity;
  #videoRate = 0;
  #imageSize = { width: 1280, height: 720 };
  #panelAt = -Infinity;
  #resultAt = -Infinity;
  #ageMs = 0;
  #dropped = 0;
  #problem = null;
  #info = null;
  #wasOnline = false;

  constructor(id, card, announce) {
    this.id = id;
    this.card = card;
    this.announce = announce;
    this.timeline = new Timeline();
    this.#feeds = new CameraFeeds(id, {
      onObject: (object) => (object.event === "status" ? this.#onStatus(object) : this.#onResult(object)),
      onFrame: (frameId, jpeg) => this.#onFrame(frameId, jpeg),
    });
  }

  /** Set the frame rate of the video; 0 while the card is not visible. */
  setVideoRate(fps) {
    this.#videoRate = fps;
    this.#feeds.setVideoRate(this.#mayHaveVideo() ? fps : 0);
  }

  /** Update the card from an entry of `/cameras`. */
  setInfo(info) {
    this.#info = info;
    const source = info.source ? `${info.source} · ${info.width} × ${info.height}` : "no source";
    const { published, dropped, reconnects } = info;
    const counts = `${formatCount(published)} frames sent · ${formatCount(dropped)} dropped by capture · ${formatCount(reconnects)} reconnects`;
    setText(this.card.about, `${source} · ${info.fps.toFixed(1)} fps · ${counts}`);
    // An online camera sends something all the time, so a silent connection to it is a dead one.
    if (info.state === "online") this.#feeds.reconnectIfStale({ results: !this.#problem });
  }

  reconnectIfStale() {
    this.#feeds.reconnectIfStale();
  }

  close() {
    this.#feeds.close();
  }

  /** Called every second: update the metrics, and the state if results have stopped. */
  tick(now) {
    const silentMs = now - this.#resultAt;
    const isFresh = silentMs < this.#staleMs();
    const { metrics, chart, stage } = this.card;
    metrics.set("Frame rate", `${this.#rate.perSecond(now).toFixed(1)} fps`);
    metrics.set("Age", formatDuration(isFresh ? this.#ageMs : silentMs + this.#ageMs));
    metrics.set("Dropped", formatCount(this.#dropped));
    chart.draw(this.timeline.seconds(Date.now()));
    if (isFresh) return;
    stage.boxes.clear();
    this.#showNoResults();
  }

  /** How long a result is displayed. Slow cameras get the time of three frames. */
  #staleMs() {
    return Math.max(MIN_STALE_MS, (MISSED_FRAMES * 1000) / (this.#info?.fps || MISSED_FRAMES));
  }

  #mayHaveVideo() {
    return this.#info?.state === "online" || performance.now() - this.#resultAt < this.#staleMs();
  }

  #onStatus({ state, problem }) {
    this.#problem = state === "problem" ? problem : null;
    if (this.#problem) this.#showNoResults();
  }

  #onResult(result) {
    const now = performance.now();
    const faces = this.#debouncer.update(displayFaces(result), now);
    const dropped = result.dropped.detect + result.dropped.infer + result.dropped.viewer;
    this.#rate.record(now);
    this.#problem = null;
    this.#resultAt = now;
    this.#ageMs = result.source.age_ms;
    this.#dropped += dropped;
    this.#imageSize = result.image;
    this.timeline.add(Date.now(), faces, { ageMs: this.#ageMs, dropped });
    this.#show(this.#sync.addResult(result.source.frame_id, faces, now));
    this.#showOnline();
    if (now - this.#panelAt < PANEL_INTERVAL_MS) return;
    this.#panelAt = now;
    this.card.panel.show(faces);
  }

  #onFrame(frameId, jpeg) {
    this.#frameAt = performance.now();
    this.#show(this.#sync.addFrame(frameId, jpeg, this.#frameAt));
  }

  #show(pair) {
    if (!pair) return;
    const { stage } = this.card;
    const showBoxes = () => (pair.result ? stage.boxes.show(pair.result, this.#imageSize) : stage.boxes.clear());
    if (pair.frame) stage.showFrame(pair.frame, showBoxes);
    else showBoxes();
  }

  #showOnline() {
    const { stage } = this.card;
    if (stage.message.hidden) return;
    stage.setMessage("");
    this.card.setState("online", "good");
    if (this.#wasOnline) this.announce(`${this.id} is online again`);
    this.#wasOnline = true;
    this.setVideoRate(this.#videoRate);
  }

  #showNoResults() {
    const { stage, panel } = this.card;
    const hadResults = stage.message.hidden;
    const state = this.#info?.state ?? "connecting";
    const { headline, detail } = this.#problem ? problemText(this.#problem) : { headline: "Waiting for results…", detail: "" };
    if (state === "online") this.card.setState("no results", "warn");
    else this.card.setState(state, cameraStateTone(state));
    const isVideoLive = performance.now() - this.#frameAt < this.#staleMs();
    const cameraError = state === "online" ? "" : this.#info?.last_error;
    stage.setMessage(headline, cameraError ? `Last error: ${cameraError}. See docs/cameras.md for solutions.` : detail, { isVideoLive });
    panel.clear("No results");
    if (hadResults) this.announce(`${this.id}: ${headline}`);
  }
}
