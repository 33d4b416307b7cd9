"""The arithmetic that layers are built with, which Keras keeps for the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Build layers in this arithmetic inside the block: ``float32`` or ``mixed_bfloat16``."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
