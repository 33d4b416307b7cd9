"""The service's side of a worker process: start it from a fork server, exchange messages, end it if it hangs."""

import asyncio
import multiprocessing
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import cast

from services.detector.worker_protocol import MAX_REPLY_BYTES, REPLY_PREFIX, ReplyKind, WorkerSettings

START_TIMEOUT_S = 30.0
"""The first start imports OpenCV, on a busy machine; later ones take some tens of milliseconds."""

MIN_CPU_SHARE = 0.05
"""A worker that gets a smaller share of a core, for as long as its limit of processor time, is ended."""

_MIN_SILENCE_S = 1.0
_CAN_READ_CPU_TIME = sys.platform == "linux"
_SILENCE_FACTOR_WITHOUT_CPU = 4
"""Factor by which a worker may be silent for longer if its processor time can't be read."""
_END_TIMEOUT_S = 1.0
_WORKER_MODULE = "services.detector.worker"
_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)
_SERVICE_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class WorkerStartError(Exception):
    """A worker process didn't start."""


class WorkerEnd(StrEnum):
    """Why a worker process ended."""

    OVERRAN = "overran"
    """The image took more processor time than allowed."""
    CRASHED = "crashed"
    """A signal such as SIGSEGV ended it in the decoder or the search."""
    SILENT = "silent"
    """It didn't reply in time, though it used little processor time."""
    KILLED = "killed"
    """It was ended from outside: by an operator, or by the kernel because memory ran out."""


class WorkerEndedError(Exception):
    """A worker process ended before it replied."""

    def __init__(self, end: WorkerEnd) -> None:
        super().__init__(f"the worker process {end.value}")
        self.end = end


class WorkerProcess(asyncio.Protocol):
    """A running process; its methods belong to the event loop."""

    def __init__(self, process: BaseProcess, max_work_s: float, on_end: Callable[[WorkerEnd], None]) -> None:
        """Wrap a process that was started.

        Args:
            process: The process.
            max_work_s: Its limit of processor time for an image.
            on_end: Called once, when it has ended, unless it was closed.
        """
        loop = asyncio.get_running_loop()
        self._process = process
        self._silence_s = max(max_work_s, _MIN_SILENCE_S) * (1 if _CAN_READ_CPU_TIME else _SILENCE_FACTOR_WITHOUT_CPU)
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._reply: asyncio.Future[bytes] | None = loop.create_future()
        self._ended: asyncio.Future[WorkerEnd] = loop.create_future()
        self._ending: asyncio.Task[None] | None = None
        self._closed = self._silent = False

    @property
    def alive(self) -> bool:
        """Whether it can process an image."""
        return self._transport is not None

    async def ready(self) -> None:
        """Wait until it has started.

        Raises:
            WorkerStartError: It can't load the cascade, or ended.
        """
        try:
            _require_ready(await self._replied())
        except ConnectionError:
            _require_ready(b"")

    async def exchange(self, request: bytes, image: bytes) -> bytes:
        """Send a request and return the reply; only one exchange may run at a time.

        Raises:
            WorkerEndedError: It ended before it replied.
        """
        if self._transport is not None:
            loop = asyncio.get_running_loop()
            self._reply = loop.create_future()
            self._transport.write(request)
            self._transport.write(image)
            self._watchdog = loop.call_later(self._silence_s, self._watch, _cpu_s(self._process.pid))
            try:
                return await self._replied()
            except ConnectionError:
                pass
            finally:
                self._watchdog.cancel()
        raise WorkerEndedError(await asyncio.shield(self._ended))

    async def close(self) -> None:
        """End it: kill it during an image, otherwise close its socket."""
        self._closed = True
        if self._transport is not None:
            if self._reply is not None:
                self._process.kill()
            self._transport.abort()
        await asyncio.shield(self._ended)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class isn't derived from it

    def data_received(self, data: bytes) -> None:
        """Collect a reply."""
        self._received += data
        if len(self._received) < REPLY_PREFIX.size:
            return
        (length,) = REPLY_PREFIX.unpack_from(self._received)
        missing = REPLY_PREFIX.size + length - len(self._received)
        if self._reply is None or missing < 0 or length > MAX_REPLY_BYTES:
            self._process.kill()  # a worker sends one reply to each request
        elif missing == 0 and not self._reply.done():
            self._reply.set_result(bytes(memoryview(self._received)[REPLY_PREFIX.size :]))
            self._received = bytearray()

    def connection_lost(self, _: Exception | None) -> None:
        """Find out how the process ended."""
        self._transport = None
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ConnectionResetError())
        self._ending = asyncio.ensure_future(self._end())

    async def _replied(self) -> bytes:
        assert self._reply is not None
        try:
            return await self._reply
        finally:
            self._reply = None

    def _watch(self, cpu_before_s: float) -> None:
        """Kill a worker that uses too little processor time; the kernel ends one that uses too much."""
        if self._transport is None:
            return
        cpu_s = _cpu_s(self._process.pid)
        if cpu_s - cpu_before_s >= MIN_CPU_SHARE * self._silence_s:
            self._watchdog = asyncio.get_running_loop().call_later(self._silence_s, self._watch, cpu_s)
        else:
            self._silent = True
            self._process.kill()

    async def _end(self) -> None:
        exit_code = await asyncio.to_thread(_join, self._process)
        end = WorkerEnd.SILENT if self._silent else _end_of(exit_code)
        self._ended.set_result(end)
        if not self._closed:
            self._on_end(end)


