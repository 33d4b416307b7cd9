"""How requests are computed together: what the file of batching parameters says."""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from services.serving.errors import InvalidArgumentError
from services.serving.own_messages import batching_parameters
from services.serving.text_config import read_text_config


@dataclass(frozen=True)
class BatchingConfig:
    """Limits and times; the defaults are the original's.

    Attributes:
        largest_task: Rows that one request may have.
        largest_batch: Rows that are computed together.
        timeout_s: How long a request waits for others, once a thread is free.
        threads: Batches that are computed at the same time.
        most_batches: Batches that may wait, of the same signature.
        allowed_sizes: Sizes that are computed, ascending; a batch is filled up to the next one. Empty: any.
        pool_name: Names the threads in metrics.
    """

    largest_task: int = 1000
    largest_batch: int = 1000
    timeout_s: float = 0.0
    threads: int = os.cpu_count() or 1
    most_batches: int = 10
    allowed_sizes: tuple[int, ...] = ()
    pool_name: str = "batch_threads"


def read_batching_config(path: Path | None) -> BatchingConfig:
    """Read the file of batching parameters; without a file all stand at their defaults.

    Raises:
        InvalidArgumentError: The file can't be read, or a value can't be used.
    """
    if path is None:
        return BatchingConfig()
    message = read_text_config(path, batching_parameters())
    if message.pad_variable_length_inputs:
        raise InvalidArgumentError(f"{path}: pad_variable_length_inputs is not supported")
    largest = _at_least(message, "max_batch_size", 1, BatchingConfig.largest_task)
    splits = message.enable_large_batch_splitting.value
    config = BatchingConfig(
        largest_task=largest,
        largest_batch=min(largest, _at_least(message, "max_execution_batch_size", 1, largest)) if splits else largest,
        timeout_s=_at_least(message, "batch_timeout_micros", 0, 0) / 1e6,
        threads=_at_least(message, "num_batch_threads", 1, BatchingConfig.threads),
        most_batches=_at_least(message, "max_enqueued_batches", 1, BatchingConfig.most_batches),
        allowed_sizes=tuple(message.allowed_batch_sizes),
        pool_name=message.thread_pool_name.value or BatchingConfig.pool_name,
    )
    _check_allowed_sizes(config)
    return config


def _at_least(message: Any, name: str, least: int, default: int) -> int:
    value: int = getattr(message, name).value if message.HasField(name) else default
    if value < least:
        raise InvalidArgumentError(f"{name} must be at least {least}; was {value}")
    return value


def _check_allowed_sizes(config: BatchingConfig) -> None:
    sizes = config.allowed_sizes
    if not sizes:
        return
    if sizes[0] < 1 or any(size >= following for size, following in pairwise(sizes)):
        raise InvalidArgumentError("allowed_batch_sizes entries must be positive and in increasing order")
    if sizes[-1] != config.largest_batch:
        raise InvalidArgumentError(
            f"Last entry in allowed_batch_sizes must match max_batch_size; last entry was {sizes[-1]}; "
            f"expected {config.largest_batch}"
        )
