"""Tests take shared helpers from ``tests/support``, never from another tier of tests."""

from tests.contract.sources import all_sources

TIERS = frozenset({"unit", "contract", "integration", "security", "debian", "browser", "e2e"})


def test_no_test_imports_from_another_tier() -> None:
    crossing = [
        f"{source.path} imports {name}"
        for source in all_sources()
        if source.path.startswith("tests/")
        for name in source.imports
        if name.startswith("tests.") and name.split(".")[1] in TIERS - {source.path.split("/")[1]}
    ]
    assert crossing == []
