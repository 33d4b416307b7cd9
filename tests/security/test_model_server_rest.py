"""No client can exhaust the model server over REST."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.security.model_server import MAX_GROWTH_MB, MiB, answers, growth
from tests.support.model_server import ServerProcess

LIMIT = 8 * MiB
BODIES = {
    "lists": b'{"instances":[' + b"[]," * (LIMIT // 3 - 10) + b"[]]}",
    "objects": b'{"instances":[' + b'{"a":1},' * (LIMIT // 8 - 10) + b"{}]}",
    "numbers": b'{"instances":[' + b"1," * (LIMIT // 2 - 20) + b"1]}",
    "strings": b'{"instances":[' + b'"",' * (LIMIT // 3 - 10) + b'""]}',
    "nested without end": b'{"instances":' + b"[" * (LIMIT - 20),
    "nested 900 levels": b'{"instances":' + b"[" * 900 + b"]" * 900 + b"}",
    "nested 40 levels": b'{"instances":' + b"[" * 40 + b"]" * 40 + b"}",
    "wide characters": '{"instances":["😀'.encode() + b"a" * (LIMIT - 30) + b'"]}',
    "escapes": b'{"instances":["' + b"\\u0000" * (LIMIT // 6 - 10) + b'"]}',
    "digits": b'{"instances":[' + b"9" * 5000 + b"]}",
    "many digits": b'{"instances":[' + b",".join([b"9" * 4200] * 1900) + b"]}",
    "exponent": b'{"instances":[1e999]}',
    "not UTF-8": b'{"instances":["\xff"]}',
    "names": b'{"instances":[{' + b",".join(b'"%d":1' % place for place in range(300_000)) + b"}]}",
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("method", ["predict", "classify"])
def test_cost_of_a_body_is_bounded(model_server: ServerProcess, kind: str, method: str) -> None:
    with growth(model_server) as cost:
        response = model_server.http.post(f"/v1/models/toys:{method}", content=BODIES[kind])
    assert response.status_code == 400
    assert len(response.text) < 10_000
    assert cost.mb < MAX_GROWTH_MB
    assert cost.cpu_s < 5


def test_many_large_bodies_share_one_memory_limit(model_server: ServerProcess) -> None:
    body = BODIES["wide characters"]
    url = f"{model_server.http.base_url}/v1/models/toys:predict"

    def post(_: int) -> int:
        return httpx.post(url, content=body, timeout=60, trust_env=False).status_code

    with ThreadPoolExecutor(12) as pool, growth(model_server) as cost:
        results = pool.map(post, range(12))
        assert answers(model_server)
        assert set(results) <= {400, 503}
    assert cost.mb < 2 * MAX_GROWTH_MB


@pytest.mark.parametrize("path", ["versions/" + "9" * 5000, "labels/" + "x" * 5000, "versions/-1", "versions/1e9"])
def test_path_with_an_invalid_version_or_label(model_server: ServerProcess, path: str) -> None:
    response = model_server.http.get(f"/v1/models/toys/{path}")
    assert response.status_code == 400
    assert len(response.text) < 10_000
