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
