"""Worker processes as the pool sees them: real ones, ended in every way."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from services.contracts.detection import SearchScope
from services.detector.options import DetectOptions, SearchSettings
from services.detector.worker_process import (
    WorkerEnd,
    WorkerEndedError,
    WorkerProcess,
    WorkerStartError,
    start_worker,
    try_worker,
)
from services.detector.worker_protocol import WorkerSettings, decode_reply, encode_request
from services.runtime.images import ImageTooLargeError
from tests.support import crafted_images as crafted
from tests.support import images
from tests.support.processes import ModuleProcess, descendants

SEARCH = SearchSettings("haarcascade_frontalface_alt2", 1.1, 5, 48, 1280, 40_000_000)
SETTINGS = WorkerSettings(SEARCH, 3.0)
FACE = images.encode(images.one_face())


async def started(settings: WorkerSettings = SETTINGS) -> tuple[WorkerProcess, "asyncio.Queue[WorkerEnd]"]:
    ends: asyncio.Queue[WorkerEnd] = asyncio.Queue()
    return await start_worker(settings, ends.put_nowait), ends


async def ask(worker: WorkerProcess, image: bytes) -> bytes:
    return await worker.exchange(encode_request(DetectOptions(), len(image)), image)


async def test_one_image_after_the_other() -> None:
    worker, ends = await started()
    for image, faces in (
        (FACE, 1),
        (images.encode(images.eight_faces()), 8),
        (images.encode(images.no_face()), 0),
    ):
        answer = decode_reply(await ask(worker, image))
        assert (answer.faces, answer.scope) == (faces, SearchScope.FULL)
    assert worker.alive
    await worker.close()
    assert not worker.alive
    assert ends.empty()


async def test_an_image_of_megabytes_comes_over_whole() -> None:
    worker, _ = await started()
    image = crafted.png(200, 200, before_data=crafted.png_chunk(b"tEXt", b"k\0" + bytes(9_000_000)))
    assert decode_reply(await ask(worker, image)).faces == 0
    await worker.close()


async def test_an_image_that_takes_too_much_processor_time_ends_the_worker() -> None:
    worker, ends = await started(replace(SETTINGS, max_work_s=0.1))
    began = time.monotonic()
    with pytest.raises(WorkerEndedError) as ended:
        await ask(worker, crafted.png(crafted.WIDE, crafted.HIGH))
    assert ended.value.end is WorkerEnd.OVERRAN
    assert time.monotonic() - began < 10
    assert await ends.get() is WorkerEnd.OVERRAN
    assert not worker.alive
    with pytest.raises(WorkerEndedError):
        await ask(worker, FACE)
    await worker.close()


async def test_image_over_the_memory_limit_does_not_end_the_worker() -> None:
    worker, _ = await started(replace(SETTINGS, search=replace(SEARCH, pixel_limit=1)))
    with pytest.raises(ImageTooLargeError):
        decode_reply(await ask(worker, FACE))
    await worker.close()
    # The limit goes by the pixel limit; 20,000 × 20,000 are far beyond what 40 megapixels are granted.
    worker, _ = await started(replace(SETTINGS, search=replace(SEARCH, pixel_limit=2_000_000)))
    image = crafted.webp(*_small_frame_on_canvas(1400, 1400))
    assert decode_reply(await ask(worker, image)).faces == 0
    await worker.close()


def _small_frame_on_canvas(width: int, height: int) -> tuple[bytes, ...]:
    pixel = crafted.webp_chunk(b"VP8L", images.encode(images.scene(width=2, height=2), ".webp")[20:])
    return crafted.webp_canvas(width, height, 2), crafted.webp_chunk(b"ANIM", bytes(6)), crafted.webp_frame(pixel, 2, 2)


@pytest.mark.parametrize(
    ("number", "end"),
    [(signal.SIGKILL, WorkerEnd.KILLED), (signal.SIGSEGV, WorkerEnd.CRASHED), (signal.SIGBUS, WorkerEnd.CRASHED)],
)
async def test_a_worker_that_is_ended_in_the_middle_of_an_image(number: signal.Signals, end: WorkerEnd) -> None:
    worker, ends = await started()
    pid = next(iter(worker_pids()))
    os.kill(pid, signal.SIGSTOP)  # so that it is in the middle of it
    question = asyncio.ensure_future(ask(worker, FACE))
    await asyncio.sleep(0.05)
    os.kill(pid, number)
    with contextlib.suppress(ProcessLookupError):  # SIGKILL also ends a stopped process
        os.kill(pid, signal.SIGCONT)
    with pytest.raises(WorkerEndedError) as ended:
        await question
    assert ended.value.end is end
    assert await ends.get() is end
    await worker.close()


async def test_a_worker_that_is_stopped_is_ended_after_a_while() -> None:
    worker, ends = await started(replace(SETTINGS, max_work_s=0.2))
    os.kill(next(iter(worker_pids())), signal.SIGSTOP)
    with pytest.raises(WorkerEndedError) as ended:
        await ask(worker, FACE)
    assert ended.value.end is WorkerEnd.SILENT
    assert await ends.get() is WorkerEnd.SILENT
    await worker.close()


async def test_an_idle_worker_that_is_ended_is_noticed() -> None:
    worker, ends = await started()
    os.kill(next(iter(worker_pids())), signal.SIGKILL)
    assert await asyncio.wait_for(ends.get(), 10) is WorkerEnd.KILLED
    assert not worker.alive


async def test_signals_for_the_service_leave_its_workers_alone() -> None:
    others = helpers_of_other_tests()
    worker, _ = await started()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for pid in set(descendants(os.getpid())) - others:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
    assert decode_reply(await ask(worker, FACE)).faces == 1
    await worker.close()
    worker, _ = await started()  # the fork server is there still
    await worker.close()


async def test_a_worker_holds_no_descriptor_of_the_service() -> None:
    with open(os.devnull) as file:  # noqa: ASYNC230 - opened for its number alone
        os.set_inheritable(file.fileno(), True)
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        worker, _ = await started()
        (pid,) = worker_pids()
        held = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
        listening = os.readlink(f"/proc/self/fd/{server.sockets[0].fileno()}")
        await worker.close()
        server.close()
    assert listening not in held
    assert sum(name.startswith("socket:") for name in held) <= 1


def test_missing_cascade() -> None:
    with pytest.raises(WorkerStartError, match="EMOTION_DETECTOR_CASCADE: no cascade at"):
        try_worker(replace(SETTINGS, search=replace(SEARCH, cascade="no_such_cascade")))
    try_worker(SETTINGS)


async def test_missing_cascade_when_a_worker_is_replaced() -> None:
    with pytest.raises(WorkerStartError, match="no cascade at"):
        await started(replace(SETTINGS, search=replace(SEARCH, cascade="no_such_cascade")))


def test_a_service_without_a_cascade_ends_with_a_sentence(tmp_path: Path) -> None:
    with ModuleProcess("services.detector", tmp_path / "log", {"EMOTION_DETECTOR_CASCADE": "nosuch"}) as process:
        assert process.exit_status() == 1
        assert process.log().startswith("EMOTION_DETECTOR_CASCADE: no cascade at")
        assert process.log().count("\n") == 1


def worker_pids() -> Iterator[int]:
    """Return the workers of this process: children of its fork server."""
    for pid in descendants(os.getpid()):
        if _parent(pid) != os.getpid() and Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "500":
            yield pid


def helpers_of_other_tests() -> set[int]:
    """Return the trackers of multiprocessing: one that was started without a detector heeds signals."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in descendants(os.getpid())}
    return {pid for pid, command in commands.items() if "resource_tracker" in command}


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
