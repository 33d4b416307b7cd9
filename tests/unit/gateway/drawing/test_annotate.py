import io
from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest
from PIL import Image

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import Box
from services.gateway.drawing.annotate import (
    COLORS,
    UNCERTAIN,
    DamagedJpegError,
    contrast,
    draw,
    label,
    label_place,
    text_color_on,
)
from tests.support.images import decode, encode, huge_png, jpeg_with_orientation, one_face, turned_left
from tests.unit.gateway.drawing.samples import difference, face, flat, jpeg, noise, outside

BOX = Box(480, 200, 160, 160)


@pytest.mark.parametrize("overlay", [None, ()])
def test_with_nothing_to_draw_the_very_bytes_come_back(overlay: tuple[()] | None) -> None:
    picture = jpeg_with_orientation(one_face(), 6)
    assert draw(picture, overlay, ()) is picture


def test_the_same_input_gives_the_same_picture() -> None:
    picture = jpeg(one_face())
    assert draw(picture, [face(BOX)], [BOX]) == draw(picture, [face(BOX)], [BOX])


def test_a_hidden_face_keeps_its_label() -> None:
    picture = jpeg(one_face())
    hidden, both = decode(draw(picture, None, [BOX])), decode(draw(picture, [face(BOX)], [BOX]))
    assert difference(hidden, both)[BOX.y - 20 : BOX.y + 3, BOX.x : BOX.x + 100].mean() > 20


def test_quality_is_the_writer_s() -> None:
    picture = jpeg(noise(640, 480))
    sizes = [len(draw(picture, [face(Box(50, 50, 90, 90))], (), quality)) for quality in (30, 60, 90)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] / 2


def test_boxes_are_those_of_the_upright_picture() -> None:
    upright = one_face()
    plain = decode(draw(jpeg(upright), None, [BOX]))
    turned = decode(draw(jpeg_with_orientation(turned_left(upright), 6), None, [BOX]))
    assert turned.shape == upright.shape
    assert difference(plain, turned).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_applied_as_opencv_applies_it(orientation: int) -> None:
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:16, :16] = 250
    stored[:16, 48:] = 120
    lying = jpeg_with_orientation(stored, orientation)
    assert difference(decode(lying), decode(draw(lying, None, [Box(28, 28, 2, 2)], 95))).mean() < 6


def test_no_metadata_is_handed_on() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Some Camera"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "JPEG", exif=exif, comment=b"at home", icc_profile=b"p" * 200, dpi=(72, 72))
    assert b"Some Camera" in out.getvalue()
    drawn = draw(out.getvalue(), None, [Box(10, 10, 20, 20)])
    with Image.open(io.BytesIO(drawn)) as image:
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for trace in (b"Some Camera", b"at home", b"ppp"):
        assert trace not in drawn


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_printers_jpegs_are_drawn_in_colour(mode: str) -> None:
    out = io.BytesIO()
    Image.fromarray(cv2.cvtColor(flat(320, 240, 128), cv2.COLOR_BGR2RGB)).convert(mode).save(out, "JPEG")
    drawn = decode(draw(out.getvalue(), [face(Box(100, 100, 80, 80))], (), 95))
    assert np.ptp(drawn[100:103, 105:175].astype(int), axis=2).max() > 80
    assert np.ptp(drawn[200:, :50].astype(int), axis=2).max() < 8


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", jpeg(noise(320, 240))[:4000], jpeg(noise(320, 240))[:30], encode(flat(64, 64, 9), ".png")],
)
def test_what_is_no_whole_jpeg_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedJpegError, match="The picture"):
        draw(data, None, [BOX])


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    small = jpeg(flat(64, 64, 9))
    start = small.index(b"\xff\xc0") + 5
    for side in (8000, 12000, 60000):
        announced = small[:start] + side.to_bytes(2, "big") * 2 + small[start + 4 :]
        with pytest.raises(DamagedJpegError, match="12,500,000"):
            draw(announced, None, [BOX])
    with pytest.raises(DamagedJpegError):
        draw(huge_png(), None, [BOX])


SIZES = [(1280, 720), (320, 240)]


