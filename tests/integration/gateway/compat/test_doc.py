"""Every example of docs/compatible-apis.md runs, and prints what the page shows."""

from pathlib import Path

import httpx
import pytest

from tests.integration.gateway.example_run import run
from tests.integration.gateway.shown import difference
from tests.support.markdown import Example, examples
from tests.support.processes import ROOT

TEXT = (ROOT / "docs" / "compatible-apis.md").read_text("utf-8")
EXAMPLES = [example for example in examples(TEXT) if example.language == "python"]


@pytest.mark.parametrize("example", EXAMPLES, ids=["deepface", "compreface", "rekognition", "open-inference"])
def test_an_example(example: Example, compat_gateway: httpx.Client, smile: bytes, tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(smile)
    host, port = compat_gateway.base_url.host, compat_gateway.base_url.port
    source = example.source.replace("127.0.0.1:8000", f"{host}:{port}").replace('"8000"', f'"{port}"')
    ended = run(example, source, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert difference(ended.stdout, example.shown) == "", ended.stdout
