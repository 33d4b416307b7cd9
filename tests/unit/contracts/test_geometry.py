import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.geometry import NMS_IOU, Box, format_roi, iou, non_max_suppression, overlaps_any, parse_roi
from services.contracts.messages import MalformedMessageError
from tests.unit.contracts.samples import boxes


@given(boxes)
def test_a_roi_survives_its_text(box: Box) -> None:
    assert parse_roi(format_roi(box)) == box


@pytest.mark.parametrize(
    "text",
    ["", "1,2,3", "1,2,3,4,5", "1,2,3,", "a,2,3,4", "1.5,2,3,4", "1_0,2,3,4", "1, 2,3,4", "١,2,3,4", "1,2,3,4\n"],
)
def test_anything_but_four_whole_numbers_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessageError, match="x,y,w,h"):
        parse_roi(text)


@pytest.mark.parametrize("text", ["1,2,0,4", "1,2,3,0", "1,2,-3,4"])
def test_a_box_without_an_area_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessageError):
        parse_roi(text)


def test_numbers_that_no_picture_has_are_malformed() -> None:
    with pytest.raises(MalformedMessageError):
        parse_roi("99999999999999999999,0,10,10")


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(MalformedMessageError) as raised:
        parse_roi("x" * 10_000)
    assert len(str(raised.value)) < 200


@given(st.text(max_size=40))
def test_any_text_is_a_box_or_malformed(text: str) -> None:
    try:
        box = parse_roi(text)
    except MalformedMessageError:
        return
    assert box.w > 0
    assert box.h > 0


def test_iou() -> None:
    assert iou(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert iou(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == 50 / 150
    assert iou(Box(0, 0, 10, 10), Box(10, 0, 10, 10)) == 0


@given(boxes, boxes)
def test_iou_is_symmetric_and_at_most_one(a: Box, b: Box) -> None:
    assert 0 <= iou(a, b) == iou(b, a) <= 1


def test_a_box_that_overlaps_a_better_one_is_suppressed() -> None:
    sure, weak, apart = ("sure", Box(10, 10, 100, 100)), ("weak", Box(0, 0, 100, 100)), ("apart", Box(300, 0, 50, 50))
    assert non_max_suppression([sure, apart, weak], lambda item: item[1]) == [sure, apart]
    assert non_max_suppression([sure, apart, weak], lambda item: item[1], threshold=0.9) == [sure, apart, weak]


@given(st.lists(boxes, max_size=8))
def test_no_two_kept_boxes_overlap(candidates: list[Box]) -> None:
    kept = non_max_suppression(candidates, lambda box: box)
    for index, box in enumerate(kept):
        assert not overlaps_any(box, kept[:index])
    assert all(overlaps_any(box, kept, NMS_IOU) for box in candidates)
