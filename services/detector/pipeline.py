"""The way of one image: decode, search, crop."""

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import DetectedFace, Detection, DetectTimings, Searched
from services.contracts.geometry import ImageSize
from services.detector.images import decode_gray
from services.detector.options import Where, encode_overview
from services.detector.preprocess import face_pixels, sharpness
from services.detector.search import FaceSearch
from services.detector.two_stage import Candidate


def detect(data: bytes, where: Where, search: FaceSearch, pixel_limit: int) -> Detection:
    """Find the faces of an image.

    Args:
        data: A JPEG, PNG or WebP file.
        where: Where to look.
        search: How to look for faces.
        pixel_limit: Most pixels the image may have.

    Raises:
        InvalidImageError: It can't be decoded.
        ImageTooLargeError: It has too many pixels.
    """
    started = perf_counter()
    gray = decode_gray(data, pixel_limit)
    decoded = perf_counter()
    searched, candidates, overview = _looked(gray, where, search)
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
    return Detection(ImageSize(width, height), searched, tuple(faces), timings, overview)


def _looked(gray: NDArray[np.uint8], where: Where, search: FaceSearch) -> tuple[Searched, list[Candidate], str | None]:
    if not where.follows:
        return *search.run(gray, where.near, where.elsewhere), None
    searched, candidates, overview = search.run_since(gray, where.before, where.near)
    return searched, candidates, encode_overview(overview)
