from collections.abc import Hashable

import pytest

from services.serving.batching_config import BatchingConfig
from services.serving.queueing import Batch, due, find_open

CONFIG = BatchingConfig(largest_batch=4, timeout_s=1.0)


def batch(form: Hashable, size: int, opened_at: float = 10.0) -> Batch[str]:
    made: Batch[str] = Batch(form, opened_at)
    made.add("task", size)
    return made


@pytest.mark.parametrize("size", [1, 2])
def test_a_request_joins_the_newest_batch_of_its_form(size: int) -> None:
    first, second, other = batch("a", 1), batch("a", 2), batch("b", 1)
    assert find_open([first, second, other], "a", size, CONFIG) is second
    assert find_open([first, second, other], "b", size, CONFIG) is other


def test_a_request_opens_a_batch_where_none_has_room_or_its_form() -> None:
    assert find_open([], "a", 1, CONFIG) is None
    assert find_open([batch("a", 1), batch("a", 2)], "a", 3, CONFIG) is None
    assert find_open([batch("a", 1)], "b", 1, CONFIG) is None


def test_a_batch_is_due_when_its_time_is_over() -> None:
    waiting = batch("a", 3)
    assert due([waiting], 10.9, CONFIG) is None
    assert due([waiting], 11.0, CONFIG) is waiting


def test_a_batch_is_due_at_once_when_it_is_full_or_another_follows() -> None:
    full, followed = batch("a", 4), batch("b", 1)
    assert due([batch("c", 1), full], 10.0, CONFIG) is full
    assert due([followed, batch("b", 4)], 10.0, CONFIG) is followed
    assert due([batch("a", 1), batch("b", 1)], 10.0, CONFIG) is None


def test_the_oldest_goes_first() -> None:
    first, second = batch("a", 4, 1.0), batch("a", 4, 2.0)
    assert due([first, second], 10.0, CONFIG) is first
