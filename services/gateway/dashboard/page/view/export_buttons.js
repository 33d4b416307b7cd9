import { SECOND_COLUMNS, toCsv, toJsonLines } from "../core/exporting.js";
import { download } from "../edge/download.js";
import { element } from "./dom.js";

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
