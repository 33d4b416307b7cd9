from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.stack import Stack

LOGS = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The default stack, with the demo feed."""
    with Stack("emotion-e2e") as stack:
        yield stack
        request.config.stash[LOGS] = stack.logs()


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the containers' logs of failed tests; the containers are already removed."""
    if terminalreporter.stats.get("failed") and LOGS in config.stash:
        terminalreporter.section("logs of the stack")
        terminalreporter.write_line(config.stash[LOGS])
