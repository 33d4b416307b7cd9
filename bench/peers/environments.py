"""Virtual environments of other systems, which are built when they are first needed."""

import subprocess
import sys
from pathlib import Path

from bench.machine import ROOT
from bench.peers.errors import PeerError

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
