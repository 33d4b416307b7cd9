import { element, setText } from "../components/base.js";
import { CameraCard } from "../components/camera_card.js";
import { exportButtons } from "../components/export_buttons.js";
import { timelineRows } from "../lib/export.js";
import { videoFrameRate } from "../lib/rate.js";
import { LiveCamera } from "./live_camera.js";

/** The tab with all cameras. */
export class CamerasPage {
  #cameras = new Map();
  #isShown = false;

  constructor(panel, announce) {
    this.announce = announce;
    this.message = element("p", { class: "empty", text: "Loading cameras…" });
    this.grid = element("div", { class: "cameras" });
    this.tools = element("div", { class: "tools", hidden: true }, exportButtons("cameras", () => this.#rows()));
    panel.append(this.message, this.grid, this.tools);
    setInterval(() => this.tick(), 1000);
    document.addEventListener("visibilitychange", () => this.#updateVideoRate());
  }

  show() {
    this.#isShown = true;
    this.#updateVideoRate();
    this.tick();
  }

  hide() {
    this.#isShown = false;
    this.#updateVideoRate();
  }

  /** Show the cameras of `/cameras`. Null means that the list is unavailable: the cards stay. */
  update(cameras) {
    if (cameras === null) return;
    const listed = new Set(cameras.map(({ id }) => id));
    for (const [id, camera] of this.#cameras) {
      if (listed.has(id)) continue;
      camera.close();
      camera.card.node.remove();
      this.#cameras.delete(id);
    }
    for (const info of cameras) {
      if (!this.#cameras.has(info.id)) this.#add(info.id);
      this.#cameras.get(info.id).setInfo(info);
    }
    this.message.hidden = listed.size > 0;
    setText(this.message, "No camera is registered. A camera appears here when its first frame arrives.");
    this.tools.hidden = listed.size === 0;
    this.grid.dataset.count = String(Math.min(listed.size, 4));
    this.#updateVideoRate();
  }

  /** Reconnect stale feeds after the gateway was unreachable or a key was entered. */
  reconnectIfStale() {
    for (const camera of this.#cameras.values()) camera.reconnectIfStale();
  }

  tick() {
    const now = performance.now();
    for (const camera of this.#cameras.values()) camera.tick(now);
  }

  #add(id) {
    const card = new CameraCard(id);
    this.#cameras.set(id, new LiveCamera(id, card, this.announce));
    this.grid.append(card.node);
  }

  #updateVideoRate() {
    const fps = this.#isShown && !document.hidden ? videoFrameRate(this.#cameras.size) : 0;
    for (const camera of this.#cameras.values()) camera.setVideoRate(fps);
  }

  #rows() {
    return [...this.#cameras.values()].flatMap(({ id, timeline }) => timelineRows(id, timeline.seconds(Date.now())));
  }
}
