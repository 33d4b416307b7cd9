"""The way of one image: decode, search, crop."""

from collections.abc import Sequence
from time import perf_counter

from services.contracts.detection import DetectedFace, Detection, DetectTimings
from services.contracts.geometry import Box, ImageSize
from services.detector.images import decode_gray
from services.detector.preprocess import face_pixels, sharpness
from services.detector.search import FaceSearch


def detect(
    data: bytes, hints: Sequence[Box], search: FaceSearch, pixel_limit: int, elsewhere: bool = True
) -> Detection:
    """Find the faces of an image.

    Args:
        data: A JPEG, PNG or WebP file.
        hints: Where faces were in the frame before.
        search: How to look for faces.
        pixel_limit: Most pixels the image may have.
        elsewhere: Whether to search everywhere where a hint yields nothing.

    Raises:
        InvalidImageError: It can't be decoded.
        ImageTooLargeError: It has too many pixels.
    """
    started = perf_counter()
    gray = decode_gray(data, pixel_limit)
    decoded = perf_counter()
    searched, candidates = search.run(gray, hints, elsewhere)
    found = perf_counter()
    faces = []
    for candidate in candidates:
        pixels = face_pixels(gray, candidate.box)
        faces.append(DetectedFace(candidate.box, candidate.weight, sharpness(pixels), pixels))
    done = perf_counter()
    height, width = gray.shape
    timings = DetectTimings(
        decode=(decoded - started) * 1e3,
        search=(found - decoded) * 1e3,
        crop=(done - found) * 1e3,
        total=(done - started) * 1e3,
    )
    return Detection(ImageSize(width, height), searched, tuple(faces), timings)
