/** Whether a frame comes after another: ids are Redis's, milliseconds and a count. */
export function isAfter(id, other) {
  const [ms, count] = id.split("-").map(Number);
  const [otherMs, otherCount] = other.split("-").map(Number);
  return ms > otherMs || (ms === otherMs && count > otherCount);
}
