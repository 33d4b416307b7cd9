"""Signals, and the distribution of tests over workers."""

import signal

import pytest

SHARED_PROCESSES = frozenset({"stack", "detector", "service", "toys"})
"""Session fixtures that start processes. Tests of a folder that use one run in the same worker."""

SLOWEST_FIRST = (
    "tests/integration/training/",
    "tests/integration/bench/",
    "tests/integration/gateway/",
    "tests/integration/",
    "tests/security/",
)
"""Folders that run first, so that all workers finish at about the same time."""


def pytest_configure() -> None:
    """Restore Ctrl-C for the processes that tests start; a shell's background jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group tests for ``--dist loadgroup``: by module, or by folder if they share a session's processes."""
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
