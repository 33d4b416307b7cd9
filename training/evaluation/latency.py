"""Measures an exported model's speed: ``python -m training.evaluation.latency --model model_repo/emotion/1``.

Prints JSON. It is a process of its own because TensorFlow takes the number of threads once, when it starts.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from services.contracts.model import FACE_SHAPE, INPUT_FACE, OUTPUT_PROBABILITIES
from training.evaluation.schema import SpeedFigures
from training.export.registry import ModelError
from training.export.served_model import ServedModel
from training.io import progress

_LINUX = Path("/proc/cpuinfo")


def processor_name(cpuinfo: Path = _LINUX) -> str:
    """Return the processor's name as the system tells it; its architecture where it tells none."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((name for name in names if name), platform.processor() or platform.machine())


WARM_UP_CALLS = 20
CALLS = {1: 400, 32: 60}
"""Faces of a call → how many calls are measured."""
BUSY_FROM = 0.1
"""The share of its time that this process may wait for a core before other work is said to have slowed it."""


def measure(folder: Path) -> SpeedFigures:
    """Measure a version in this process, whatever threads TensorFlow has.

    Raises:
        ModelError: The folder holds no exported model.
    """
    model = ServedModel(folder)
    started, worked_before = time.perf_counter(), time.process_time()
    medians = {faces: _median_ms(model, faces, calls) for faces, calls in CALLS.items()}
    busy = was_held_up(time.process_time() - worked_before, time.perf_counter() - started)
    return SpeedFigures(processor=processor_name(), one_face_ms=medians[1], faces_32_ms=medians[32], busy=busy)


def was_held_up(worked_s: float, passed_s: float) -> bool:
    """Tell whether a process that had something to do all the time waited for a core."""
    return 1 - worked_s / passed_s > BUSY_FROM


def measured_alone(folder: Path) -> SpeedFigures:
    """Measure a version in a process of its own, with one thread.

    Raises:
        ModelError: It can't be measured.
    """
    command = [sys.executable, "-m", "training.evaluation.latency", "--model", str(folder)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode:
        raise ModelError(f"the speed of {folder} can't be measured")
    return SpeedFigures.model_validate_json(answer.stdout)


def _median_ms(model: ServedModel, faces: int, calls: int) -> float:
    given = tf.constant(np.random.default_rng(faces).random((faces, *FACE_SHAPE), np.float32))
    for _ in range(WARM_UP_CALLS):
        model.signature(**{INPUT_FACE: given})
    times = []
    for _ in progress(range(calls), f"speed, {faces} faces a call" if faces > 1 else "speed, one face a call"):
        started = time.perf_counter()
        model.signature(**{INPUT_FACE: given})[OUTPUT_PROBABILITIES].numpy()
        times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and measure with one thread."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.latency", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of a version")
    options = parser.parse_args(arguments)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    try:
        print(measure(options.model).model_dump_json())
    except ModelError as error:
        sys.exit(f"speed: {error}")


if __name__ == "__main__":
    main()
