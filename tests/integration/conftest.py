from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer, oldest_redis


@pytest.fixture(scope="session")
def redis_executable() -> str:
    """The oldest Redis that we support where its wheel is installed, else the system's."""
    return oldest_redis()


@pytest.fixture
def redis_server(redis_executable: str, tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(redis_executable, tmp_path / "redis.log") as server:
        yield server
