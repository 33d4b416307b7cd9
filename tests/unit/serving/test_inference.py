import pytest
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.inference_pb2 import InferenceTask
from tensorflow_serving.apis.model_pb2 import ModelSpec

from services.serving.errors import FailedPreconditionError, InvalidArgumentError, ServingError, UnsupportedError
from services.serving.inference import CLASSIFY, REGRESS, check_examples, check_tasks, refuse, refuse_tasks


def signature(inputs: str, outputs: str) -> SignatureDef:
    made = SignatureDef(method_name="tensorflow/serving/predict")
    for name in inputs.split():
        made.inputs[name].name = name
    for name in outputs.split():
        made.outputs[name].name = name
    return made


def task(name: str, method: str = CLASSIFY) -> InferenceTask:
    return InferenceTask(model_spec=ModelSpec(name=name), method_name=method)


@pytest.mark.parametrize(
    ("inputs", "outputs", "method", "error", "message"),
    [
        ("a b", "scores", CLASSIFY, InvalidArgumentError, "Expected one input Tensor."),
        ("inputs", "a b c", CLASSIFY, InvalidArgumentError, "Expected one or two output Tensors, found 3"),
        ("inputs", "a b", REGRESS, InvalidArgumentError, "Expected one output Tensor."),
        ("x", "scores", CLASSIFY, FailedPreconditionError, "No classification inputs found in SignatureDef: "),
        ("x", "outputs", REGRESS, FailedPreconditionError, "No regression inputs found in SignatureDef: "),
        ("inputs", "y", CLASSIFY, FailedPreconditionError, "Expected classification signature outputs to contain"),
        ("inputs", "y", REGRESS, FailedPreconditionError, "No regression outputs found in SignatureDef: "),
        ("inputs", "scores classes", CLASSIFY, UnsupportedError, "Classification of tf.Example is not implemented"),
        ("inputs", "outputs", REGRESS, UnsupportedError, "Regression of tf.Example is not implemented"),
    ],
)
def test_why_a_signature_is_refused(
    inputs: str, outputs: str, method: str, error: type[ServingError], message: str
) -> None:
    with pytest.raises(error) as caught:
        refuse({"serving_default": signature(inputs, outputs)}, "", method)
    assert str(caught.value).startswith(message)


def test_a_signature_that_does_not_exist() -> None:
    with pytest.raises(InvalidArgumentError, match="No signature was found with the name: nope"):
        refuse({}, "nope", CLASSIFY)


def test_several_tasks() -> None:
    signatures = {"serving_default": signature("a b", "y")}
    check_tasks([task("m"), task("m", REGRESS)])
    with pytest.raises(InvalidArgumentError, match="must access the same model name"):
        check_tasks([task("m"), task("n")])
    with pytest.raises(InvalidArgumentError, match="at least one task"):
        check_tasks([])
    with pytest.raises(UnsupportedError, match="Unsupported signature method_name: fly"):
        refuse_tasks(signatures, [task("m", "fly")])
    with pytest.raises(InvalidArgumentError, match="Requested signature not found in model graph: serving_default"):
        refuse_tasks({}, [task("m")])
    with pytest.raises(InvalidArgumentError, match=r"Expected one input Tensor\."):
        refuse_tasks(signatures, [task("m")])


@pytest.mark.parametrize(
    "request_", [[], {}, {"examples": []}, {"examples": 1}, {"examples": [{}], "signature_name": 1}]
)
def test_json_that_is_no_such_request(request_: object) -> None:
    with pytest.raises(InvalidArgumentError):
        check_examples(request_, "classify")


def test_json_that_is() -> None:
    assert check_examples({"examples": [{"x": 1}]}, "classify") == ""
    assert check_examples({"examples": [{"x": 1}], "signature_name": "s"}, "classify") == "s"
