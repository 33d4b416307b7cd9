"""Another system in a process of its own, asked about one picture after the other."""

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


class PeerError(Exception):
    """A peer's environment can't be built, or its process doesn't answer; the message says why."""


@dataclass(frozen=True)
class Found:
    """What a system made of a picture.

    Attributes:
        seconds: From the picture's bytes to the answer.
        cpu_seconds: Processor time of that; None where it is too short to be told.
        faces: Where, the most important one first if the system has such an order.
        emotions: One for each face; None where it means nothing.
    """

    seconds: float
    cpu_seconds: float | None
    faces: tuple[Box, ...]
    emotions: tuple[str | None, ...]


class PeerProcess:
    """Asks the process.

    Attributes:
        about: Name, version, licence and packages, as the process says.
    """

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log
        self.about = self._read()

    def look(self, picture: Path) -> Found:
        """Have a JPEG analysed.

        Raises:
            PeerError: The process ended.
        """
        assert self._process.stdin is not None
        try:
            print(picture, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise self._ended() from None
        return found_from(self._read())

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        message: dict[str, Any] = json.loads(line)
        return message

    def _ended(self) -> PeerError:
        return PeerError(f"the peer's process ended: {self._log.read_text('utf-8', 'replace')[-2000:]}")


def found_from(message: Mapping[str, Any]) -> Found:
    """Return what a process says of a picture."""
    faces = message["faces"]
    return Found(
        message["seconds"],
        message["cpu_seconds"],
        tuple(Box(*face["box"]) for face in faces),
        tuple(face["emotion"] for face in faces),
    )


@contextmanager
def peer_process(command: Sequence[str], log: Path) -> Iterator[PeerProcess]:
    """Run a peer while the block runs; all is loaded when the block begins.

    Args:
        command: What answers as ``bench.competitors.worker`` does.
        log: Where its standard error goes.

    Raises:
        PeerError: It ends at once.
    """
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield PeerProcess(process, log)
        finally:
            process.kill()


_ENVIRONMENTS = ROOT / ".cache" / "peers"
_LOCKS = Path(__file__).parent
_BUILD_S = 1800.0


def python_of(peer: str, environments: Path = _ENVIRONMENTS) -> Path:
    """Return the interpreter of a peer's environment, which is built anew where its lock has changed.

    Args:
        peer: The name of a lock in this folder.
        environments: Where they are.

    Raises:
        PeerError: It can't be built.
    """
    lock, folder = _LOCKS / f"{peer}.lock", environments / peer
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
        raise PeerError(f"{' '.join(arguments[:2])} failed: {done.stderr.strip()}")
