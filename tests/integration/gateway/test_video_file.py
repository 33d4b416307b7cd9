"""``emotion predict film.avi`` against the running system."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.scenes.clip import compose
from bench.scenes.faces import HEIGHT, WIDTH
from tests.support.client_command import emotion
from tests.support.stack import Stack

FPS = 12.5
FRAMES = 10


def predict(film: Path, stack: Stack) -> list[dict[str, Any]]:
    """Return the results of the command."""
    done = emotion("predict", str(film), url=str(stack.client.base_url))
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def summary(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what is the same in each run; probabilities may differ in the last digits."""
    return row["time_s"], row["events"], [(face["face_id"], face["box"], face["emotion"]) for face in row["faces"]]


def test_faces_of_a_video_file_are_tracked_and_the_results_are_reproducible(stack: Stack, tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (WIDTH, HEIGHT))
    for frame in compose(FRAMES, seed=1, guests=False):
        writer.write(np.asarray(cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)))
    writer.release()
    rows = predict(film, stack)
    assert [row["time_s"] for row in rows] == [round(index / FPS, 3) for index in range(FRAMES)]
    assert {face["face_id"] for row in rows for face in row["faces"]} == {"face-1"}
    assert [summary(row) for row in predict(film, stack)] == [summary(row) for row in rows]
