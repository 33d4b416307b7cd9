import { setText } from "./base.js";

/** Requests an API key if the gateway requires one. */
export class KeyDialog {
  #isRequired = false;

  /** `store` keeps the key; `onKey` is called after one was entered. */
  constructor(dialog, removeButton, { store, onKey }) {
    this.store = store;
    this.dialog = dialog;
    this.removeButton = removeButton;
    this.field = dialog.querySelector("input");
    this.text = dialog.querySelector(".dialog-text");
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.field.value.trim();
      if (!key) return;
      store.set(key);
      this.#isRequired = false;
      this.field.value = "";
      dialog.close();
      onKey();
    });
    // Escape does not close the dialog. Browsers close it on the second Escape all the same, so it is opened again.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => this.#isRequired && dialog.showModal());
    removeButton.addEventListener("click", () => {
      store.set("");
      location.reload(); // discards all data that the key gave access to
    });
    this.showAccepted();
  }

  /** Open the dialog; if a key was sent, it was rejected. */
  request() {
    const wasRejected = this.store.get() !== "";
    if (wasRejected) this.store.set("");
    setText(this.text, wasRejected ? "This API key is not valid. Enter another one." : "Ask the operator of this gateway for a key.");
    this.field.setAttribute("aria-invalid", String(wasRejected));
    this.removeButton.hidden = true;
    this.#isRequired = true;
    if (!this.dialog.open) this.dialog.showModal();
  }

  showAccepted() {
    this.removeButton.hidden = this.store.get() === "";
  }
}
