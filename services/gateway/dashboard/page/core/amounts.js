/** A time as people read it from afar. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1500) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`;
}

export function many(count) {
  return count.toLocaleString("en");
}
