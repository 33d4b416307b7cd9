"""DeepFace as it comes (OpenCV's detector, onnxruntime), but for its weights; runs in DeepFace's own interpreter.

Its emotion network's weights are a download, so a network of the same shape stands for it, and what it says of a
face means nothing. Faces, alignment and preparation are DeepFace's.
"""

import importlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.peers.answering import Analyse, answer, use_one_thread
from bench.peers.deepface_network import write_network

_OTHERS = ("opencv-contrib-python-headless", "onnxruntime", "numpy")


def _prepare(home: Path) -> Analyse:
    network = home / ".deepface" / "weights" / "facial_expression_model_weights.onnx"
    write_network(network)
    os.environ["DEEPFACE_HOME"] = str(home)
    cv2, numpy = importlib.import_module("cv2"), importlib.import_module("numpy")
    cv2.setNumThreads(1)
    deepface = importlib.import_module("deepface.DeepFace")
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    emotion = importlib.import_module("deepface.modules.modeling").build_model("facial_attribute", "Emotion")
    emotion.model = runtime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])

    def analyse(jpeg: bytes) -> Sequence[Mapping[str, Any]]:
        image = cv2.imdecode(numpy.frombuffer(jpeg, numpy.uint8), cv2.IMREAD_COLOR)
        found = deepface.analyze(image, actions=("emotion",), enforce_detection=False, silent=True)
        regions = [face["region"] for face in found if face["face_confidence"]]  # none: the whole picture, with 0
        return [{"box": [int(region[side]) for side in "xywh"], "emotion": None} for region in regions]

    return analyse


if __name__ == "__main__":
    use_one_thread()
    with tempfile.TemporaryDirectory(prefix="deepface-") as folder:
        answer("deepface", _OTHERS, lambda: _prepare(Path(folder)))
