"""Signals, and the distribution of tests over parallel workers."""

import signal

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped] # it has no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # likewise

SHARED_PROCESSES = tuple(
    f"tests/integration/{folder}/" for folder in ("gateway", "detector", "runtime", "serving", "bench")
)
"""Folders whose tests share the processes of a session fixture: each runs in one worker."""

SLOWEST_FIRST = (
    "tests/integration/training/",
    "tests/integration/bench/",
    "tests/integration/gateway/",
    "tests/integration/",
    "tests/security/",
)
"""Folders that run first, so that all workers finish at about the same time."""


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc] # likewise
    """Sends the tests of a module, or of a folder that shares processes, to the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return next((folder for folder in SHARED_PROCESSES if module.startswith(folder)), module)


def pytest_configure() -> None:
    """Restore Ctrl-C for the processes that tests start; a shell's background jobs ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling:
    """Distribute modules in the order of ``SLOWEST_FIRST``. pytest-xdist 3.8's own groups need pytest 9.1 or older."""
    config.option.loadscopereorder = False
    return FolderScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort slow folders to the front."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next(
        (rank for rank, folder in enumerate(SLOWEST_FIRST) if item.nodeid.startswith(folder)), len(SLOWEST_FIRST)
    )
