import numpy as np
import pytest

from services.serving.errors import InvalidArgumentError
from services.serving.joining import form, join, padded_size, row_count, split
from services.serving.signature import Shape, are_rows
from services.serving.together import compute_together
from tests.unit.serving.rows import DOUBLE, Doubler, rows
from tests.unit.serving.specs import input_spec, signature


@pytest.mark.parametrize(
    ("inputs", "outputs", "has_rows"),
    [
        ([(None, 48)], [(None, 7), (None,)], True),
        ([(None, None)], [(None,)], True),
        ([(None,), (None, 2)], [(None,)], True),
        ([(None,)], [()], False),
        ([(None,)], [(None,), ()], False),
        ([()], [(None,)], False),
        ([(4,)], [(4,)], False),
        ([(None,)], [(None, None)], False),
        ([None], [(None,)], False),
        ([(None,)], [None], False),
        ([], [(None,)], False),
    ],
)
def test_which_signatures_have_rows(inputs: list[Shape], outputs: list[Shape], has_rows: bool) -> None:
    assert are_rows(inputs, outputs) is has_rows


def test_rows_are_counted_where_all_inputs_agree() -> None:
    assert row_count(rows([1], [2], [3])) == 3
    pair = signature(input_spec("a", "float32", None), input_spec("b", "float32", None))
    numbers = {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}
    assert row_count(pair.prepare(numbers)) is None


def test_requests_of_the_same_form_have_rows_of_the_same_shape() -> None:
    assert form(rows([1, 2])) == form(rows([3, 4], [5, 6]))
    assert form(rows([1, 2])) != form(rows([1, 2, 3]))


@pytest.mark.parametrize(("size", "padded"), [(1, 2), (2, 2), (3, 8), (8, 8), (9, 9)])
def test_a_batch_is_filled_up_to_the_next_allowed_size(size: int, padded: int) -> None:
    assert padded_size(size, (2, 8)) == padded
    assert padded_size(size, ()) == size


def test_rows_are_joined_in_order_and_filled_up_with_the_last_one() -> None:
    joined = join([rows([1], [2]), rows([3])], 5)
    assert joined.inputs["x"].tolist() == [[1], [2], [3], [3], [3]]
    assert (joined.signature, joined.outputs) == (DOUBLE, ("y",))


def test_answers_are_split_as_the_requests_were_joined() -> None:
    parts = split({"y": np.arange(4)}, [2, 1], 4)
    assert parts is not None
    assert [part["y"].tolist() for part in parts] == [[0, 1], [2]]


@pytest.mark.parametrize("array", [np.array(1), np.arange(3)])
def test_answers_without_a_row_for_each_row_cannot_be_split(
    array: np.ndarray[tuple[int, ...], np.dtype[np.int_]],
) -> None:
    assert split({"y": np.arange(4), "z": array}, [2, 1], 4) is None


def test_together_each_request_gets_what_it_would_get_alone() -> None:
    doubler = Doubler()
    results = compute_together(doubler, [rows([1], [2]), rows([3])], [2, 1], 4)
    assert [result["y"].tolist() for result in results if isinstance(result, dict)] == [[[2], [4]], [[6]]]
    assert [len(x) for x in doubler.asked] == [4]


def test_invalid_request_does_not_fail_its_batch() -> None:
    first, second = compute_together(Doubler(), [rows([1]), rows([-1])], [1, 1], 2)
    assert isinstance(first, dict)
    assert first["y"].tolist() == [[2]]
    assert isinstance(second, InvalidArgumentError)


def test_a_model_that_couples_rows_is_asked_alone() -> None:
    doubler = Doubler(couples=True)
    results = compute_together(doubler, [rows([1], [2]), rows([3])], [2, 1], 3)
    assert [result["y"].tolist() for result in results if isinstance(result, dict)] == [[3], [3]]
    assert [len(x) for x in doubler.asked] == [3, 2, 1]


def test_a_request_that_fills_its_batch_is_handed_on_as_it_is() -> None:
    doubler, request = Doubler(), rows([1], [2])
    compute_together(doubler, [request], [2], 2)
    assert doubler.asked[0] is request.inputs["x"]
