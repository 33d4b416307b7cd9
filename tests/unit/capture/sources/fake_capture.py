"""A scripted ``cv2.VideoCapture``."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Data = NDArray[np.uint8]
PIXELS: Data = np.full((48, 64, 3), 90, np.uint8)
JPEG: Data = cv2.imencode(".jpg", PIXELS)[1].reshape(1, -1).astype(np.uint8)


class FakeCapture:
    """A webcam that delivers ``raw`` without decoding and ``pixels`` with decoding."""

    def __init__(self, raw: Sequence[Data], pixels: Sequence[Data] = (), raw_supported: bool = True) -> None:
        self.properties: dict[int, float] = {}
        self.released = False
        self._raw = iter(raw)
        self._pixels = iter(pixels)
        self._raw_supported = raw_supported
        self._data: Data | None = None

    def set(self, prop: int, value: float, /) -> bool:
        self.properties[prop] = value
        return self._raw_supported or prop != cv2.CAP_PROP_CONVERT_RGB

    def grab(self) -> bool:
        raw = self._raw_supported and self.properties.get(cv2.CAP_PROP_CONVERT_RGB, 1) == 0
        self._data = next(self._raw if raw else self._pixels, None)
        return self._data is not None

    def retrieve(self) -> tuple[bool, Data | None]:
        return self._data is not None, self._data

    def release(self) -> None:
        self.released = True
