"""An exported model, asked through the signature that TensorFlow Serving offers."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.contracts.model import INPUT_FACE, OUTPUT_PROBABILITIES, OUTPUT_RELIABLE, SIGNATURE_NAME
from training.evaluation.schema import Predictions
from training.export.registry import ModelError

UNCALIBRATED_SIGNATURE = "uncalibrated"
"""Face in, ``probabilities`` as the network gives them out."""


# A constant that a caller makes is numbered; those that layers make have names of their own.
_CONSTANT = re.compile(r"Const(?:_(\d+))?")


class ServedModel:
    """A loaded SavedModel."""

    def __init__(self, folder: Path) -> None:
        """Load a version.

        Raises:
            ModelError: The folder holds no SavedModel with both signatures.
        """
        try:
            # The functions live only as long as what they were loaded with.
            self._loaded = tf.saved_model.load(str(folder))
            self.signature = self._loaded.signatures[SIGNATURE_NAME]
            self._uncalibrated = self._loaded.signatures[UNCALIBRATED_SIGNATURE]
        except OSError as error:
            raise ModelError(f"{folder} holds no SavedModel: {error}") from error
        except KeyError as error:
            raise ModelError(f"{folder} has no signature {error.args[0]}") from error

    def answer(self, faces: NDArray[np.float32], batch_size: int = 256) -> Predictions:
        """Return the model's answers about float32 [n, 48, 48, 1] faces in [0, 1]; n is at least 1."""
        answers = _asked(self.signature, faces, batch_size)
        return Predictions(
            np.concatenate([answer[OUTPUT_PROBABILITIES].numpy() for answer in answers]),
            np.concatenate([answer[OUTPUT_RELIABLE].numpy() for answer in answers]),
        )

    def uncalibrated(self, faces: NDArray[np.float32], batch_size: int = 256) -> NDArray[np.float32]:
        """Return probabilities float32 [n, 7] as the network gives them."""
        answers = _asked(self._uncalibrated, faces, batch_size)
        return np.concatenate([answer[OUTPUT_PROBABILITIES].numpy() for answer in answers])

    def constants(self) -> list[NDArray[Any]]:
        """Return the constants of the network in the order in which they came into its graph."""
        graph = self._uncalibrated.graph.as_graph_def()
        named = {
            int(found[1] or 0): node
            for function in graph.library.function
            for node in function.node_def
            if node.op == "Const" and (found := _CONSTANT.fullmatch(node.name))
        }
        return [tf.make_ndarray(named[number].attr["value"].tensor) for number in sorted(named)]

    def operations(self) -> frozenset[str]:
        """Return the names of every operation behind the signature, those inside functions included."""
        graph = self.signature.graph.as_graph_def()
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        return frozenset(node.op for node in nodes)


def _asked(signature: Any, faces: NDArray[np.float32], batch_size: int) -> list[dict[str, Any]]:
    return [
        signature(**{INPUT_FACE: tf.constant(faces[start : start + batch_size])})
        for start in range(0, len(faces), batch_size)
    ]
