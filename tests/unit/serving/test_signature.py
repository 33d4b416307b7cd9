import numpy as np
import pytest

from services.serving.errors import InvalidArgumentError
from services.serving.signature import InputSpec, format_shape
from tests.unit.serving.specs import input_spec, signature

FACE = input_spec("face", "float32", None, 48, 48, 1)


@pytest.mark.parametrize("batch", [0, 1, 32])
def test_any_batch_fits(batch: int) -> None:
    FACE.check(np.zeros((batch, 48, 48, 1), np.float32))


@pytest.mark.parametrize("shape", [(48, 48, 1), (1, 48, 48), (1, 48, 48, 3), (1, 48, 48, 1, 1), ()])
def test_another_shape_is_told_with_the_expected_one(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        FACE.check(np.zeros(shape, np.float32))
    told = f"Input face must have shape [-1,48,48,1], but {format_shape(shape)} was sent."
    assert str(caught.value) == told


@pytest.mark.parametrize(("dtype", "told"), [("float64", "float64"), ("uint8", "uint8"), (object, "string")])
def test_another_type_is_told_with_the_expected_one(dtype: str, told: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"^Input face must be float32, but {told} was sent\.$"):
        FACE.check(np.zeros((1, 48, 48, 1), dtype))


def test_a_number_in_each_row_may_come_bare() -> None:
    column = input_spec("x", "float32", None, 1)
    column.check(np.zeros((3, 1), np.float32))
    column.check(np.zeros(3, np.float32))
    with pytest.raises(InvalidArgumentError):
        column.check(np.zeros((3, 1, 1), np.float32))
    with pytest.raises(InvalidArgumentError):
        input_spec("x", "float32", None, 2).check(np.zeros(3, np.float32))


def test_an_input_of_any_shape_takes_any() -> None:
    anything = InputSpec("x", "float32", np.dtype("float32"), None)
    for shape in ((), (3,), (1, 2, 3)):
        anything.check(np.zeros(shape, np.float32))
    assert format_shape(anything.shape) == "[?]"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"a"}, "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. "),
        ({"a", "b", "c"}, "Sent extra: {c}. Missing but required: {}."),
        ({"a", "c"}, "input tensor alias not found in signature: c. Inputs expected to be in the set {a,b}."),
    ],
)
def test_inputs_that_are_not_the_signatures(names: set[str], message: str) -> None:
    pair = signature(input_spec("a", "int32"), input_spec("b", "int32"))
    pair.check_inputs({"a", "b"})
    with pytest.raises(InvalidArgumentError) as caught:
        pair.check_inputs(names)
    assert message in str(caught.value)


def test_outputs_are_all_or_those_that_are_wanted() -> None:
    three = signature(FACE, outputs=("p", "q", "r"))
    assert three.choose_outputs(()) == ("p", "q", "r")
    assert three.choose_outputs(("r", "p")) == ("r", "p")
