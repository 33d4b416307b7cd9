"""The ``fer`` library as it comes: Haar cascade and its quantised network. Runs in fer's own interpreter."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from bench.competitors.worker import Analyse, answer, use_one_thread

_OTHERS = ("opencv-contrib-python", "tensorflow-cpu", "numpy")


def _prepare() -> Analyse:
    cv2, numpy = importlib.import_module("cv2"), importlib.import_module("numpy")
    cv2.setNumThreads(1)
    detector = importlib.import_module("fer.fer").FER()

    def analyse(jpeg: bytes) -> Sequence[Mapping[str, Any]]:
        image = cv2.imdecode(numpy.frombuffer(jpeg, numpy.uint8), cv2.IMREAD_COLOR)
        found = detector.detect_emotions(image)
        return [
            {"box": [int(value) for value in face["box"]], "emotion": max(face["emotions"], key=face["emotions"].get)}
            for face in found
        ]

    return analyse


if __name__ == "__main__":
    use_one_thread()
    answer("fer", _OTHERS, _prepare)
