/** Create an element. It sets text and attributes only, so data from outside never becomes markup. */
export function element(tag, { text, class: className, on = {}, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  node.append(...children);
  return node;
}

/** Set the text of a node if it differs. An unchanged text causes no layout and no announcement by screen readers. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setData(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

/** Read colours of the style sheet as computed values, in the current colour scheme, for use on a canvas. */
export function colorReader(parent) {
  const probe = element("span", { class: "color-probe", hidden: true });
  parent.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  return { read, close: () => probe.remove() };
}

/** A list of named numbers. `metrics` maps each name to its explanation. */
export class Metrics {
  #values = new Map();

  constructor(metrics) {
    const pairs = Object.entries(metrics).map(([name, title]) => {
      const value = element("dd", { text: "–" });
      this.#values.set(name, value);
      return element("div", { title }, element("dt", { text: name }), value);
    });
    this.node = element("dl", { class: "metrics" }, ...pairs);
  }

  set(name, text) {
    setText(this.#values.get(name), text);
  }
}
