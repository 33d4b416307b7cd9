"""The library ``fer`` with its defaults: Haar cascade and quantised network. Runs in fer's interpreter."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from bench.competitors.worker import Predict, serve, use_one_thread

_OTHERS = ("opencv-contrib-python", "tensorflow-cpu", "numpy")


def _prepare() -> Predict:
    cv2, numpy = importlib.import_module("cv2"), importlib.import_module("numpy")
    cv2.setNumThreads(1)
    detector = importlib.import_module("fer.fer").FER()

    def predict(jpeg: bytes) -> Sequence[Mapping[str, Any]]:
        image = cv2.imdecode(numpy.frombuffer(jpeg, numpy.uint8), cv2.IMREAD_COLOR)
        found = detector.detect_emotions(image)
        return [
            {"box": [int(value) for value in face["box"]], "emotion": max(face["emotions"], key=face["emotions"].get)}
            for face in found
        ]

    return predict


if __name__ == "__main__":
    use_one_thread()
    serve("fer", _OTHERS, _prepare)
