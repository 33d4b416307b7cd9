const READ = ["image/jpeg", "image/png", "image/webp"];

/** The media type to send a file with: the gateway looks at its bytes where the browser isn't sure. */
export function mediaTypeToSend(type) {
  return READ.includes(type) ? type : "application/octet-stream";
}