async def start_worker(settings: WorkerSettings, on_end: Callable[[WorkerEnd], None]) -> WorkerProcess:
    """Start a worker process.

    Args:
        settings: Its settings.
        on_end: Called once, when it has ended, unless it was closed.

    Raises:
        WorkerStartError: It didn't start, or can't load the cascade.
    """
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            process, connection = await _spawn_in_thread(settings)
            connection.setblocking(False)
            _, worker = await asyncio.get_running_loop().create_unix_connection(
                lambda: WorkerProcess(process, settings.max_work_s, on_end), sock=connection
            )
            try:
                await worker.ready()
            except BaseException:
                await worker.close()
                raise
            return worker
    except (OSError, EOFError, TimeoutError) as error:
        raise WorkerStartError(f"no worker process could be started: {error!r}") from error


def try_worker(settings: WorkerSettings) -> None:
    """Start a worker and end it, to check that workers can start; the fork server stays for the next ones.

    A service does so before anything else, so that the fork server starts from a process without threads and sockets.

    Raises:
        WorkerStartError: It didn't start, or can't load the cascade.
    """
    try:
        process, connection = _spawn(settings)
        with connection:
            connection.settimeout(START_TIMEOUT_S)
            prefix = connection.recv(REPLY_PREFIX.size, socket.MSG_WAITALL)
            (length,) = REPLY_PREFIX.unpack(prefix) if len(prefix) == REPLY_PREFIX.size else (0,)
            reply = connection.recv(min(length, MAX_REPLY_BYTES), socket.MSG_WAITALL) if length else b""
        _join(process)
    except (OSError, EOFError) as error:
        raise WorkerStartError(f"no worker process could be started: {error!r}") from error
    _require_ready(reply)


def _require_ready(reply: bytes) -> None:
    if reply[:1] == bytes([ReplyKind.NO_CASCADE]):
        raise WorkerStartError(f"EMOTION_DETECTOR_CASCADE: {reply[1:].decode()}")
    if reply != bytes([ReplyKind.READY]):
        raise WorkerStartError("a worker process ended while it started")


def _spawn(settings: WorkerSettings) -> tuple[BaseProcess, socket.socket]:
    """Start a process and return it with this end of its socket; blocks for some milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_WORKER_MODULE])
    # A terminal or a supervisor sends these to the whole process group. Only the service handles them: it finishes its
    # work and then ends the workers. Signals blocked here stay blocked in the fork server and its children.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SERVICE_SIGNALS)
    try:
        resource_tracker.ensure_running()  # of multiprocessing; its start unblocks signals
        signal.pthread_sigmask(signal.SIG_BLOCK, _SERVICE_SIGNALS)
        ours, theirs = socket.socketpair()
        with theirs:
            process = context.Process(target=_run, args=(theirs, settings), name="detect", daemon=True)
            try:
                process.start()
            except BaseException:
                ours.close()
                raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process, ours


def _run(connection: socket.socket, settings: WorkerSettings) -> None:
    from services.detector.worker import run_worker  # OpenCV, which the service itself doesn't load

    run_worker(connection, settings)


async def _spawn_in_thread(settings: WorkerSettings) -> tuple[BaseProcess, socket.socket]:
    """Start a process from a thread, so that a fork server that hangs doesn't block the event loop."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[BaseProcess, socket.socket]] = loop.create_future()

    def spawn() -> None:
        try:
            process, connection = _spawn(settings)
        except BaseException as error:
            failure = error
            _call(loop, lambda: None if future.done() else future.set_exception(failure))
        else:
            _call(loop, lambda: connection.close() if future.done() else future.set_result((process, connection)))

    threading.Thread(target=spawn, name="start-worker", daemon=True).start()
    return await future


def _call(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(call)


def _cpu_s(pid: int | None) -> float:
    """Return the processor time that a process has used, in seconds; 0 if it has ended or it can't be read."""
    if pid is None or not _CAN_READ_CPU_TIME:
        return 0.0
    with suppress(OSError):
        return time.clock_gettime(~pid << 3 | 2)  # what clock_getcpuclockid(3) returns, which Python lacks
    return 0.0


def _join(process: BaseProcess) -> int | None:
    """Wait for the end of a process, kill it if that takes too long, and return its exit code."""
    process.join(_END_TIMEOUT_S)
    if process.exitcode is None:
        process.kill()
        process.join(_END_TIMEOUT_S)
    exit_code = process.exitcode
    if exit_code is not None:
        process.close()
    return exit_code


def _end_of(exit_code: int | None) -> WorkerEnd:
    if exit_code is None:
        return WorkerEnd.KILLED
    if exit_code == -signal.SIGPROF:
        return WorkerEnd.OVERRAN
    return WorkerEnd.CRASHED if -exit_code in _CRASHES else WorkerEnd.KILLED
