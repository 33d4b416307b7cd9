/**
 * Tabs as the ARIA Authoring Practices describe them: arrows move and choose, Home and End too.
 *
 * A tab's name is its id without `tab-`; it stands in the address, so that a tab can be linked to.
 */
export class TabList {
  #tabs;

  /** `onChange` gets the names of the tab that is left, or null, and of the one that is shown. */
  constructor(list, onChange) {
    this.#tabs = [...list.querySelectorAll("[role=tab]")];
    this.onChange = onChange;
    this.shown = null;
    list.addEventListener("keydown", (event) => this.#key(event));
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.choose(nameOf(tab)));
    addEventListener("hashchange", () => this.#fromAddress());
    this.#fromAddress();
  }

  choose(name) {
    if (name === this.shown) return;
    for (const tab of this.#tabs) {
      const chosen = nameOf(tab) === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
    }
    const left = this.shown;
    this.shown = name;
    if (left !== null) history.replaceState(null, "", `#${name}`);
    this.onChange(left, name);
  }

  #fromAddress() {
    const named = this.#tabs.find((tab) => `#${nameOf(tab)}` === location.hash);
    if (named || this.shown === null) this.choose(nameOf(named ?? this.#tabs[0]));
  }

  #key(event) {
    const at = this.#tabs.findIndex((tab) => tab === document.activeElement);
    const last = this.#tabs.length - 1;
    const to = { ArrowRight: at < last ? at + 1 : 0, ArrowLeft: at > 0 ? at - 1 : last, Home: 0, End: last }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    this.#tabs[to].focus();
    this.choose(nameOf(this.#tabs[to]));
  }
}

function nameOf(tab) {
  return tab.id.replace("tab-", "");
}
