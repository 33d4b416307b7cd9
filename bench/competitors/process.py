"""A competitor in its own process and virtual environment."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness.machine import ROOT
from services.contracts.geometry import Box


class CompetitorError(Exception):
    """A competitor's environment can't be built, or its process ended; the message has the reason."""


@dataclass(frozen=True)
class CompetitorResult:
    """The result for one image.

    Attributes:
        seconds: From the encoded bytes to the result.
        cpu_seconds: Processor time; None if it is too short to measure.
        faces: Boxes, the primary face first if the system has one.
        emotions: One for each face; None if the weights are random.
    """

    seconds: float
    cpu_seconds: float | None
    faces: tuple[Box, ...]
    emotions: tuple[str | None, ...]


class CompetitorProcess:
    """Sends images to the process.

    Attributes:
        description: Name, version, licence and packages, from the process.
    """

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log
        self.description = self._read()

    def predict(self, image: Path) -> CompetitorResult:
        """Analyse a JPEG file.

        Raises:
            PeerError: The process ended.
        """
        assert self._process.stdin is not None
        try:
            print(image, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise self._ended() from None
        return parse_result(self._read())

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        message: dict[str, Any] = json.loads(line)
        return message

    def _ended(self) -> CompetitorError:
        return CompetitorError(f"the competitor's process ended: {self._log.read_text('utf-8', 'replace')[-2000:]}")


def parse_result(message: Mapping[str, Any]) -> CompetitorResult:
    """Return the result in a message of the process."""
    faces = message["faces"]
    return CompetitorResult(
        message["seconds"],
        message["cpu_seconds"],
        tuple(Box(*face["box"]) for face in faces),
        tuple(face["emotion"] for face in faces),
    )


@contextmanager
def competitor_process(command: Sequence[str], log: Path) -> Iterator[CompetitorProcess]:
    """Run a competitor during the block; everything is loaded before.

    Args:
        command: A program that uses ``bench.competitors.worker``.
        log: File for its standard error.

    Raises:
        PeerError: The process ended at its start.
    """
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield CompetitorProcess(process, log)
        finally:
            process.kill()


_ENVIRONMENTS = ROOT / ".cache" / "competitors"
_LOCKS = Path(__file__).parent
_BUILD_S = 1800.0


def environment_python(competitor: str, environments: Path = _ENVIRONMENTS) -> Path:
    """Return the interpreter of a competitor's environment, which is rebuilt if its lock has changed.

    Args:
        peer: The name of a lock in this folder.
        environments: Folder of the environments.

    Raises:
        PeerError: The environment can't be built.
    """
    lock, folder = _LOCKS / f"{competitor}.lock", environments / competitor
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    built_from = folder / "built-from.lock"
    if not built_from.exists() or built_from.read_bytes() != lock.read_bytes():
        _uv("venv", "--clear", "--python", sys.executable, str(folder))
        hashed = ("--no-deps", "--require-hashes", "--compile-bytecode", "-r", str(lock))
        _uv("pip", "install", "--python", str(python), *hashed)
        built_from.write_bytes(lock.read_bytes())
    return python


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments, "--quiet"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=_BUILD_S, check=False)
    if done.returncode:
        raise CompetitorError(f"{' '.join(arguments[:2])} failed: {done.stderr.strip()}")
