"""The work itself in one process: bytes → faces → emotions, by the services' own code and without a network.

It runs in a process of its own, so that TensorFlow's threads and memory are nowhere else, and is told of each
picture over a pipe. Only the work is timed, in there.
"""

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.harness.machine import ROOT
from bench.harness.run import Part, Run
from bench.harness.tables import Table, figures, shown
from services.contracts.geometry import Box

MODELS = ROOT / "model_repo" / "emotion"


@dataclass(frozen=True)
class Worked:
    """What one picture cost, in milliseconds, and where its faces are."""

    decode: float
    search: float
    crop: float
    model: float
    total: float
    faces: tuple[Box, ...]


class Floor:
    """Asks the process that does the work."""

    def __init__(self, pid: int, connection: "Connection[Any, Any]") -> None:
        self.pid = pid
        self._connection = connection

    def work(self, jpeg: bytes, hints: Sequence[Box] = ()) -> Worked:
        """Do the work: everywhere, or around the hints only, as a live session asks for it."""
        self._connection.send((jpeg, tuple(hints)))
        worked = self._connection.recv()
        assert isinstance(worked, Worked)
        return worked


@contextmanager
def floor_process() -> Iterator[Floor]:
    """Run the process while the block runs; the model is loaded and warm when the block begins."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), name="floor", daemon=True)
    process.start()
    theirs.close()
    try:
        ours.recv()
        assert process.pid is not None
        yield Floor(process.pid, ours)
    finally:
        ours.close()
        process.join()


def newest_version(models: Path = MODELS) -> Path:
    """Return the folder of the version that is served unless told otherwise: the highest."""
    return max((path for path in models.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def _serve(connection: "Connection[Any, Any]") -> None:
    work = _prepare()
    connection.send("ready")
    while True:
        try:
            jpeg, hints = connection.recv()
        except EOFError:
            return
        connection.send(work(jpeg, hints))


def _prepare() -> Any:
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # as the model server, before TensorFlow is imported
    import cv2
    import tensorflow as tf

    from services.contracts.detection import model_input
    from services.contracts.model import INPUT_FACE, MODEL_NAME
    from services.detector.options import DetectOptions
    from services.detector.pipeline import detect
    from services.detector.search import create_face_detector
    from services.detector.settings import DetectorSettings
    from services.serving.monitoring import Monitoring
    from services.serving.servable import load_servable
    from services.serving.warmup import warm_up

    cv2.setNumThreads(1)
    tf.config.set_visible_devices([], "GPU")
    settings = DetectorSettings()
    detector = create_face_detector(settings.search())
    folder = newest_version()
    servable = load_servable(MODEL_NAME, int(folder.name), folder)
    warm_up(servable, folder, Monitoring())
    signature = servable.signature("")

    def work(jpeg: bytes, hints: Sequence[Box]) -> Worked:
        started = perf_counter()
        found = detect(jpeg, DetectOptions(tuple(hints), fallback_full=not hints), detector, settings.pixel_limit)
        detected = perf_counter()
        if found.faces:
            servable.compute(signature.prepare({INPUT_FACE: model_input(found.faces)}))
        done = perf_counter()
        timings, boxes = found.timings_ms, tuple(face.box for face in found.faces)
        model_ms, total_ms = (done - detected) * 1e3, (done - started) * 1e3
        return Worked(timings.decode, timings.search, timings.crop, model_ms, total_ms, boxes)

    return work


_NUDGE = 0.08
_STEPS = ("decode", "search", "crop", "model", "total")


def nudged(box: Box) -> Box:
    """Return where a face was one frame ago: a hint is never quite right."""
    return Box(box.x + round(box.w * _NUDGE), box.y - round(box.h * _NUDGE), box.w, box.h)


def measure(run: Run) -> dict[str, Any]:
    """Work on each picture without hints, then with its faces as hints."""
    cold: list[Worked] = []
    hinted: list[Worked] = []
    scenes = run.pictures()
    with floor_process() as floor:
        for scene in run.over("floor", scenes, len(scenes)):
            cold.append(floor.work(scene.jpeg))
            if cold[-1].faces:
                hinted.append(floor.work(scene.jpeg, [nudged(box) for box in cold[-1].faces]))
    return {"cold": _by_step(cold), "hinted": _by_step(hinted)}


def _by_step(worked: Sequence[Worked]) -> dict[str, Any]:
    return {f"{step}_ms": figures(getattr(one, step) for one in worked) for step in _STEPS}


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a row for each way and step."""
    rows = [
        (f"{way}, {step}", *(shown(of[f"{step}_ms"][name], 2) for name in ("p50", "p95", "p99")))
        for way, of in result.items()
        for step in _STEPS
    ]
    return [Table("Floor: the work in one process, ms a picture", ("", "p50", "p95", "p99"), rows)]


PART = Part("the work in one process", measure, tables)
