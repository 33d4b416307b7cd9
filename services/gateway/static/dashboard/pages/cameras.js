import { element, setText } from "../components/base.js";
import { CameraCard } from "../components/camera_card.js";
import { exportButtons } from "../components/export_buttons.js";
import { secondRows } from "../lib/export.js";
import { pictureRate } from "../lib/rate.js";
import { FollowedCamera } from "./live_camera.js";

/** The tab of all cameras, side by side. */
export class CamerasTab {
  #followed = new Map();
  #shown = false;

  constructor(panel, announce) {
    this.announce = announce;
    this.words = element("p", { class: "empty", text: "Looking for cameras…" });
    this.grid = element("div", { class: "cameras" });
    this.tools = element("div", { class: "tools", hidden: true }, exportButtons("cameras", () => this.#rows()));
    panel.append(this.words, this.grid, this.tools);
    setInterval(() => this.tick(), 1000);
    document.addEventListener("visibilitychange", () => this.#watch());
  }

  show() {
    this.#shown = true;
    this.#watch();
    this.tick();
  }

  hide() {
    this.#shown = false;
    this.#watch();
  }

  /** Follow the cameras that `/cameras` lists; with null they aren't known now, and all stay. */
  update(views) {
    if (views === null) return;
    const listed = new Set(views.map(({ id }) => id));
    for (const [id, camera] of this.#followed) {
      if (listed.has(id)) continue;
      camera.close();
      camera.card.node.remove();
      this.#followed.delete(id);
    }
    for (const view of views) {
      if (!this.#followed.has(view.id)) this.#follow(view.id);
      this.#followed.get(view.id).know(view);
    }
    this.words.hidden = listed.size > 0;
    setText(this.words, "No camera has registered yet. As soon as one sends pictures it appears here.");
    this.tools.hidden = listed.size === 0;
    this.grid.dataset.count = String(Math.min(listed.size, 4));
    this.#watch();
  }

  /** The gateway is back, or a key is there. */
  refresh() {
    for (const camera of this.#followed.values()) camera.refresh();
  }

  tick() {
    const now = performance.now();
    for (const camera of this.#followed.values()) camera.tick(now);
  }

  #follow(id) {
    const card = new CameraCard(id);
    this.#followed.set(id, new FollowedCamera(id, card, this.announce));
    this.grid.append(card.node);
  }

  #watch() {
    const fps = this.#shown && !document.hidden ? pictureRate(this.#followed.size) : 0;
    for (const camera of this.#followed.values()) camera.watch(fps);
  }

  #rows() {
    return [...this.#followed.values()].flatMap(({ camera, timeline }) => secondRows(camera, timeline.seconds(Date.now())));
  }
}
