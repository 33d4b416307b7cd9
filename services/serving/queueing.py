"""How requests form batches while they wait. Knows no threads and no clock."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.serving.batching_config import BatchingConfig

T = TypeVar("T")


@dataclass(eq=False)
class Batch(Generic[T]):
    """Requests that will be computed together.

    Attributes:
        form: What they have in common.
        opened_at: When the first one came.
        size: Rows of all.
        tasks: The requests.
    """

    form: Hashable
    opened_at: float
    size: int = 0
    tasks: list[T] = field(default_factory=list)

    def add(self, task: T, size: int) -> None:
        """Take a request in."""
        self.tasks.append(task)
        self.size += size


def find_open(queue: Sequence[Batch[T]], form: Hashable, size: int, config: BatchingConfig) -> Batch[T] | None:
    """Return the batch that a request joins: the newest of its form, if there is room in it."""
    newest = next((batch for batch in reversed(queue) if batch.form == form), None)
    return newest if newest is not None and newest.size + size <= config.largest_batch else None


def due(queue: Sequence[Batch[T]], now: float, config: BatchingConfig) -> Batch[T] | None:
    """Return the oldest batch that need not wait any longer: it is full, another follows it, or its time is over."""
    for place, batch in enumerate(queue):
        followed = any(later.form == batch.form for later in queue[place + 1 :])
        if followed or batch.size >= config.largest_batch or now >= batch.opened_at + config.timeout_s:
            return batch
    return None
