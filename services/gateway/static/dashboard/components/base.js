/** Make an element. Texts and attributes only: nothing from outside ever becomes markup. */
export function element(tag, { text, class: className, on = {}, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  made.append(...children);
  return made;
}

/** Set a text where it is another, so that screen readers and layout aren't bothered for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setData(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

/** Return what a colour of the style sheet is in the present scheme, as a canvas takes it. */
export function colourReader(within) {
  const probe = document.createElement("span");
  probe.hidden = true;
  within.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  return { read, done: () => probe.remove() };
}

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
