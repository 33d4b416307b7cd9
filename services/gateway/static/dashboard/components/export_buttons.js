import { SECOND_COLUMNS, toCsv, toJsonLines } from "../lib/export.js";
import { element } from "./base.js";

/** Two buttons that save the numbers shown; `rows` is asked when one is pressed. */
export function exportButtons(name, rows, columns = SECOND_COLUMNS) {
  const save = (kind, type, text) => () => download(`${name}-${stamp()}.${kind}`, type, text(rows()));
  return element(
    "div",
    { class: "buttons" },
    element("span", { class: "buttons-words", text: "Save the numbers shown:" }),
    element("button", {
      type: "button",
      class: "button",
      text: "CSV",
      "aria-label": "Save as CSV",
      on: { click: save("csv", "text/csv", (all) => toCsv(all, columns)) },
    }),
    element("button", {
      type: "button",
      class: "button",
      text: "JSON lines",
      "aria-label": "Save as JSON lines",
      on: { click: save("jsonl", "application/jsonl", toJsonLines) },
    }),
  );
}

function stamp() {
  return new Date().toISOString().slice(0, 19).replaceAll(":", "-");
}

/** Hand a text to the person as a file. */
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
