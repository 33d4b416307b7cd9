"""The worker process: detects faces in one image after the other, within limits that the kernel enforces."""

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

from services.detector.cascade import CascadeError
from services.detector.pipeline import detect
from services.detector.search import FaceDetector, create_face_detector
from services.detector.worker_protocol import (
    REPLY_PREFIX,
    REQUEST_PREFIX,
    ReplyKind,
    WorkerSettings,
    decode_options,
    encode_detection,
    encode_error,
)
from services.runtime.images import ImageTooLargeError
from services.runtime.process import disable_core_dumps, tune_malloc

MEMORY_BYTES_PER_PIXEL = 12
"""Memory that decoding and searching may use for each pixel of the largest allowed image. Progressive JPEGs in CMYK
and animated WebPs take the most, 9 bytes; most images take 2 to 5."""

MEMORY_BYTES = 128 * 1024 * 1024
"""Memory beyond that: the file itself, the tables of decoders, small buffers."""

_NICENESS = 5
"""The event loop has priority if cores are short, so that rejections are quick."""

_OOM_SCORE = "500"
"""If memory runs out, the kernel ends a worker before the process that holds the connections."""


def run_worker(connection: socket.socket, settings: WorkerSettings) -> None:
    """Process images until the other end of the socket is closed; then the process ends.

    For each image it sends one reply. An image that takes more than ``settings.max_work_s`` of processor time ends the
    process by SIGPROF, without a reply.

    Args:
        connection: A connected stream socket, blocking.
        settings: How to search, and the limits.
    """
    _isolate()
    cv2.setNumThreads(1)
    tune_malloc()
    try:
        detector = create_face_detector(settings.search)
    except CascadeError as error:
        _send(connection, bytes([ReplyKind.NO_CASCADE]) + str(error).encode())
        return
    gc.freeze()
    _limit_memory(MEMORY_BYTES + MEMORY_BYTES_PER_PIXEL * settings.search.pixel_limit)
    with suppress(ConnectionError):  # the service has ended
        _send(connection, bytes([ReplyKind.READY]))
        while _process_image(connection, detector, settings):
            pass


def _process_image(connection: socket.socket, detector: FaceDetector, settings: WorkerSettings) -> bool:
    """Process one image; return False if there is none, since the service has closed the socket."""
    prefix = _receive(connection, REQUEST_PREFIX.size)
    if prefix is None:
        return False
    options_bytes, image_bytes = REQUEST_PREFIX.unpack(prefix)
    options, image = _receive(connection, options_bytes), _receive(connection, image_bytes)
    if options is None or image is None:
        return False
    signal.setitimer(signal.ITIMER_PROF, settings.max_work_s)
    try:
        reply = encode_detection(detect(image, decode_options(options), detector, settings.search.pixel_limit))
    except MemoryError:
        reply = encode_error(ImageTooLargeError("The image takes more memory than is allowed"))
    except Exception as error:  # it is reported, and doesn't concern the next image
        reply = encode_error(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    _send(connection, reply)
    return True


def _receive(connection: socket.socket, count: int) -> bytes | None:
    """Return ``count`` bytes; None if the other end is closed before."""
    data = connection.recv(count, socket.MSG_WAITALL)
    while len(data) < count:  # a signal interrupted it, or the end
        more = connection.recv(count - len(data), socket.MSG_WAITALL)
        if not more:
            return None
        data += more
    return data


def _send(connection: socket.socket, reply: bytes) -> None:
    connection.sendall(REPLY_PREFIX.pack(len(reply)) + reply)


def _isolate() -> None:
    """End with the service, write no output and no core dumps, and lower the priority."""
    threading.Thread(target=_end_with_service, name="parent", daemon=True).start()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:  # libjpeg and libpng write a line for each flaw of a file
            os.dup2(null, stream.fileno())
    os.close(null)
    disable_core_dumps()
    os.nice(_NICENESS)
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def _end_with_service() -> None:
    """End at once when the service has ended, also during an image: OpenCV releases the GIL."""
    service = multiprocessing.parent_process()
    if service is not None:
        wait([service.sentinel])
        os._exit(0)


def _limit_memory(more_bytes: int) -> None:
    """Allow the process this much more private memory than it has now; allocations beyond it fail."""
    if sys.platform != "linux":  # macOS doesn't enforce the limit
        return
    status = Path("/proc/self/status").read_text()
    (used_kb,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
    limit = used_kb * 1024 + more_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
