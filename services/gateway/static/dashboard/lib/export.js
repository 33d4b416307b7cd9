import { EMOTIONS } from "./faces.js";

/** Columns of a timeline export: one row per second. */
export const TIMELINE_COLUMNS = [
  "time", "source", "results", "faces", "dropped", "age_ms", "emotion", "confidence", "reliable", ...EMOTIONS,
];

/** Columns of an image export: one row per face. */
export const IMAGE_COLUMNS = [
  "image", "face", "x", "y", "w", "h", "emotion", "confidence", "reliable", ...EMOTIONS, "problem",
];

/** Rows of a timeline. Seconds without a result are left out. */
export function timelineRows(source, seconds) {
  return seconds.filter(Boolean).map((second) => ({
    time: new Date(second.second * 1000).toISOString(),
    source,
    results: second.results,
    faces: second.faces,
    dropped: second.dropped,
    age_ms: second.ageMs === null ? null : Math.round(second.ageMs),
    emotion: second.emotion,
    confidence: second.confidence ?? null,
    reliable: second.reliable ?? null,
    ...Object.fromEntries(EMOTIONS.map((emotion) => [emotion, second.probabilities?.[emotion] ?? null])),
  }));
}

/** Rows of one image. An image without a face, or with a problem, has one row without face columns. */
export function imageRows(name, faces, problem = null) {
  const row = (face, index) => ({
    image: name,
    face: face ? index + 1 : null,
    x: face?.box.x ?? null,
    y: face?.box.y ?? null,
    w: face?.box.w ?? null,
    h: face?.box.h ?? null,
    emotion: face?.emotion ?? null,
    confidence: face?.confidence ?? null,
    reliable: face?.reliable ?? null,
    ...Object.fromEntries(EMOTIONS.map((emotion) => [emotion, face?.probabilities[emotion] ?? null])),
    problem,
  });
  return faces.length > 0 ? faces.map(row) : [row(null, 0)];
}

export function toJsonLines(rows) {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** CSV according to RFC 4180. */
export function toCsv(rows, columns) {
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((cells) => `${cells.map(csvCell).join(",")}\r\n`)
    .join("");
}

function csvCell(value) {
  if (value === null || value === undefined) return "";
  let text = String(value);
  // Spreadsheets evaluate a text that starts like this as a formula.
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
