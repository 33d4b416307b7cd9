import { element, setText } from "./dom.js";

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
