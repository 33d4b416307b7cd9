"""Every example of docs/api.md runs, ends by itself, and prints what the page shows."""

from pathlib import Path

import httpx
import pytest

from tests.integration.gateway.example_run import run
from tests.integration.gateway.shown import difference
from tests.support import images
from tests.support.markdown import Example, examples
from tests.support.processes import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text("utf-8")
ADDRESS = "127.0.0.1:8000"
ATTEMPTS = 2
"""The demo feed shows one face after the other, and a frame between the two may have none."""


def name(example: Example) -> str:
    """Return the path that an example asks, and its language."""
    path = example.source.partition(ADDRESS)[2].split()[0].strip("'\",)")
    return f"{example.language} {path}"


@pytest.mark.parametrize("example", examples(TEXT), ids=name)
def test_an_example(example: Example, client: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(images.encode(images.one_face()))
    for _ in range(ATTEMPTS):
        address = f"{client.base_url.host}:{client.base_url.port}"
        ended = run(example, example.source.replace(ADDRESS, address), tmp_path)
        wrong = ended.stderr if ended.returncode else example.shown and difference(ended.stdout, example.shown)
        if not wrong:
            return
    pytest.fail(f"status {ended.returncode}, {wrong}; it printed {ended.stdout!r}")


def test_every_block_is_an_example_or_what_it_prints() -> None:
    found = examples(TEXT)
    assert all(ADDRESS in example.source for example in found)
    assert TEXT.count("\n```") == 2 * (len(found) + sum(bool(example.shown) for example in found))


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ('{"a": 1}', '{"a": 1, "b": 2}'),
        ('{"a": 1, "b": 2}', '{"a": 1}'),
        ('{"a": {"b": null}}', '{"a": {"b": "text", …}}'),
        ('{"a": []}', '{"a": [1]}'),
        ('data: {"a": true}', 'data: {"a": 1}'),
        ("happy 0.9\n", "cheerful 0.9\n"),
        ("happy 0.9\n\n", "happy 0.9\n"),
        ("", "happy 0.9\n"),
    ],
)
def test_differences_are_found(printed: str, shown: str) -> None:
    assert difference(printed, shown)


def test_numbers_and_emotions_may_differ() -> None:
    assert difference('{"a": {"b": 1.5, "c": ""}, "d": [2, 3]}', '{"a": {"b": 3, …}, "d": [1]}') == ""
    assert difference("sad 0.5\nready: yes", "happy 0.75\nready: …") == ""
