"""Signatures without a model."""

import numpy as np

from services.serving.signature import InputSpec, Signature


def input_spec(name: str, type_name: str, *shape: int | None) -> InputSpec:
    return InputSpec(name, type_name, np.dtype(object if type_name == "string" else type_name), shape)


def signature(*inputs: InputSpec, outputs: tuple[str, ...] = ("y",)) -> Signature:
    return Signature("serving_default", {spec.name: spec for spec in inputs}, outputs)
