"""Writes a network as the SavedModel that TensorFlow Serving loads, and holds it against the contract."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from services.contracts.model import FACE_SHAPE, INPUT_FACE, OUTPUT_PROBABILITIES, OUTPUT_RELIABLE, SIGNATURE_NAME
from training.served_model import ModelError, ServedModel

MAX_BYTES = 12_000_000
TOLERANCE = 1e-5


def write_saved_model(network: keras.Model, threshold: float, folder: Path) -> None:
    """Write a SavedModel with the contract's signature and nothing else: no optimizer, no training step.

    Args:
        network: The trained network in float32.
        threshold: The top probability from which an answer is reliable; it travels inside the model.
        folder: Where to write.
    """
    trained = [variable.numpy() for variable in network.trainable_variables]
    fixed = [variable.numpy() for variable in network.non_trainable_variables]

    def answer(face: tf.Tensor) -> dict[str, tf.Tensor]:
        # Weights as constants: TensorFlow then folds batch normalization into the convolutions when it loads
        # the model, which takes about a tenth off the time for one face.
        constants = ([tf.constant(values) for values in trained], [tf.constant(values) for values in fixed])
        probabilities, _ = network.stateless_call(*constants, face, training=False)
        reliable = tf.reduce_max(probabilities, axis=-1) >= tf.constant(threshold, tf.float32)
        return {OUTPUT_PROBABILITIES: probabilities, OUTPUT_RELIABLE: reliable}

    face = tf.TensorSpec([None, *FACE_SHAPE], tf.float32, name=INPUT_FACE)
    signature = tf.function(answer, input_signature=[face], autograph=False)
    tf.saved_model.save(tf.Module(), str(folder), signatures={SIGNATURE_NAME: signature})


def check_saved_model(folder: Path, network: keras.Model) -> None:
    """Make sure that what was written serves, and says what the network says.

    Raises:
        ModelError: It is too large, needs a GPU's kernels, or answers otherwise than the network.
    """
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > MAX_BYTES:
        raise ModelError(f"the model takes {size:,} bytes; {MAX_BYTES:,} are allowed")
    served = ServedModel(folder)
    foreign = sorted(name for name in served.operations() if "cudnn" in name.lower())
    if foreign:
        raise ModelError(f"the model holds operations that only a GPU has: {', '.join(foreign)}")
    for count in (1, 32):
        faces = np.random.default_rng(count).random((count, *FACE_SHAPE), np.float32)
        expected = np.asarray(network(faces, training=False))
        difference = float(np.abs(served.answer(faces).probabilities - expected).max())
        # Written this way round, so that NaN is refused too.
        if not difference <= TOLERANCE:
            raise ModelError(f"the model differs from the network by {difference:.1e} for {count} faces")
