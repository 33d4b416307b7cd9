"""An exported model, called through its signatures as TensorFlow Serving does."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.contracts.model import INPUT_FACE, OUTPUT_PROBABILITIES, OUTPUT_RELIABLE, SIGNATURE_NAME
from training.export.registry import ModelError
from training.metrics import Predictions

UNCALIBRATED_SIGNATURE = "uncalibrated"
"""Signature with the network's own ``probabilities``."""

# Constants made by the exporting function are numbered; those made by layers have other names.
_CONSTANT = re.compile(r"Const(?:_(\d+))?")


class ServedModel:
    """A loaded SavedModel."""

    def __init__(self, directory: Path) -> None:
        """Load a version.

        Raises:
            ModelError: The directory holds no SavedModel with both signatures.
        """
        try:
            # Kept, because the functions are valid only as long as the loaded object.
            self._loaded = tf.saved_model.load(str(directory))
            self.signature = self._loaded.signatures[SIGNATURE_NAME]
            self._uncalibrated = self._loaded.signatures[UNCALIBRATED_SIGNATURE]
        except OSError as error:
            raise ModelError(f"{directory} holds no SavedModel: {error}") from error
        except KeyError as error:
            raise ModelError(f"{directory} has no signature {error.args[0]}") from error

    def predict(self, faces: NDArray[np.float32], batch_size: int = 256) -> Predictions:
        """Return the predictions for float32 [n, 48, 48, 1] faces in [0, 1]; n is at least 1."""
        outputs = _call(self.signature, faces, batch_size)
        return Predictions(
            np.concatenate([output[OUTPUT_PROBABILITIES].numpy() for output in outputs]),
            np.concatenate([output[OUTPUT_RELIABLE].numpy() for output in outputs]),
        )

    def predict_uncalibrated(self, faces: NDArray[np.float32], batch_size: int = 256) -> NDArray[np.float32]:
        """Return the network's own probabilities, float32 [n, 7]."""
        outputs = _call(self._uncalibrated, faces, batch_size)
        return np.concatenate([output[OUTPUT_PROBABILITIES].numpy() for output in outputs])

    def constants(self) -> list[NDArray[Any]]:
        """Return the weights in the graph, in the order in which the export created them."""
        graph = self._uncalibrated.graph.as_graph_def()
        by_number = {
            int(match[1] or 0): node
            for function in graph.library.function
            for node in function.node_def
            if node.op == "Const" and (match := _CONSTANT.fullmatch(node.name))
        }
        return [tf.make_ndarray(by_number[number].attr["value"].tensor) for number in sorted(by_number)]

    def operations(self) -> frozenset[str]:
        """Return the names of all operations of the signature, including those inside functions."""
        graph = self.signature.graph.as_graph_def()
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        return frozenset(node.op for node in nodes)


def _call(signature: Any, faces: NDArray[np.float32], batch_size: int) -> list[dict[str, Any]]:
    return [
        signature(**{INPUT_FACE: tf.constant(faces[start : start + batch_size])})
        for start in range(0, len(faces), batch_size)
    ]
