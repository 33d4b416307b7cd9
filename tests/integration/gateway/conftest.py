from collections.abc import Iterator

import httpx
import pytest

from tests.support.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack(redis_executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(redis_executable, tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="session")
def client(stack: Stack) -> httpx.Client:
    return stack.client
