"""Measure an exported model's latency: ``python -m training.evaluation.latency --model model_repo/emotion/1``.

Prints JSON. It runs in its own process because TensorFlow reads the number of threads once, when it starts.
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
from training.evaluation.schema import Latency
from training.export.registry import ModelError
from training.export.served_model import ServedModel
from training.io import progress

WARM_UP_CALLS = 20
CALLS = {1: 400, 32: 60}
"""Faces per call → number of calls measured."""
MAX_WAIT_FRACTION = 0.1
"""Fraction of the time that the process may wait for a core before the measurement counts as contended."""

_CPUINFO = Path("/proc/cpuinfo")


def measure(version: Path) -> Latency:
    """Measure a version in this process, with its current TensorFlow threads.

    Raises:
        ModelError: The directory holds no exported model.
    """
    model = ServedModel(version)
    started, cpu_before = time.perf_counter(), time.process_time()
    medians = {faces: _median_ms(model, faces, calls) for faces, calls in CALLS.items()}
    contended = is_cpu_contended(time.process_time() - cpu_before, time.perf_counter() - started)
    return Latency(cpu=cpu_name(), one_face_ms=medians[1], faces_32_ms=medians[32], cpu_contended=contended)


def is_cpu_contended(cpu_s: float, elapsed_s: float) -> bool:
    """Return whether a process that was busy all the time waited for a core."""
    return 1 - cpu_s / elapsed_s > MAX_WAIT_FRACTION


def measure_in_subprocess(version: Path) -> Latency:
    """Measure a version in its own process, with one thread.

    Raises:
        ModelError: The version can't be measured.
    """
    command = [sys.executable, "-m", "training.evaluation.latency", "--model", str(version)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise ModelError(f"the latency of {version} can't be measured")
    return Latency.model_validate_json(result.stdout)


def cpu_name(cpuinfo: Path = _CPUINFO) -> str:
    """Return the processor's name as the system reports it, else its architecture."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((name for name in names if name), platform.processor() or platform.machine())


def _median_ms(model: ServedModel, faces: int, calls: int) -> float:
    batch = tf.constant(np.random.default_rng(faces).random((faces, *FACE_SHAPE), np.float32))
    for _ in range(WARM_UP_CALLS):
        model.signature(**{INPUT_FACE: batch})
    times = []
    for _ in progress(range(calls), f"latency, {faces} face{'s' if faces > 1 else ''} per call"):
        started = time.perf_counter()
        model.signature(**{INPUT_FACE: batch})[OUTPUT_PROBABILITIES].numpy()
        times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and measure with one thread."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.latency", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="directory of a version")
    options = parser.parse_args(arguments)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    try:
        print(measure(options.model).model_dump_json())
    except ModelError as error:
        sys.exit(f"latency: {error}")


if __name__ == "__main__":
    main()
