"""Detection in one image: decode, search, crop."""

from time import perf_counter

import numpy as np

from services.contracts.detection import DetectedFace, Detection, DetectTimings
from services.contracts.geometry import ImageSize
from services.detector.images import decode_gray
from services.detector.options import REFERENCE_COLUMNS, DetectOptions, encode_reference
from services.detector.preprocess import crop_face, sharpness
from services.detector.search import FaceDetector


def detect(data: bytes, options: DetectOptions, detector: FaceDetector, pixel_limit: int) -> Detection:
    """Find the faces of an image.

    Args:
        data: A JPEG, PNG or WebP file.
        options: Which part of it is searched.
        detector: Finds faces in the decoded image.
        pixel_limit: Most pixels that the image may have.

    Raises:
        InvalidImageError: It can't be decoded.
        ImageTooLargeError: It has too many pixels.
    """
    started = perf_counter()
    gray = decode_gray(data, pixel_limit)
    decoded = perf_counter()
    reference = None
    if options.incremental:
        before = None
        if options.reference is not None:
            before = np.frombuffer(options.reference, np.uint8).reshape(-1, REFERENCE_COLUMNS)
        scope, candidates, cells = detector.detect_changed(gray, before, options.rois)
        reference = encode_reference(cells.tobytes())
    else:
        scope, candidates = detector.detect(gray, options.rois, options.fallback_full)
    searched = perf_counter()
    faces = []
    for candidate in candidates:
        pixels = crop_face(gray, candidate.box)
        faces.append(DetectedFace(candidate.box, candidate.weight, sharpness(pixels), pixels.tobytes()))
    done = perf_counter()
    height, width = gray.shape
    timings = DetectTimings(
        decode=(decoded - started) * 1e3,
        search=(searched - decoded) * 1e3,
        crop=(done - searched) * 1e3,
        total=(done - started) * 1e3,
    )
    return Detection(ImageSize(width, height), scope, tuple(faces), timings, reference)
