"""DeepFace with its defaults (OpenCV's detector, onnxruntime) and random weights. Runs in DeepFace's interpreter.

The weights of its emotion network are a download, so a network of the same shape with random weights replaces it; its
emotions are meaningless. Detection, alignment and preprocessing are DeepFace's. The shape is that of
``deepface/models/demography/pytorch/Emotion.py`` in version 0.0.103: five convolutions, three dense layers.
"""

import importlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.competitors.worker import Predict, serve, use_one_thread

_CONVOLUTIONS = ((64, 1, 5), (64, 64, 3), (64, 64, 3), (128, 64, 3), (128, 128, 3))
"""Filters, channels, kernel size."""
_DENSE = ((1024, 128), (1024, 1024), (7, 1024))
_POOLS = {0: ("MaxPool", 5), 2: ("AveragePool", 3), 4: ("AveragePool", 3)}
_OPSET, _IR_VERSION = 17, 8


def write_network(path: Path) -> None:
    """Write an ONNX file: float32 [n, 48, 48, 1] → [n, 7]; the folder is created."""
    onnx = importlib.import_module("onnx")
    rng = importlib.import_module("numpy").random.default_rng(0)
    nodes: list[Any] = [onnx.helper.make_node("Transpose", ["face"], ["layer0"], perm=[0, 3, 1, 2])]
    weights: list[Any] = []

    def add(operation: str, shape: tuple[int, ...] = (), **attributes: Any) -> None:
        here = len(nodes)
        inputs = [f"layer{here - 1}"]
        if shape:
            for name, size in (("w", shape), ("b", shape[:1])):
                values = rng.normal(0, 0.05, size).astype("float32")
                weights.append(onnx.numpy_helper.from_array(values, f"{name}{here}"))
                inputs.append(f"{name}{here}")
        nodes.append(onnx.helper.make_node(operation, inputs, [f"layer{here}"], **attributes))

    for index, (filters, channels, side) in enumerate(_CONVOLUTIONS):
        add("Conv", (filters, channels, side, side))
        add("Relu")
        if index in _POOLS:
            pool, window = _POOLS[index]
            add(pool, kernel_shape=[window, window], strides=[2, 2])
    add("Flatten")
    for index, shape in enumerate(_DENSE):
        add("Gemm", shape, transB=1)
        add("Relu" if index < len(_DENSE) - 1 else "Softmax")
    float32 = onnx.TensorProto.FLOAT
    face = onnx.helper.make_tensor_value_info("face", float32, ["n", 48, 48, 1])
    scores = onnx.helper.make_tensor_value_info(f"layer{len(nodes) - 1}", float32, ["n", 7])
    graph = onnx.helper.make_graph(nodes, "emotion", [face], [scores], weights)
    opset = [onnx.helper.make_opsetid("", _OPSET)]
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION), str(path))


_OTHERS = ("opencv-contrib-python-headless", "onnxruntime", "numpy")


def _prepare(home: Path) -> Predict:
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

    def predict(jpeg: bytes) -> Sequence[Mapping[str, Any]]:
        image = cv2.imdecode(numpy.frombuffer(jpeg, numpy.uint8), cv2.IMREAD_COLOR)
        found = deepface.analyze(image, actions=("emotion",), enforce_detection=False, silent=True)
        regions = [face["region"] for face in found if face["face_confidence"]]  # 0 without a face
        return [{"box": [int(region[side]) for side in "xywh"], "emotion": None} for region in regions]

    return predict


if __name__ == "__main__":
    use_one_thread()
    with tempfile.TemporaryDirectory(prefix="deepface-") as folder:
        serve("deepface", _OTHERS, lambda: _prepare(Path(folder)))
