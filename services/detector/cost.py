"""Which images may keep a worker busy for long."""

from services.runtime.images import ImageFormat, read_header

MAX_LIGHT_JPEG_BYTES = 4 * 1024 * 1024
"""A frame of a camera is shorter. Longer files aren't read through here: that would hold up the event loop."""

MAX_LIGHT_SCANNED_PIXELS = 20_000_000
"""Pixels times scans of a JPEG: a frame of 4K has 8.3 million and one scan. Decoding takes up to 0.3 s."""

MAX_LIGHT_PNG_BYTES = 64 * 1024
"""These may inflate to 64 MB, in 0.2 s; of a longer file only the decoder finds out."""

MAX_LIGHT_WEBP_BYTES = 1024 * 1024
MAX_LIGHT_WEBP_PIXELS = 4_000_000


def is_heavy(image: bytes, pixel_limit: int) -> bool:
    """Tell whether working on an image may take longer than on a frame of a camera.

    It takes less than a millisecond and a half, and 23 µs for an ordinary frame.

    Args:
        image: A JPEG, PNG or WebP file.
        pixel_limit: Most pixels it may have.

    Raises:
        InvalidImageError: It is none of these, or malformed; long files aren't looked at.
        ImageTooLargeError: It has too many pixels or scans, likewise.
    """
    if len(image) > MAX_LIGHT_JPEG_BYTES:
        return True
    header = read_header(image, pixel_limit)
    pixels = header.width * header.height
    if header.format is ImageFormat.JPEG:
        return pixels * header.scans > MAX_LIGHT_SCANNED_PIXELS
    if header.format is ImageFormat.PNG:
        return len(image) > MAX_LIGHT_PNG_BYTES
    return pixels > MAX_LIGHT_WEBP_PIXELS or len(image) > MAX_LIGHT_WEBP_BYTES
