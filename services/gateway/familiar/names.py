"""Which familiar APIs there are."""

from enum import StrEnum


class FamiliarApi(StrEnum):
    """An API of another product, by the name that the setting gives it."""

    DEEPFACE = "deepface"
    COMPREFACE = "compreface"
    REKOGNITION = "rekognition"
    OPEN_INFERENCE = "open-inference"
