import { TIMELINE_COLUMNS, toCsv, toJsonLines } from "../lib/export.js";
import { element } from "./base.js";

const REVOKE_AFTER_MS = 10_000;

/** Two buttons that download the data of a tab; `getRows` is called on each click. */
export function exportButtons(name, getRows, columns = TIMELINE_COLUMNS) {
  const button = (label, extension, type, encode) => {
    const onClick = () => download(`${name}-${timestamp()}.${extension}`, type, encode(getRows()));
    return element("button", { type: "button", class: "button", text: label, "aria-label": `Download ${label}`, on: { click: onClick } });
  };
  return element(
    "div",
    { class: "buttons" },
    element("span", { class: "buttons-label", text: "Download data:" }),
    button("CSV", "csv", "text/csv", (rows) => toCsv(rows, columns)),
    button("JSON Lines", "jsonl", "application/jsonl", toJsonLines),
  );
}

function timestamp() {
  return new Date().toISOString().slice(0, 19).replaceAll(":", "-");
}

function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS);
}
