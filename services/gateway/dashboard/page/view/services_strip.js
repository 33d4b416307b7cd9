import { element, setData, setText } from "./dom.js";

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
