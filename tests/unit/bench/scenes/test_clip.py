import cv2
import numpy as np

from bench.scenes.clip import CYCLE, GUEST_EVERY, GUEST_STAYS, compose, guest_at, resident_at
from bench.scenes.faces import HEIGHT, WIDTH
from services.contracts.geometry import Box


def test_faces_stay_in_the_image_and_apart() -> None:
    for index in range(CYCLE):
        faces = [face for face in (resident_at(index), guest_at(index)) if face is not None]
        for face in faces:
            assert 0 < face.x < face.x + face.w < WIDTH
            assert 0 < face.y < face.y + face.h < HEIGHT
        if len(faces) == 2:
            assert faces[0].x + 1.5 * faces[0].w < faces[1].x - 0.5 * faces[1].w


def test_resident_moves_a_little_and_the_clip_repeats() -> None:
    places = [resident_at(index) for index in range(CYCLE + 1)]
    steps = [abs(b.x - a.x) + abs(b.y - a.y) for a, b in zip(places[:-1], places[1:], strict=True)]
    assert max(steps) <= 8
    assert places[0] == places[CYCLE]
    assert len(set(places)) > CYCLE / 2


def test_guests_appear_at_different_places() -> None:
    face_counts = [guest_at(index) is not None for index in range(CYCLE)]
    arrivals = [index for index in range(CYCLE) if face_counts[index] and not face_counts[index - 1]]
    assert arrivals == list(range(0, CYCLE, GUEST_EVERY))
    assert sum(face_counts) == len(arrivals) * GUEST_STAYS
    assert len({guest_at(index) for index in arrivals}) == len(arrivals)


def test_frames_show_their_faces() -> None:
    frames = list(compose(3, seed=1))
    first = decoded(frames[0].jpeg)
    assert first.shape == (HEIGHT, WIDTH, 3)
    background = decoded(list(compose(GUEST_STAYS + 1, seed=1))[GUEST_STAYS].jpeg)
    assert frames[0].guest is not None
    assert difference(first, background, frames[0].guest) > 20
    assert difference(first, background, Box(20, 600, 100, 100)) < 15  # only the light has changed
    assert [frame.resident for frame in frames] == [resident_at(index) for index in range(3)]


def decoded(jpeg: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def difference(
    one: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    other: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    at: Box,
) -> float:
    where = (slice(at.y, at.y + at.h), slice(at.x, at.x + at.w))
    return float(np.abs(one[where].astype(int) - other[where].astype(int)).mean())
