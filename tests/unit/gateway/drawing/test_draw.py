import io

import cv2
import numpy as np
import pytest
from PIL import Image

from services.contracts.geometry import Box
from services.gateway.drawing.draw import DamagedJpegError, draw
from tests.support.images import decode, encode, huge_png, jpeg_with_orientation, one_face, turned_left
from tests.unit.gateway.drawing.samples import difference, face, flat, jpeg, noise

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
