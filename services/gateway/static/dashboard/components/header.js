import { element, setData, setText } from "./base.js";

const THEME_NAME = "emotion-theme";

/** The state of every service. */
export class ServiceStatus {
  #chips = new Map();

  constructor(list) {
    this.list = list;
  }

  /** `services` is the object of `/services`, or null if the gateway does not respond. */
  show(services) {
    this.#show("gateway", services !== null, services ? "responds" : "does not respond");
    for (const [name, { ok, detail }] of Object.entries(services ?? {})) this.#show(name, ok, detail);
    if (services === null) {
      for (const name of this.#chips.keys()) if (name !== "gateway") this.#show(name, null, "unknown");
    }
  }

  #show(name, ok, detail) {
    let chip = this.#chips.get(name);
    if (!chip) {
      const status = element("span", { class: "chip-status" });
      const node = element("li", { class: "chip", "data-service": name }, element("span", { class: "chip-name", text: name }), status);
      chip = { node, status };
      this.#chips.set(name, chip);
      this.list.append(node);
    }
    setData(chip.node, "tone", ok === null ? "quiet" : ok ? "good" : "bad");
    setText(chip.status, ok === null ? "unknown" : ok ? "ok" : "down");
    if (chip.node.title !== detail) chip.node.title = detail;
  }
}

/** A problem that affects the whole page, with a countdown to the next attempt. */
export class Banner {
  #timer = null;

  constructor(node, onRetry) {
    this.headline = element("strong");
    this.detail = element("span", { class: "banner-detail" });
    this.countdown = element("span", { class: "banner-countdown", "aria-hidden": "true" });
    this.button = element("button", { type: "button", class: "button", text: "Retry now", on: { click: onRetry } });
    this.node = node;
    node.append(element("p", { role: "alert" }, this.headline, " ", this.detail), this.countdown, this.button);
  }

  /** `retryAt` is the time of the next attempt in milliseconds, or null. */
  show(headline, detail = "", retryAt = null) {
    this.node.hidden = false;
    setText(this.headline, headline);
    setText(this.detail, detail);
    clearInterval(this.#timer);
    this.button.hidden = retryAt === null;
    const count = () => {
      const left = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
      setText(this.countdown, retryAt === null ? "" : left > 0 ? `Next attempt in ${left} s` : "Retrying…");
    };
    count();
    if (retryAt !== null) this.#timer = setInterval(count, 500);
  }

  hide() {
    clearInterval(this.#timer);
    this.node.hidden = true;
    setText(this.headline, "");
    setText(this.detail, "");
  }
}

/** Connect a select to the theme: the system's, light or dark. `theme.js` applies the stored choice before first paint. */
export function bindThemeSelect(select, onChange) {
  select.value = document.documentElement.dataset.theme;
  select.addEventListener("change", () => {
    document.documentElement.dataset.theme = select.value;
    try {
      localStorage.setItem(THEME_NAME, select.value);
    } catch {
      // without storage the choice lasts until the page is reloaded
    }
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}
