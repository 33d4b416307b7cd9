import { shownFaces } from "../core/emotions.js";
import { Pairing } from "../core/pairing.js";
import { RateMeter } from "../core/rate.js";
import { Steadiness } from "../core/steadiness.js";
import { Timeline } from "../core/timeline.js";
import { cameraState, problemWords } from "../core/words.js";
import { SteadySocket } from "../edge/socket.js";
import { setText } from "../view/dom.js";

const PANEL_MS = 180;
const FRESH_MS = 1500;

/** One camera that is followed: its feeds, and what is kept of them. */
export class FollowedCamera {
  #pairing = new Pairing();
  #rate = new RateMeter();
  #steadiness = new Steadiness();
  #results;
  #pictures = null;
  #pictureId = null;
  #pictureAt = -Infinity;
  #fps = 0;
  #size = { width: 1280, height: 720 };
  #panelAt = -Infinity;
  #resultAt = -Infinity;
  #ageMs = 0;
  #dropped = 0;
  #problem = null;
  #known = null;
  #everShown = false;

  constructor(camera, card, announce) {
    this.camera = camera;
    this.card = card;
    this.announce = announce;
    this.timeline = new Timeline();
    const path = `ws/cameras/${encodeURIComponent(camera)}`;
    this.path = path;
    this.#results = new SteadySocket(path, {}, { onMessage: (text) => this.#heard(JSON.parse(text)) });
  }

  /** Get pictures at this rate; none at 0, as where nobody looks. */
  watch(fps) {
    this.#fps = fps;
    const wanted = fps && this.#mayHavePictures() ? fps : 0;
    if ((this.#pictures?.parameters.fps ?? 0) === wanted) return;
    this.#pictures?.close();
    this.#pictures = wanted ? new SteadySocket(`${this.path}/video`, { fps }, { onMessage: (data) => this.#seen(data) }) : null;
  }

  /** Take what `/cameras` tells. */
  know(view) {
    this.#known = view;
    const from = view.source ? `${view.source} · ${view.width} × ${view.height}` : "no source";
    const counts = `${view.published} sent · ${view.dropped} dropped by capture · ${view.reconnects} reconnects`;
    setText(this.card.about, `${from} · ${view.fps.toFixed(1)} fps · ${counts}`);
  }

  refresh() {
    this.#results.refresh();
    this.#pictures?.refresh();
  }

  close() {
    this.#results.close();
    this.#pictures?.close();
  }

  /** Once a second: what is told in numbers, and whether what is shown still holds. */
  tick(now) {
    const silentMs = now - this.#resultAt;
    const fresh = silentMs < FRESH_MS;
    const { figures } = this.card;
    figures.set("Frame rate", `${this.#rate.perSecond(now).toFixed(1)} /s`);
    figures.set("Age", fresh ? `${Math.round(this.#ageMs)} ms` : age(silentMs + this.#ageMs));
    figures.set("Dropped", String(this.#dropped));
    this.card.chart.draw(this.timeline.seconds(Date.now()));
    if (!fresh) {
      this.card.boxes.clear();
      this.#explain();
    }
  }

  #mayHavePictures() {
    return this.#known?.state === "online" || performance.now() - this.#resultAt < FRESH_MS;
  }

  #heard(message) {
    if (message.event === "status") {
      this.#problem = message.state === "problem" ? message.problem : null;
      if (this.#problem) this.#explain();
      return;
    }
    const now = performance.now();
    const faces = this.#steadiness.settle(shownFaces(message), now);
    const dropped = message.dropped.detect + message.dropped.infer + message.dropped.viewer;
    this.#rate.count(now);
    this.#problem = null;
    this.#resultAt = now;
    this.#ageMs = message.source.age_ms;
    this.#dropped += dropped;
    this.timeline.add(Date.now(), faces, { ageMs: message.source.age_ms, dropped });
    this.#size = message.image;
    this.#show(this.#pairing.addResult(message.source.frame_id, faces, now));
    this.#live();
    if (now - this.#panelAt < PANEL_MS) return;
    this.#panelAt = now;
    this.card.panel.show(faces);
  }

  #seen(data) {
    if (typeof data === "string") {
      this.#pictureId = JSON.parse(data).frame_id;
    } else {
      this.#pictureAt = performance.now();
      this.#show(this.#pairing.addPicture(this.#pictureId, data, performance.now()));
    }
  }

  #show(ready) {
    if (!ready) return;
    const { picture, result } = ready;
    const mark = () => (result ? this.card.boxes.show(result, this.#size) : this.card.boxes.clear());
    if (picture) this.card.picture.show(picture, mark);
    else mark();
  }

  #live() {
    if (this.card.words.hidden) return;
    this.card.say("");
    this.card.setState("live", "good");
    if (this.#everShown) this.announce(`${this.camera} is live again`);
    this.#everShown = true;
    this.watch(this.#fps);
  }

  #explain() {
    const wasLive = this.card.words.hidden;
    const [word, tone] = cameraState(this.#known?.state ?? "waiting");
    const { headline, detail } = this.#problem ? problemWords(this.#problem) : { headline: "Waiting for results…", detail: "" };
    this.card.setState(word === "live" ? "no results" : word, word === "live" ? "warn" : tone);
    const pictureGoesOn = performance.now() - this.#pictureAt < FRESH_MS;
    this.card.say(headline, this.#known?.last_error || detail, { pictureGoesOn });
    this.card.panel.clear("Nothing is seen now");
    if (wasLive) this.announce(`${this.camera}: ${headline}`);
  }
}

function age(ms) {
  if (!Number.isFinite(ms)) return "–";
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`;
}
