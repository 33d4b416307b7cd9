"""The worker process: takes one image after the other from its socket, within limits that the kernel keeps."""

import gc
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path

import cv2

from services.detector.cascade import CascadeError, HaarCascade
from services.detector.pipeline import detect
from services.detector.search import FaceSearch
from services.detector.two_stage import SearchParameters
from services.detector.worker_protocol import (
    REPLY_PREFIX,
    REQUEST_PREFIX,
    Reply,
    WorkerSettings,
    decode_where,
    encode_answer,
    encode_error,
)
from services.runtime.images import ImageTooLargeError
from services.runtime.process import disable_core_dumps, tune_malloc

MEMORY_BYTES_PER_PIXEL = 12
"""Memory that decoding and searching may take for each pixel of the largest allowed image. Progressive JPEGs in CMYK
and animated WebPs take the most, 9 bytes; most images take 2 to 5."""

MEMORY_BYTES = 128 * 1024 * 1024
"""Memory beyond that: the file itself, the tables of decoders, small buffers."""

_NICENESS = 5
"""The event loop goes first where cores are short: what is refused must be refused soon."""

_OOM_SCORE = "500"
"""Where memory runs out, the kernel ends a worker before the process that holds the connections."""


def run_worker(connection: socket.socket, settings: WorkerSettings) -> None:
    """Work until the other end of the socket is closed; the process's whole life.

    For each image it sends one reply. An image that takes more than ``settings.max_work_s`` of processor time ends the
    process by SIGPROF, without a reply.

    Args:
        connection: A connected stream socket, blocking.
        settings: How to search, and the limits.
    """
    _detach()
    cv2.setNumThreads(1)
    tune_malloc()
    parameters = SearchParameters(settings.scale_factor, settings.min_neighbors, settings.min_face_px)
    try:
        search = FaceSearch(HaarCascade(settings.cascade), parameters, settings.search_side_px)
    except CascadeError as error:
        _send(connection, bytes([Reply.NO_CASCADE]) + str(error).encode())
        return
    gc.freeze()
    _limit_memory(MEMORY_BYTES + MEMORY_BYTES_PER_PIXEL * settings.pixel_limit)
    with suppress(ConnectionError):  # the service has ended
        _send(connection, bytes([Reply.READY]))
        while _work_on_one(connection, search, settings):
            pass


def _work_on_one(connection: socket.socket, search: FaceSearch, settings: WorkerSettings) -> bool:
    """Return whether there was an image to work on; there is none once the service has closed the socket."""
    prefix = _receive(connection, REQUEST_PREFIX.size)
    if prefix is None:
        return False
    question_bytes, image_bytes = REQUEST_PREFIX.unpack(prefix)
    question, image = _receive(connection, question_bytes), _receive(connection, image_bytes)
    if question is None or image is None:
        return False
    signal.setitimer(signal.ITIMER_PROF, settings.max_work_s)
    try:
        reply = encode_answer(detect(image, decode_where(question), search, settings.pixel_limit))
    except MemoryError:
        reply = encode_error(ImageTooLargeError("The image takes more memory than is allowed"))
    except Exception as error:  # it is reported, and the next image has nothing to do with it
        reply = encode_error(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    _send(connection, reply)
    return True


def _receive(connection: socket.socket, count: int) -> bytes | None:
    """Return so many bytes; None if the other end is closed before."""
    data = connection.recv(count, socket.MSG_WAITALL)
    while len(data) < count:  # a signal interrupted it, or the end
        more = connection.recv(count - len(data), socket.MSG_WAITALL)
        if not more:
            return None
        data += more
    return data


def _send(connection: socket.socket, reply: bytes) -> None:
    connection.sendall(REPLY_PREFIX.pack(len(reply)) + reply)


def _detach() -> None:
    """Become a process that ends with the service, writes nothing, leaves no memory on disk and steps back."""
    threading.Thread(target=_end_with_service, name="parent", daemon=True).start()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:  # libjpeg and libpng write a line for each flaw of a file, as many as it has
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    disable_core_dumps()
    os.nice(_NICENESS)
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def _end_with_service() -> None:
    """End at once when the service has ended, also in the middle of an image: OpenCV lets other threads run."""
    service = multiprocessing.parent_process()
    if service is not None:
        wait([service.sentinel])
        os._exit(0)


def _limit_memory(more_bytes: int) -> None:
    """Let the process have so much more private memory than now; what exceeds it fails as where memory runs out."""
    if sys.platform != "linux":  # macOS doesn't keep the limit
        return
    status = Path("/proc/self/status").read_text()
    (used_kb,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
    limit = used_kb * 1024 + more_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
