"""The pipeline in one process: bytes → faces → emotions, with the services' code and without a network.

It runs in its own process, to keep TensorFlow's threads and memory apart, and receives images over a pipe. Only the
pipeline is timed, inside that process.
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
from bench.harness.run import Run, Scenario
from bench.harness.tables import Table, format_number, percentiles
from services.contracts.geometry import Box

MODELS = ROOT / "model_repo" / "emotion"


@dataclass(frozen=True)
class StepTimes:
    """Milliseconds of each step for one image, and the faces found."""

    decode: float
    search: float
    crop: float
    model: float
    total: float
    faces: tuple[Box, ...]


class InProcessPipeline:
    """Sends images to the process."""

    def __init__(self, pid: int, connection: "Connection[Any, Any]") -> None:
        self.pid = pid
        self._connection = connection

    def run(self, jpeg: bytes, rois: Sequence[Box] = ()) -> StepTimes:
        """Run the pipeline on the whole image, or in ROIs only, as a live session does."""
        self._connection.send((jpeg, tuple(rois)))
        times = self._connection.recv()
        assert isinstance(times, StepTimes)
        return times


@contextmanager
def in_process_pipeline() -> Iterator[InProcessPipeline]:
    """Run the process during the block; the model is loaded and warmed up before."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), name="pipeline", daemon=True)
    process.start()
    theirs.close()
    try:
        ours.recv()
        assert process.pid is not None
        yield InProcessPipeline(process.pid, ours)
    finally:
        ours.close()
        process.join()


def served_version(models: Path = MODELS) -> Path:
    """Return the folder of the version that is served by default: the highest."""
    return max((path for path in models.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def _serve(connection: "Connection[Any, Any]") -> None:
    work = _prepare()
    connection.send("ready")
    while True:
        try:
            jpeg, rois = connection.recv()
        except EOFError:
            return
        connection.send(work(jpeg, rois))


def _prepare() -> Any:
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # as in the model server; before TensorFlow is imported
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
    folder = served_version()
    servable = load_servable(MODEL_NAME, int(folder.name), folder)
    warm_up(servable, folder, Monitoring())
    signature = servable.signature("")

    def work(jpeg: bytes, rois: Sequence[Box]) -> StepTimes:
        started = perf_counter()
        found = detect(jpeg, DetectOptions(tuple(rois), fallback_full=not rois), detector, settings.pixel_limit)
        detected = perf_counter()
        if found.faces:
            servable.compute(signature.prepare({INPUT_FACE: model_input(found.faces)}))
        done = perf_counter()
        timings, boxes = found.timings_ms, tuple(face.box for face in found.faces)
        model_ms, total_ms = (done - detected) * 1e3, (done - started) * 1e3
        return StepTimes(timings.decode, timings.search, timings.crop, model_ms, total_ms, boxes)

    return work


_SHIFT = 0.08
_STEPS = ("decode", "search", "crop", "model", "total")


def shifted(box: Box) -> Box:
    """Return a box as it may have been one frame earlier: an ROI is never exact."""
    return Box(box.x + round(box.w * _SHIFT), box.y - round(box.h * _SHIFT), box.w, box.h)


def measure(run: Run) -> dict[str, Any]:
    """Run each image with a full search, then with its faces as ROIs."""
    full: list[StepTimes] = []
    roi: list[StepTimes] = []
    scenes = run.images()
    with in_process_pipeline() as pipeline:
        for scene in run.track("baseline", scenes, len(scenes)):
            full.append(pipeline.run(scene.jpeg))
            if full[-1].faces:
                roi.append(pipeline.run(scene.jpeg, [shifted(box) for box in full[-1].faces]))
    return {"full": _by_step(full), "roi": _by_step(roi)}


def _by_step(times: Sequence[StepTimes]) -> dict[str, Any]:
    return {f"{step}_ms": percentiles(getattr(one, step) for one in times) for step in _STEPS}


def tables(result: Mapping[str, Any]) -> list[Table]:
    """Return a row for each mode and step."""
    rows = [
        (f"{mode}, {step}", *(format_number(of[f"{step}_ms"][name], 2) for name in ("p50", "p95", "p99")))
        for mode, of in result.items()
        for step in _STEPS
    ]
    return [Table("Baseline: the pipeline in one process, ms an image", ("", "p50", "p95", "p99"), rows)]


SCENARIO = Scenario("the pipeline in one process, without a network", measure, tables)
