"""Keeps what native libraries print away from the log: it may hold addresses with passwords, and has no rate."""

import io
import os
import sys


def silence_native_output() -> None:
    """Send descriptors 1 and 2, which FFmpeg, OpenCV, libjpeg and drivers print to, nowhere.

    Python's own ``sys.stdout`` and ``sys.stderr`` go on where they went. To be called once, before other threads run.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            kept = os.dup(descriptor)
            # Not closed with the object: it serves to the very end.
            copy = open(kept, "w", encoding=stream.encoding, errors=stream.errors, buffering=1, closefd=False)  # noqa: SIM115
            setattr(sys, name, copy)
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
