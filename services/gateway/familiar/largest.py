"""Which faces come first where an API says: the largest."""

from collections.abc import Sequence

from services.contracts.prediction import FaceEmotion


def largest_first(faces: Sequence[FaceEmotion]) -> list[FaceEmotion]:
    """Return the faces by area; where two are the same the one that the detector is surer of comes first."""
    return sorted(faces, key=lambda face: face.box.w * face.box.h, reverse=True)
