"""What all tests need."""

import signal

import pytest

SHARED_PROCESSES = frozenset({"stack", "detector", "service", "toys"})
"""Fixtures of whole sessions that start processes: tests of a folder that use one run in the same worker."""

SLOWEST_FIRST = (
    "tests/integration/training/",
    "tests/integration/bench/",
    "tests/integration/gateway/",
    "tests/integration/",
    "tests/security/",
)
"""Tests that run first, so that no worker is busy alone at the end."""


def pytest_configure() -> None:
    """Let Ctrl-C reach the processes that tests start: background jobs of a shell ignore it, as do their own."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of a module, or those that share a session's processes, run in one worker of pytest-xdist."""
    items.sort(key=_rank)
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    module = item.nodeid.partition("::")[0]
    fixtures = SHARED_PROCESSES.intersection(getattr(item, "fixturenames", ()))
    return "/".join(module.split("/")[:3]) if module.startswith("tests/integration/") and fixtures else module


def _rank(item: pytest.Item) -> int:
    return next(
        (rank for rank, folder in enumerate(SLOWEST_FIRST) if item.nodeid.startswith(folder)), len(SLOWEST_FIRST)
    )
