"""Computes requests together: they wait for others as long as they may, and for a free thread."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from services.serving.batching_config import BatchingConfig
from services.serving.errors import InternalError, InvalidArgumentError, ServingError, UnavailableError
from services.serving.joining import form, padded_size
from services.serving.monitoring import Monitoring
from services.serving.queueing import Batch, due, find_open
from services.serving.signature import Computation
from services.serving.together import Computer, Outputs, compute_together

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Task:
    computation: Computation
    size: int
    came_at: float
    answer: asyncio.Future[Outputs]


@dataclass(eq=False)
class _Queue:
    """Batches that wait for the same version, signature and outputs."""

    computer: Computer
    batches: list[Batch[_Task]] = field(default_factory=list)


class Batcher:
    """Forms batches on the event loop and computes them in threads of its own."""

    def __init__(self, config: BatchingConfig, monitoring: Monitoring) -> None:
        self._config = config
        self._monitoring = monitoring
        self._executor = ThreadPoolExecutor(config.threads, config.pool_name)
        self._idle = config.threads
        self._queues: dict[tuple[int, str, tuple[str, ...]], _Queue] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None

    async def compute(self, computer: Computer, computation: Computation, size: int) -> Outputs:
        """Return the outputs of a request of ``size`` rows.

        Raises:
            InvalidArgumentError: The request has more rows than one may have.
            UnavailableError: Too many batches wait already.
            ServingError: The computation failed.
        """
        if size > self._config.largest_task:
            raise InvalidArgumentError(
                f"Task size {size} is larger than maximum input batch size {self._config.largest_task}"
            )
        loop = asyncio.get_running_loop()
        task = _Task(computation, size, loop.time(), loop.create_future())
        self._enqueue(computer, task)
        self._dispatch()
        return await task.answer

    def close(self) -> None:
        """Begin nothing more; what runs is left alone."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, computer: Computer, task: _Task) -> None:
        key = (id(computer), task.computation.signature.name, task.computation.outputs)
        queue = self._queues.get(key) or _Queue(computer)
        shared = form(task.computation)
        batch = find_open(queue.batches, shared, task.size, self._config)
        if batch is None:
            if len(queue.batches) >= self._config.most_batches:
                raise UnavailableError("The batch scheduling queue to which this task was submitted is full")
            batch = Batch(shared, task.came_at)
            queue.batches.append(batch)
        batch.add(task, task.size)
        self._queues[key] = queue

    def _dispatch(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._idle and (ready := self._oldest_due(now)):
            queue, batch = ready
            queue.batches.remove(batch)
            self._start(queue.computer, [task for task in batch.tasks if not task.answer.done()])
        self._queues = {key: queue for key, queue in self._queues.items() if queue.batches}
        self._set_alarm()

    def _oldest_due(self, now: float) -> tuple[_Queue, Batch[_Task]] | None:
        ready = [(queue, batch) for queue in self._queues.values() if (batch := due(queue.batches, now, self._config))]
        return min(ready, key=lambda pair: pair[1].opened_at, default=None)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        opened = [batch.opened_at for queue in self._queues.values() for batch in queue.batches]
        at = min(opened, default=None) if self._idle else None  # a thread that becomes free looks anyway
        loop = asyncio.get_running_loop()
        self._alarm = None if at is None else loop.call_at(at + self._config.timeout_s, self._dispatch)

    def _start(self, computer: Computer, tasks: Sequence[_Task]) -> None:
        if not tasks:
            return
        self._idle -= 1
        running = asyncio.get_running_loop().create_task(self._run(computer, tasks))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _run(self, computer: Computer, tasks: Sequence[_Task]) -> None:
        loop = asyncio.get_running_loop()
        for task in tasks:
            self._monitoring.queued(self._config.pool_name, loop.time() - task.came_at)
        results: Sequence[Outputs | ServingError]
        try:
            results = await loop.run_in_executor(self._executor, self._compute, computer, tasks)
        except Exception:
            _log.exception("a batch failed in a way that was not foreseen")
            results = [InternalError("The server failed; the reason was logged.") for _ in tasks]
        finally:
            self._idle += 1
        for task, result in zip(tasks, results, strict=True):
            _give(task.answer, result)
        self._dispatch()

    def _compute(self, computer: Computer, tasks: Sequence[_Task]) -> list[Outputs | ServingError]:
        sizes = [task.size for task in tasks]
        rows = padded_size(sum(sizes), self._config.allowed_sizes)
        self._monitoring.batch(self._config.pool_name, sum(sizes), rows)
        return compute_together(computer, [task.computation for task in tasks], sizes, rows)


def _give(answer: asyncio.Future[Outputs], result: Outputs | ServingError) -> None:
    if answer.done():  # its caller has left
        return
    if isinstance(result, ServingError):
        answer.set_exception(result)
    else:
        answer.set_result(result)
