"""Writes the SavedModels for the tests: ``python -m tests.integration.serving.make_models FOLDER``.

It runs as a separate process, because TensorFlow keeps global state.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

ECHOED = (
    "bfloat16", "float16", "float32", "float64", "int8", "int16", "int32", "int64",
    "uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128",
)  # fmt: skip


def _function(body: Any, **inputs: tuple[list[int | None], str]) -> Any:
    specs = [tf.TensorSpec(shape, tf.as_dtype(dtype), name) for name, (shape, dtype) in inputs.items()]
    return tf.function(body, input_signature=specs)


def _count(steps: Any) -> Any:
    tf.debugging.assert_positive(steps, message="steps must be positive")
    return {"count": tf.while_loop(lambda i: i < steps, lambda i: (i + 1,), (tf.constant(0),))[0]}


def _echo(**values: Any) -> Any:
    return {f"{name}_out": tf.identity(value) for name, value in values.items()}


def _write_toys(folder: Path) -> None:
    module = tf.Module()
    module.two = tf.Variable(2.0)
    batch: list[int | None] = [None]
    signatures = {
        "serving_default": _function(lambda x: {"y": x / 2 + module.two}, x=(batch, "float32")),
        "pair": _function(
            lambda a, b: {"sum": a + b, "total": tf.reduce_sum(a + b)}, a=(batch, "int64"), b=(batch, "int64")
        ),
        "strings": _function(
            lambda text: {"upper": tf.strings.upper(text), "same_bytes": tf.identity(text)}, text=(batch, "string")
        ),
        "count": _function(_count, steps=([], "int32")),
        "echo": tf.function(_echo).get_concrete_function(
            **{name: tf.TensorSpec([None], tf.as_dtype(name), name) for name in ECHOED}
        ),
    }
    tf.saved_model.save(module, str(folder / "10"), signatures=signatures)
    shutil.copytree(folder / "10", folder / "9")
    (folder / "11").mkdir()
    (folder / "notes").mkdir()


def _write_adders(folder: Path, versions: tuple[int, ...]) -> None:
    """Each version adds its version number."""
    for version in versions:
        module = tf.Module()
        signatures = {
            "serving_default": _function(lambda x, number=version: {"y": x + number}, x=([None], "float32")),
            "count": _function(_count, steps=([], "int32")),
        }
        tf.saved_model.save(module, str(folder / str(version)), signatures=signatures)


def _write_rows(folder: Path) -> None:
    """Signatures whose requests can be batched, and others whose requests can't."""

    def checked(x: Any) -> Any:
        tf.debugging.assert_non_negative(x, message="x must not be negative")
        return {"y": x * 2}

    def slow(steps: Any) -> Any:
        return {"steps": steps + 0 * _count(tf.reduce_max(steps))["count"]}

    signatures = {
        "serving_default": _function(
            lambda x: {"sum": tf.reduce_sum(x, axis=1), "text": tf.strings.as_string(x[:, :1])},
            x=([None, None], "float32"),
        ),
        "checked": _function(checked, x=([None], "float32")),
        "slow": _function(slow, steps=([None], "int32")),
        "total": _function(lambda x: {"total": tf.reduce_sum(x)}, x=([None], "float32")),
        "square": _function(lambda x: {"outer": x[:, None] * x[None, :]}, x=([None], "float32")),
    }
    tf.saved_model.save(tf.Module(), str(folder / "1"), signatures=signatures)


def _write_half_plus_two(folder: Path) -> None:
    """The example model of TensorFlow Serving's documentation: y = x / 2 + 2, with an asset file.

    Like the original, it has a TensorFlow 1 graph, its default signature takes a column of numbers, and other
    signatures read ``tf.Example`` for Classify and Regress.
    """
    v1 = tf.compat.v1
    asset = folder.parent / "half_plus_two.txt"
    folder.parent.mkdir(parents=True)
    asset.write_text("contents of the file")

    def signature(given: tuple[str, Any], answered: tuple[str, Any], method: str) -> Any:
        info = v1.saved_model.utils.build_tensor_info
        ends = ({name: info(tensor)} for name, tensor in (given, answered))
        return v1.saved_model.signature_def_utils.build_signature_def(*ends, f"tensorflow/serving/{method}")

    with v1.Session(graph=tf.Graph()) as session:
        half, two = v1.get_variable("half", initializer=0.5), v1.get_variable("two", initializer=2.0)
        examples = v1.placeholder(tf.string, [None], "examples")
        features = v1.parse_example(examples, {"x": v1.FixedLenFeature([1], tf.float32)})
        x = tf.identity(features["x"])
        y = half * x + two
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, tf.constant(str(asset)))
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.builder.SavedModelBuilder(str(folder))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": signature(("x", x), ("y", y), "predict"),
                "regress_x_to_y": signature(("inputs", examples), ("outputs", y), "regress"),
                "classify_x_to_y": signature(("inputs", examples), ("scores", y), "classify"),
            },
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
        )
        builder.save()
    asset.unlink()


def _write_emotion(folder: Path, warmup_batches: tuple[int, ...]) -> None:
    module = tf.Module()

    def emotions(face: Any) -> Any:
        probabilities = tf.nn.softmax(tf.reshape(face, [-1, 48 * 48])[:, :7])
        return {"probabilities": probabilities, "reliable": tf.reduce_max(probabilities, axis=1) > 0.205}

    function = _function(emotions, face=([None, 48, 48, 1], "float32"))
    tf.saved_model.save(module, str(folder), signatures={"serving_default": function})
    (folder / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        for batch in warmup_batches:
            writer.write(_warmup_record(batch).SerializeToString())


def _warmup_record(batch: int) -> PredictionLog:
    faces = TensorProto(dtype=tf.float32.as_datatype_enum, tensor_content=bytes(batch * 48 * 48 * 4))
    for length in (batch, 48, 48, 1):
        faces.tensor_shape.dim.add(size=length)
    request = PredictRequest(model_spec=ModelSpec(name="emotion"), inputs={"face": faces})
    return PredictionLog(predict_log=PredictLog(request=request))


if __name__ == "__main__":
    out = Path(sys.argv[1])
    _write_toys(out / "toys")
    _write_adders(out / "adder", (1, 2, 3))
    _write_rows(out / "rows")
    _write_half_plus_two(out / "half_plus_two" / "00000123")
    _write_emotion(out / "emotion" / "1", (1, 4))
