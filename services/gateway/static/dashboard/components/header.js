import { element, setData, setText } from "./base.js";

/** The state of every service, one chip each. */
export class ServicesStrip {
  #chips = new Map();

  constructor(list) {
    this.list = list;
  }

  /** `services` is what `/services` told; null where the gateway itself doesn't answer. */
  show(services) {
    this.#chip("gateway", services !== null, services ? "answers" : "doesn't answer");
    for (const [name, { ok, detail }] of Object.entries(services ?? {})) this.#chip(name, ok, detail);
    if (services === null) {
      for (const name of this.#chips.keys()) if (name !== "gateway") this.#chip(name, null, "not known");
    }
  }

  #chip(name, ok, detail) {
    let chip = this.#chips.get(name);
    if (!chip) {
      const words = element("span", { class: "chip-words" });
      chip = { node: element("li", { class: "chip" }, element("span", { class: "chip-name", text: name }), words), words };
      this.#chips.set(name, chip);
      this.list.append(chip.node);
    }
    setData(chip.node, "tone", ok === null ? "quiet" : ok ? "good" : "bad");
    setText(chip.words, ok ? "ok" : ok === null ? "?" : "down");
    if (chip.node.title !== detail) chip.node.title = detail;
  }
}

/** What is wrong with the whole, in words, above everything; and what has changed, for screen readers. */
export class Banner {
  #ticking = null;

  constructor(node, retry) {
    this.headline = element("strong");
    this.detail = element("span", { class: "banner-detail" });
    this.countdown = element("span", { class: "banner-count", "aria-hidden": "true" });
    this.button = element("button", { type: "button", class: "button", text: "Try now", on: { click: retry } });
    this.words = element("p", { role: "alert" }, this.headline, " ", this.detail);
    this.node = node;
    node.append(this.words, this.countdown, this.button);
  }

  /** Show words; with `retryAt` (milliseconds), count down to the next try. */
  show(headline, detail = "", retryAt = null) {
    this.node.hidden = false;
    setText(this.headline, headline);
    setText(this.detail, detail);
    clearInterval(this.#ticking);
    this.button.hidden = retryAt === null;
    const count = () => {
      const left = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
      setText(this.countdown, retryAt === null ? "" : left > 0 ? `Next try in ${left} s` : "Trying…");
    };
    count();
    if (retryAt !== null) this.#ticking = setInterval(count, 500);
  }

  hide() {
    clearInterval(this.#ticking);
    this.node.hidden = true;
    setText(this.headline, "");
    setText(this.detail, "");
  }
}

const NAME = "emotion-theme";

function stored() {
  try {
    return localStorage.getItem(NAME) ?? "auto";
  } catch {
    return "auto";
  }
}

/** Let a select choose between the system's scheme, light and dark; `theme.js` applies it before the page is drawn. */
export function bindThemeChoice(select, onChange) {
  select.value = stored();
  select.addEventListener("change", () => {
    document.documentElement.dataset.theme = select.value;
    try {
      localStorage.setItem(NAME, select.value);
    } catch {
      // it holds for this visit
    }
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}