def test_a_label_says_what_and_how_sure() -> None:
    assert label(face(Box(0, 0, 9, 9))) == "happy 83%"
    assert label(face(Box(0, 0, 9, 9), Emotion.SAD, reliable=False)) == "sad? 83%"
    assert label(replace(face(Box(0, 0, 9, 9)), confidence=1.0)) == "happy 100%"


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("gray", [0, 128, 255])
@pytest.mark.parametrize("reliable", [True, False])
@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_box_is_seen_on_any_picture(emotion: Emotion, reliable: bool, gray: int, width: int, height: int) -> None:
    box = Box(width // 2, height // 2, height // 4, height // 4)
    image = decode(draw(jpeg(flat(width, height, gray)), [face(box, emotion, reliable)], (), 95))
    changed = difference(image, flat(width, height, gray)) > 40
    share = changed[box.y + box.h - 4 : box.y + box.h + 2, box.x : box.x + box.w].any(axis=0).mean()
    assert share > 0.95 if reliable else 0.4 < share < 0.8
    inner = changed[box.y + 20 : box.y + box.h - 20, box.x + 20 : box.x + box.w - 20]
    assert not inner.any()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_pixels_far_from_a_face_stay(width: int, height: int) -> None:
    box = Box(width // 3, height // 3, height // 6, height // 6)
    image = noise(width, height)
    before, after = decode(jpeg(image)), decode(draw(jpeg(image), [face(box)], (), 95))
    assert difference(before, after)[outside(image, box, 1.5)].mean() < 3
    assert difference(before, after)[box.y : box.y + box.h, box.x : box.x + 2].mean() > 20


@pytest.mark.parametrize(
    ("box", "place"),
    [
        (Box(100, 100, 80, 80), (100, 80)),
        (Box(100, 5, 80, 80), (100, 85)),
        (Box(290, 100, 80, 80), (220, 80)),
        (Box(-30, -20, 80, 80), (0, 60)),
        (Box(0, 0, 320, 240), (0, 0)),
        (Box(0, -100, 50, 60), (0, 0)),
    ],
)
def test_a_label_stays_in_the_picture(box: Box, place: tuple[int, int]) -> None:
    assert label_place(box, (100, 20), (320, 240)) == place


def test_a_label_is_drawn_and_read() -> None:
    box = Box(100, 100, 80, 80)
    one, other = (
        decode(draw(jpeg(flat(320, 240, 90)), [face(box, emotion)], (), 95))[82:99, 101:170]
        for emotion in (Emotion.HAPPY, Emotion.SURPRISE)
    )
    assert one.max() - one.min() > 150
    assert difference(one, other).mean() > 20


@pytest.mark.parametrize("rgb", [*COLORS.values(), UNCERTAIN])
def test_text_on_each_colour_meets_wcag_aa(rgb: tuple[int, int, int]) -> None:
    assert contrast(text_color_on(rgb), rgb) >= 4.5


# Viénot, Brettel and Mollon, "Digital video colourmaps for checking the legibility of displays by dichromats" (1999):
# linear RGB to cone responses, without the long- or the middle-wave cones, and back.
TO_CONES = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
WITHOUT = {
    "all": np.eye(3),
    "protanopia": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    "deuteranopia": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
}


@pytest.mark.parametrize("sight", WITHOUT)
def test_colours_differ_to_every_eye(sight: str) -> None:
    def seen(rgb: tuple[int, int, int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        linear = (np.array(rgb) / 255) ** 2.2
        back = np.linalg.inv(TO_CONES) @ WITHOUT[sight] @ TO_CONES @ linear
        return np.asarray(np.clip(back, 0, 1) ** (1 / 2.2) * 255)

    for one, other in combinations(COLORS.values(), 2):
        assert np.abs(seen(one) - seen(other)).max() > 20


def test_faces_over_the_border_and_tiny_pictures_are_drawn() -> None:
    boxes = [Box(-20, -20, 60, 60), Box(30, 20, 60, 60), Box(5, 5, 0, 0), Box(900, 900, 10, 10)]
    image = draw(jpeg(noise(48, 32)), [face(box, reliable=reliable) for box in boxes for reliable in (True, False)], ())
    assert decode(image).shape == (32, 48, 3)
