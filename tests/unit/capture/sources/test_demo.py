import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from services.capture.sources import demo
from services.capture.sources.base import Frame
from services.capture.sources.demo import HEIGHT, WIDTH, DemoCanvas, DemoSource, Placement, Portrait, placement_at
from services.capture.sources.jpeg import encode_jpeg
from tests.support.clock import FakeClock

FACES = {Portrait.SMILING: (177, 66, 97, 97), Portrait.SERIOUS: (145, 99, 239, 239)}
"""The face in each portrait: x, y, width, height, in its own pixels."""


@pytest.mark.parametrize(
    ("seconds", "portrait"),
    [
        (0.0, Portrait.SMILING),
        (4.99, Portrait.SMILING),
        (5.0, Portrait.SERIOUS),
        (9.99, Portrait.SERIOUS),
        (10.0, Portrait.SMILING),
        (7205.0, Portrait.SERIOUS),
    ],
)
def test_portraits_alternate_and_the_smiling_one_comes_first(seconds: float, portrait: Portrait) -> None:
    assert placement_at(seconds).portrait is portrait


def test_portrait_moves_slowly_and_stays_on_the_canvas() -> None:
    placements = [placement_at(i / 30) for i in range(600)]
    for placement in placements:
        picture = placement.portrait.value
        assert placement.left >= 0
        assert placement.top >= 0
        assert placement.left + placement.scale * picture.width <= WIDTH
        assert placement.top + placement.scale * picture.height <= HEIGHT
    for before, after in itertools.pairwise(placements):
        if before.portrait is after.portrait:
            assert abs(after.left - before.left) < 10
            assert abs(after.top - before.top) < 10
    smiling = [placement for placement in placements if placement.portrait is Portrait.SMILING]
    assert max(p.left for p in smiling) - min(p.left for p in smiling) > 100
    assert max(p.scale for p in smiling) / min(p.scale for p in smiling) > 1.1


def test_source_renders_the_scene_at_the_current_time() -> None:
    clock = FakeClock(500.0)
    source, canvas = DemoSource(clock, wall_clock=lambda: 17), DemoCanvas()
    for elapsed in (0.0, 3.3, 6.7):
        clock.now_s = 500.0 + elapsed
        frame = source.read()
        assert (frame.width, frame.height, frame.grabbed_at) == (WIDTH, HEIGHT, clock.now_s)
        assert frame.captured_at_us == 17
        assert np.array_equal(np.asarray(frame.picture), canvas.draw(placement_at(elapsed)))


def test_portrait_is_drawn_at_its_placement() -> None:
    canvas = DemoCanvas()
    drawn = canvas.draw(Placement(Portrait.SERIOUS, left=300.0, top=40.0, scale=1.0))
    folder = Path(demo.__file__).parent / "portraits"
    portrait = cv2.imdecode(np.fromfile(folder / "grace_hopper.jpg", np.uint8), cv2.IMREAD_COLOR)
    assert portrait is not None
    assert np.array_equal(drawn[40:640, 300:812], portrait)
    around = drawn.copy()
    around[40:640, 300:812] = drawn[40:640, :1]
    assert int(around.std(axis=1).max()) == 0  # every row outside is of one colour


def test_cascade_detects_the_face_in_each_frame() -> None:
    cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"))
    canvas = DemoCanvas()
    for index in range(0, 300, 37):  # phases of the whole motion; all 300 frames take half a minute
        placement = placement_at(index / 30)
        jpeg = encode_jpeg(Frame(canvas.draw(placement), WIDTH, HEIGHT, 0.0, 0), quality=85)
        gray = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert gray is not None
        found = cascade.detectMultiScale(gray, 1.1, 5, minSize=(48, 48))
        assert len(found) == 1, f"frame {index}: {found}"
        x, y, w, h = FACES[placement.portrait]
        middle = (placement.left + placement.scale * (x + w / 2), placement.top + placement.scale * (y + h / 2))
        left, top, width, height = (int(value) for value in found[0])
        assert abs(left + width / 2 - middle[0]) < width / 4
        assert abs(top + height / 2 - middle[1]) < height / 4


def test_portraits_are_committed_with_their_sources() -> None:
    folder = Path(demo.__file__).parent / "portraits"
    sources = (folder / "SOURCES.md").read_text()
    for portrait in Portrait:
        file = folder / portrait.value.file_name
        assert file.stat().st_size < 150_000
        assert f"`{file.name}`" in sources
