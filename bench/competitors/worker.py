"""How a peer's process answers: runs in the peer's interpreter, so it needs nothing but the standard library.

Each line on standard input is the path of a JPEG, each on standard output an object of JSON: first what the peer is,
then for each picture what it found, and what that cost from the bytes in memory to the answer.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import distributions, metadata, version
from pathlib import Path
from typing import Any

Analyse = Callable[[bytes], Sequence[Mapping[str, Any]]]
"""JPEG → faces, each with ``box`` (x, y, w, h in pixels) and ``emotion``, null where it means nothing."""


def use_one_thread() -> None:
    """Have numeric libraries use one thread; before they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ[name] = "1"
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"


def answer(package: str, others: Sequence[str], prepare: Callable[[], Analyse]) -> None:
    """Answer until standard input ends.

    Args:
        package: What the peer is called where packages are.
        others: Packages whose versions matter, where they are installed.
        prepare: Loads all that a picture needs.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries print what they like
    analyse = prepare()
    about = {
        "name": package,
        "version": version(package),
        "licence": metadata(package)["License"],
        "packages": _installed(others),
    }
    _write(answers, about)
    for line in sys.stdin:
        jpeg = Path(line.rstrip("\n")).read_bytes()
        began, cpu_began = time.perf_counter(), time.process_time()
        faces = analyse(jpeg)
        cost = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu_began}
        _write(answers, {**cost, "faces": list(faces)})


def _installed(packages: Sequence[str]) -> dict[str, str]:
    versions = {found.name.replace("_", "-"): found.version for found in distributions()}
    return {name: versions[name] for name in packages if name in versions}


def _write(stream: Any, message: Mapping[str, Any]) -> None:
    print(json.dumps(message), file=stream, flush=True)
