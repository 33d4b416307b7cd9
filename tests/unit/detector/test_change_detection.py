import base64

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.contracts.geometry import Box
from services.contracts.messages import MalformedMessageError
from services.detector.change_detection import Changes, find_changes, reference_frame
from services.detector.options import REFERENCE_COLUMNS, decode_reference, encode_reference

Gray = NDArray[np.uint8]
THING = Box(700, 300, 120, 160)


def room(width: int = 1280, height: int = 720, light: float = 1.0) -> Gray:
    """Return a picture with detail everywhere."""
    coarse = np.random.default_rng(1).integers(40, 180, (9, 16)).astype(np.float32)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray((picture * light).clip(0, 255), np.uint8)


def with_thing(picture: Gray, box: Box = THING, shades: int = 60) -> Gray:
    changed = picture.astype(np.int16)
    changed[box.y : box.y + box.h, box.x : box.x + box.w] += shades
    return np.asarray(changed.clip(0, 255), np.uint8)


def found(before: Gray, now: Gray, *tracked: Box) -> Changes:
    differs = find_changes(now, reference_frame(before), tracked)
    assert differs is not None
    return differs


def holds(place: Box, box: Box) -> bool:
    return (
        place.x <= box.x
        and place.y <= box.y
        and place.x + place.w >= box.x + box.w
        and place.y + place.h >= box.y + box.h
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 480), (1920, 1080), (720, 1280), (97, 31)])
def test_a_reference_frame_has_square_cells(width: int, height: int) -> None:
    rows, columns = reference_frame(room(width, height)).shape
    assert columns == REFERENCE_COLUMNS
    assert rows == pytest.approx(REFERENCE_COLUMNS * height / width, abs=0.5)


@pytest.mark.parametrize("box", [THING, Box(0, 0, 60, 60), Box(1220, 660, 60, 60), Box(300, 100, 500, 500)])
def test_what_has_changed_is_a_place(box: Box) -> None:
    differs = found(room(), with_thing(room(), box))
    (place,) = differs.regions
    assert holds(place, box)
    assert place.w * place.h < 3 * box.w * box.h + 30_000
    assert differs.share == pytest.approx(place.w * place.h / (1280 * 720), abs=0.01)


def test_what_lies_apart_is_searched_apart() -> None:
    other = Box(100, 100, 100, 100)
    places = found(room(), with_thing(with_thing(room()), other)).regions
    assert len(places) == 2
    for box in (THING, other):
        assert any(holds(place, box) for place in places)


def test_noise_is_no_change() -> None:
    noise = np.random.default_rng(2).normal(0, 8, (720, 1280))
    noisy = np.asarray((room() + noise).clip(0, 255), np.uint8)
    assert found(room(), noisy).regions == ()


@pytest.mark.parametrize("light", [0.6, 0.9, 1.2])
def test_other_light_is_no_change_but_a_thing_in_it_is(light: float) -> None:
    assert found(room(), room(light=light)).regions == ()
    (place,) = found(room(), with_thing(room(light=light))).regions
    assert holds(place, THING)


def test_black_borders_say_nothing_about_the_light() -> None:
    before, now = room(), with_thing(room(light=0.8))
    for picture in (before, now):
        picture[:, :440] = picture[:, 840:] = 0
    (place,) = found(before, now, Box(0, 0, 1, 1)).regions
    assert holds(place, Box(700, 300, 100, 160))
    assert place.w < 300
    assert found(np.zeros_like(before), np.zeros_like(before)).regions == ()
    assert found(np.zeros_like(before), before).share > 0.3, "light in a black room"


def test_where_a_known_face_is_nothing_counts() -> None:
    moved = with_thing(with_thing(room()), Box(100, 100, 100, 100))
    (place,) = found(room(), moved, Box(720, 320, 90, 90)).regions
    assert holds(place, Box(100, 100, 100, 100))
    assert found(room(), moved, Box(-9000, -9000, 99_999, 99_999)).regions == ()
    assert len(found(room(), moved, Box(9000, 9000, 10, 10)).regions) == 2


def test_what_was_left_out_counts_once_the_face_is_gone() -> None:
    first = found(room(), with_thing(room()), Box(720, 320, 90, 90))
    later = find_changes(with_thing(room()), first.reference)
    assert later is not None
    assert holds(later.regions[0], THING)


def test_what_was_searched_is_known_from_then_on() -> None:
    first = found(room(), with_thing(room()))
    again = find_changes(with_thing(room()), first.reference)
    assert again is not None
    assert again.regions == ()


def test_what_changes_little_by_little_shows_in_the_end() -> None:
    seen, steps = reference_frame(room()), 0
    for shades in range(1, 30):
        steps = shades
        differs = find_changes(with_thing(room(), shades=shades), seen)
        assert differs is not None
        if differs.regions:
            break
        seen = differs.reference
    assert 2 < steps < 12


def test_a_picture_of_another_shape_is_another_camera() -> None:
    assert find_changes(room(640, 480), reference_frame(room())) is None


def test_a_reference_survives_base64() -> None:
    reference = reference_frame(room()).tobytes()
    assert decode_reference(encode_reference(reference)) == reference


@pytest.mark.parametrize(
    "text", ["é", "AAA", "AAAA", base64.b64encode(bytes(63)).decode(), base64.b64encode(bytes(64 * 257)).decode(), ""]
)
def test_another_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessageError, match="reference: "):
        decode_reference(text)
