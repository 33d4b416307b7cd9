import { keyStore } from "../net/api.js";
import { setText } from "./base.js";

/** Asks for an API key where the gateway wants one. */
export class KeyDialog {
  isWanted = false;

  constructor(dialog, forget, onKey) {
    this.dialog = dialog;
    this.forget = forget;
    this.field = dialog.querySelector("input");
    this.words = dialog.querySelector(".dialog-words");
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.field.value.trim();
      if (!key) return;
      keyStore.set(key);
      this.isWanted = false;
      this.field.value = "";
      dialog.close();
      onKey();
    });
    // Nothing works without a key, so Escape doesn't close it; browsers insist on the second one.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => this.isWanted && dialog.showModal());
    forget.addEventListener("click", () => {
      keyStore.set("");
      location.reload(); // so that nothing stays that the key has shown
    });
    this.accepted();
  }

  /** Ask; say so where a key was given and isn't known. */
  ask() {
    const wrong = keyStore.get() !== "";
    if (wrong) keyStore.set("");
    setText(this.words, wrong ? "That key isn't known. Try another one." : "This gateway asks for a key. Whoever runs it has one.");
    this.field.setAttribute("aria-invalid", String(wrong));
    this.forget.hidden = true;
    this.isWanted = true;
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** The key, if there is one, was good. */
  accepted() {
    this.forget.hidden = keyStore.get() === "";
  }
}
