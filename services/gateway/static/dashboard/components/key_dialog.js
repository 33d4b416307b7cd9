import { apiKey } from "../net/api.js";
import { setText } from "./base.js";

/** Requests an API key if the gateway requires one. */
export class KeyDialog {
  #isRequired = false;

  constructor(dialog, removeButton, onKey) {
    this.dialog = dialog;
    this.removeButton = removeButton;
    this.field = dialog.querySelector("input");
    this.text = dialog.querySelector(".dialog-text");
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.field.value.trim();
      if (!key) return;
      apiKey.set(key);
      this.#isRequired = false;
      this.field.value = "";
      dialog.close();
      onKey();
    });
    // Escape does not close the dialog. Browsers close it on the second Escape all the same, so it is opened again.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => this.#isRequired && dialog.showModal());
    removeButton.addEventListener("click", () => {
      apiKey.set("");
      location.reload(); // discards all data that the key gave access to
    });
    this.showAccepted();
  }

  /** Open the dialog; if a key was sent, it was rejected. */
  request() {
    const wasRejected = apiKey.get() !== "";
    if (wasRejected) apiKey.set("");
    setText(this.text, wasRejected ? "This API key is not valid. Enter another one." : "Ask the operator of this gateway for a key.");
    this.field.setAttribute("aria-invalid", String(wasRejected));
    this.removeButton.hidden = true;
    this.#isRequired = true;
    if (!this.dialog.open) this.dialog.showModal();
  }

  showAccepted() {
    this.removeButton.hidden = apiKey.get() === "";
  }
}
