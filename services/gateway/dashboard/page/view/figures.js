import { element, setText } from "./dom.js";

/** A few numbers with their names. */
export class Figures {
  #values = new Map();

  constructor(names) {
    const pairs = names.map((name) => {
      const value = element("dd", { text: "–" });
      this.#values.set(name, value);
      return element("div", {}, element("dt", { text: name }), value);
    });
    this.node = element("dl", { class: "figures" }, ...pairs);
  }

  set(name, text) {
    setText(this.#values.get(name), text);
  }
}
