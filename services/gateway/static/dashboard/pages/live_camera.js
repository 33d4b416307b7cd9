import { setText } from "../components/base.js";
import { Steadiness, shownFaces } from "../lib/faces.js";
import { Pairing } from "../lib/frame_sync.js";
import { RateMeter } from "../lib/rate.js";
import { cameraState, duration, many, problemWords } from "../lib/text.js";
import { Timeline } from "../lib/timeline.js";
import { CameraFeeds } from "../net/sockets.js";

const PANEL_MS = 180;
const FRESH_MS = 1500;
const MISSED = 3;

/** One camera that is followed: its feeds, and what is kept of them. */
export class FollowedCamera {
  #pairing = new Pairing();
  #rate = new RateMeter();
  #steadiness = new Steadiness();
  #feeds;
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
    this.#feeds = new CameraFeeds(camera, {
      onObject: (object) => this.#heard(object),
      onPicture: (id, jpeg) => this.#seen(id, jpeg),
    });
  }

  /** Get pictures at this rate; none at 0, as where nobody looks. */
  watch(fps) {
    this.#fps = fps;
    this.#feeds.wantPictures(this.#mayHavePictures() ? fps : 0);
  }

  /** Take what `/cameras` tells. */
  know(view) {
    this.#known = view;
    const from = view.source ? `${view.source} · ${view.width} × ${view.height}` : "no source";
    const counts = `${many(view.published)} sent · ${many(view.dropped)} dropped by capture · ${many(view.reconnects)} reconnects`;
    setText(this.card.about, `${from} · ${view.fps.toFixed(1)} fps · ${counts}`);
    // Something always comes from such a camera: a connection without is one whose other end has gone unseen.
    if (view.state === "online") this.#feeds.refresh({ results: !this.#problem });
  }

  refresh() {
    this.#feeds.refresh();
  }

  close() {
    this.#feeds.close();
  }

  /** Once a second: what is told in numbers, and whether what is shown still holds. */
  tick(now) {
    const silentMs = now - this.#resultAt;
    const fresh = silentMs < this.#freshMs();
    const { figures } = this.card;
    figures.set("Frame rate", `${this.#rate.perSecond(now).toFixed(1)} /s`);
    figures.set("Age", duration(fresh ? this.#ageMs : silentMs + this.#ageMs));
    figures.set("Dropped", String(this.#dropped));
    this.card.chart.draw(this.timeline.seconds(Date.now()));
    if (!fresh) {
      this.card.boxes.clear();
      this.#explain();
    }
  }

  /** How long a result holds: cameras may be slow. */
  #freshMs() {
    return Math.max(FRESH_MS, (MISSED * 1000) / (this.#known?.fps || MISSED));
  }

  #mayHavePictures() {
    return this.#known?.state === "online" || performance.now() - this.#resultAt < this.#freshMs();
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

  #seen(id, jpeg) {
    this.#pictureAt = performance.now();
    this.#show(this.#pairing.addPicture(id, jpeg, this.#pictureAt));
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
    const pictureGoesOn = performance.now() - this.#pictureAt < this.#freshMs();
    const cause = word === "live" ? "" : this.#known?.last_error;
    this.card.say(headline, cause || detail, { pictureGoesOn });
    this.card.panel.clear("Nothing is seen now");
    if (wasLive) this.announce(`${this.camera}: ${headline}`);
  }
}
