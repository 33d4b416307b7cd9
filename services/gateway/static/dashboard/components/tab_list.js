/**
 * Tabs with the keyboard behaviour of the ARIA Authoring Practices: arrow keys, Home and End select a tab.
 *
 * The name of a tab is its id without `tab-`. The selected tab is in the URL's fragment, so tabs can be linked to.
 */
export class TabList {
  #tabs;
  #selected = null;

  /** `onChange` gets the names of the previous tab, or null, and of the selected one. */
  constructor(list, onChange) {
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    this.onChange = onChange;
    list.addEventListener("keydown", (event) => this.#onKey(event));
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.select(nameOf(tab)));
    addEventListener("hashchange", () => this.#selectFromUrl());
    this.#selectFromUrl();
  }

  select(name) {
    if (name === this.#selected) return;
    for (const tab of this.#tabs) {
      const isSelected = nameOf(tab) === name;
      tab.setAttribute("aria-selected", String(isSelected));
      tab.tabIndex = isSelected ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !isSelected;
    }
    const previous = this.#selected;
    this.#selected = name;
    if (previous !== null) history.replaceState(null, "", `#${name}`);
    this.onChange(previous, name);
  }

  #selectFromUrl() {
    const linked = this.#tabs.find((tab) => `#${nameOf(tab)}` === location.hash);
    if (linked || this.#selected === null) this.select(nameOf(linked ?? this.#tabs[0]));
  }

  #onKey(event) {
    const index = this.#tabs.findIndex((tab) => tab === document.activeElement);
    const last = this.#tabs.length - 1;
    const next = { ArrowRight: index < last ? index + 1 : 0, ArrowLeft: index > 0 ? index - 1 : last, Home: 0, End: last }[event.key];
    if (index < 0 || next === undefined) return;
    event.preventDefault();
    this.#tabs[next].focus();
    this.select(nameOf(this.#tabs[next]));
  }
}

function nameOf(tab) {
  return tab.id.replace("tab-", "");
}
