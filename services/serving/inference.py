"""What Classify, Regress and MultiInference say of a signature.

They are the interface of models that read ``tf.Example``, which are not computed here. A signature that isn't
one of those is refused with the same error as by TensorFlow Serving.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.inference_pb2 import InferenceTask

from services.contracts.model import SIGNATURE_NAME
from services.serving.errors import FailedPreconditionError, InvalidArgumentError, UnsupportedError

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"
_INPUTS = "inputs"
_TOLD = {CLASSIFY: "classification", REGRESS: "regression"}


def refuse(signatures: Mapping[str, SignatureDef], name: str, method: str) -> NoReturn:
    """Raise what a Classify or Regress request for a signature is answered with.

    Raises:
        InvalidArgumentError: There is no such signature, or it has too many inputs or outputs.
        FailedPreconditionError: Its inputs or outputs aren't those of the method.
        UnsupportedError: It is one of the method.
    """
    wanted = name or SIGNATURE_NAME
    if wanted not in signatures:
        raise InvalidArgumentError(f"No signature was found with the name: {wanted}")
    refuse_signature(signatures[wanted], method)


def refuse_signature(signature: SignatureDef, method: str) -> NoReturn:
    """Raise what a signature is answered with, likewise."""
    if len(signature.inputs) != 1:
        raise InvalidArgumentError("Expected one input Tensor.")
    outputs = signature.outputs.keys()
    if method == CLASSIFY and len(outputs) not in (1, 2):
        raise InvalidArgumentError(f"Expected one or two output Tensors, found {len(outputs)}")
    if method == REGRESS and len(outputs) != 1:
        raise InvalidArgumentError("Expected one output Tensor.")
    if _INPUTS not in signature.inputs:
        raise FailedPreconditionError(f"No {_TOLD[method]} inputs found in SignatureDef: {signature}")
    if method == CLASSIFY and not outputs & {"classes", "scores"}:
        raise FailedPreconditionError(
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            f"Signature was: {signature}"
        )
    if method == REGRESS and "outputs" not in outputs:
        raise FailedPreconditionError(f"No regression outputs found in SignatureDef: {signature}")
    raise UnsupportedError(f"{_TOLD[method].capitalize()} of tf.Example is not implemented by this server")


def check_tasks(tasks: Sequence[InferenceTask]) -> None:
    """Raise InvalidArgumentError unless there are tasks, and all are about the same model."""
    if not tasks:
        raise InvalidArgumentError("Inference request must contain at least one task")
    if any(task.model_spec.name != tasks[0].model_spec.name for task in tasks):
        raise InvalidArgumentError("All ModelSpecs in a MultiInferenceRequest must access the same model name.")


def refuse_tasks(signatures: Mapping[str, SignatureDef], tasks: Sequence[InferenceTask]) -> NoReturn:
    """Raise what a MultiInference request is answered with; see ``refuse``."""
    task = tasks[0]
    wanted = task.model_spec.signature_name or SIGNATURE_NAME
    if wanted not in signatures:
        raise InvalidArgumentError(f"Requested signature not found in model graph: {wanted}")
    if task.method_name not in _TOLD:
        raise UnsupportedError(f"Unsupported signature method_name: {task.method_name}")
    refuse_signature(signatures[wanted], task.method_name)


def check_examples(request: Any, method: str) -> str:
    """Return the name of the signature that a Classify or Regress request in JSON is for.

    Raises:
        InvalidArgumentError: The request isn't one.
    """
    if not isinstance(request, dict):
        raise InvalidArgumentError("JSON Value is not an object")
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise InvalidArgumentError("'signature_name' key must be a string value")
    examples = request.get("examples")
    if not isinstance(examples, list) or not examples:
        raise InvalidArgumentError(f"When method is {method}, key 'examples' is expected and must hold examples")
    return name
