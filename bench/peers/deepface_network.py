"""Writes a network of the shape of DeepFace's emotion network, with weights by chance; runs in DeepFace's interpreter.

Its own weights are a download, and what a network costs doesn't depend on them. The shape is DeepFace's
(``deepface/models/demography/pytorch/Emotion.py`` in version 0.0.103): five convolutions, three dense layers.
"""

import importlib
from pathlib import Path
from typing import Any

_CONVOLUTIONS = ((64, 1, 5), (64, 64, 3), (64, 64, 3), (128, 64, 3), (128, 128, 3))
"""Filters, channels, side."""
_DENSE = ((1024, 128), (1024, 1024), (7, 1024))
_POOLS = {0: ("MaxPool", 5), 2: ("AveragePool", 3), 4: ("AveragePool", 3)}
_OPSET, _IR_VERSION = 17, 8


def write_network(path: Path) -> None:
    """Write an ONNX file: float32 [n, 48, 48, 1] → [n, 7]; the folder is made."""
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
