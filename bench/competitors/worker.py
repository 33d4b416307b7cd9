"""The protocol of a competitor's process. It runs in the competitor's interpreter and uses only the standard
library.

Each line on standard input is the path of a JPEG file, each line on standard output a JSON object: first the
description of the competitor, then for each image the faces and the time from the bytes in memory to the result.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import distributions, metadata, version
from pathlib import Path
from typing import Any

Predict = Callable[[bytes], Sequence[Mapping[str, Any]]]
"""JPEG → faces, each with ``box`` (x, y, w, h in pixels) and ``emotion``, None if the weights are random."""


def use_one_thread() -> None:
    """Limit numeric libraries to one thread; call it before they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ[name] = "1"
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"


def serve(package: str, others: Sequence[str], prepare: Callable[[], Predict]) -> None:
    """Process images until standard input ends.

    Args:
        package: Name of the competitor's package.
        others: Other packages to report the versions of.
        prepare: Loads the libraries and models.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries may print to standard output
    predict = prepare()
    about = {
        "name": package,
        "version": version(package),
        "licence": metadata(package)["License"],
        "packages": _installed(others),
    }
    _write(answers, about)
    for line in sys.stdin:
        jpeg = Path(line.rstrip("\n")).read_bytes()
        started, cpu_began = time.perf_counter(), time.process_time()
        faces = predict(jpeg)
        cost = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu_began}
        _write(answers, {**cost, "faces": list(faces)})


def _installed(packages: Sequence[str]) -> dict[str, str]:
    versions = {found.name.replace("_", "-"): found.version for found in distributions()}
    return {name: versions[name] for name in packages if name in versions}


def _write(stream: Any, message: Mapping[str, Any]) -> None:
    print(json.dumps(message), file=stream, flush=True)
