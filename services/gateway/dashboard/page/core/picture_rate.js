/** Pictures a second for each camera: fewer where many share the line and the browser. */
export function pictureRate(cameras) {
  if (cameras <= 1) return 25;
  if (cameras <= 4) return 12;
  return cameras <= 9 ? 6 : 3;
}
