"""One loaded version of a model. The only place that runs TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from services.contracts.model import SIGNATURE_NAME
from services.serving.errors import ModelError, SignatureNotFoundError, number_of
from services.serving.saved_model import SERVING_TAG, read_signature_defs
from services.serving.signature import Array, Computation, InputSpec, Shape, Signature, are_rows

_NO_STACK = "<stack traces unavailable>\n"


class SignatureFunction(Protocol):
    """A signature as TensorFlow loads it."""

    @property
    def structured_input_signature(self) -> tuple[tuple[()], dict[str, tf.TensorSpec]]:
        """The inputs, all of them by name."""

    @property
    def structured_outputs(self) -> Mapping[str, tf.TensorSpec]:
        """The outputs."""

    def __call__(self, **inputs: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """Compute."""


@dataclass(frozen=True, eq=False)
class Servable:
    """A model that can be asked, from any thread.

    Attributes:
        name: The model's name.
        version: Its version.
        signatures: By name.
        signature_defs: The same as the SavedModel's own messages.
    """

    name: str
    version: int
    signatures: Mapping[str, Signature]
    signature_defs: SignatureDefMap = field(repr=False)
    _functions: Mapping[str, SignatureFunction] = field(repr=False)
    # The functions hold the model's variables weakly; the model itself must live as long as they do.
    _owner: object = field(repr=False)

    def signature(self, name: str) -> Signature:
        """Return a signature; an empty name means ``serving_default``.

        Raises:
            SignatureNotFoundError: There is none of that name.
        """
        wanted = name or SIGNATURE_NAME
        if wanted not in self.signatures:
            raise SignatureNotFoundError(f'Serving signature key "{wanted}" not found.')
        return self.signatures[wanted]

    def compute(self, computation: Computation) -> dict[str, Array]:
        """Return the outputs that are wanted.

        Raises:
            ModelError: The computation failed.
        """
        function = self._functions[computation.signature.name]
        try:
            outputs = function(**{name: tf.constant(array) for name, array in computation.inputs.items()})
            return {name: _as_array(outputs[name]) for name in computation.outputs}
        except tf.errors.OpError as error:
            raise model_error(error) from error


def load_servable(name: str, version: int, folder: Path) -> Servable:
    """Load a SavedModel.

    Raises:
        ModelError: The folder holds no SavedModel that can be loaded.
    """
    try:
        loaded = tf.saved_model.load(str(folder), tags=[SERVING_TAG])
        signature_defs = read_signature_defs(folder)
    except tf.errors.OpError as error:
        raise model_error(error) from error
    except Exception as error:  # a broken file fails in many ways
        raise ModelError(str(error) or type(error).__name__, number_of(ModelError.code)) from error
    functions = dict(loaded.signatures.items())
    signatures = {key: _describe(key, function) for key, function in functions.items()}
    return Servable(name, version, signatures, signature_defs, functions, loaded)


def model_error(error: tf.errors.OpError) -> ModelError:
    """Return TensorFlow's error without the part of its message that is about source code."""
    text = error.message.rpartition(_NO_STACK)[2].partition("\n\t [[{{node")[0]
    return ModelError(text.strip() or type(error).__name__, error.error_code)


def _describe(name: str, function: SignatureFunction) -> Signature:
    _, specs = function.structured_input_signature
    inputs = {key: _input(key, spec) for key, spec in specs.items()}
    outputs = function.structured_outputs
    has_rows = are_rows([spec.shape for spec in inputs.values()], [_shape(spec) for spec in outputs.values()])
    return Signature(name, inputs, tuple(outputs), has_rows)


def _input(name: str, spec: tf.TensorSpec) -> InputSpec:
    return InputSpec(name, spec.dtype.name, np.dtype(spec.dtype.as_numpy_dtype), _shape(spec))


def _shape(spec: tf.TensorSpec) -> Shape:
    return None if spec.shape.rank is None else tuple(spec.shape.as_list())


def _as_array(tensor: tf.Tensor) -> Array:
    value: Any = tensor.numpy()  # of a scalar this is no array; of a string scalar it is bytes, which must stay whole
    return np.asarray(value, dtype=object if tensor.dtype == tf.string else None)
