"""From a frame or an image to the emotions of its faces."""
