import logging
from typing import Any

import httpx
import pytest

from services.contracts.problems import ProblemKind
from tests.support.tiny_service import BODY_LIMIT, SECRET

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def assert_problem(answer: httpx.Response, kind: ProblemKind) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["status"], body["type"]) == (kind.status, kind.status, kind.type)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/nothing-here", ProblemKind.NOT_FOUND),
        ("POST", "/healthz", ProblemKind.METHOD_NOT_ALLOWED),
        ("GET", "/items/one", ProblemKind.INVALID_PARAMETER),
        ("GET", "/items/1?size=x", ProblemKind.INVALID_PARAMETER),
        ("GET", "/fail", ProblemKind.INTERNAL),
    ],
)
async def test_what_goes_wrong_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, kind: ProblemKind
) -> None:
    assert_problem(await client.request(method, path), kind)


@pytest.mark.parametrize("kind", ProblemKind, ids=lambda kind: kind.name)
async def test_every_kind_travels_with_its_headers(client: httpx.AsyncClient, kind: ProblemKind) -> None:
    answer = await client.get(f"/problem/{kind.name}")
    body = assert_problem(answer, kind)
    assert (body["title"], body["detail"], body["hint"]) == (kind.title, "expected", "h")
    expected = None if kind.retry_after_s is None else str(kind.retry_after_s)
    assert answer.headers.get("retry-after") == expected
    assert ("www-authenticate" in answer.headers) == (kind is ProblemKind.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ProblemKind.INVALID_PARAMETER),
        (401, ProblemKind.UNAUTHORIZED),
        (406, ProblemKind.INVALID_PARAMETER),
        (413, ProblemKind.BODY_TOO_LARGE),
        (415, ProblemKind.UNSUPPORTED_MEDIA_TYPE),
        (422, ProblemKind.INVALID_PARAMETER),
        (429, ProblemKind.RATE_LIMITED),
        (502, ProblemKind.INTERNAL),
        (503, ProblemKind.OVERLOADED),
    ],
)
async def test_statuses_of_the_framework_become_kinds(
    client: httpx.AsyncClient, status: int, kind: ProblemKind
) -> None:
    answer = await client.get(f"/status/{status}")
    assert assert_problem(answer, kind)["detail"] == "expected"
    assert answer.headers["x-kept"] == "yes"


async def test_a_wrong_method_is_told_the_methods_of_all_routes_with_that_path(client: httpx.AsyncClient) -> None:
    answer = await client.put("/items/1")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert answer.json()["detail"] == "PUT /items/1"


async def test_a_malformed_parameter_is_named(client: httpx.AsyncClient) -> None:
    detail = (await client.get("/items/1?size=x")).json()["detail"]
    assert detail.startswith("size: ")


async def test_a_failure_is_told_to_the_log_and_not_to_the_client(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/fail")
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    failure = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert answer.headers["x-request-id"] in failure.getMessage()
    assert SECRET in (failure.exc_text or "")


async def test_an_answer_that_fails_half_way_is_cut_off(client: httpx.AsyncClient) -> None:
    with pytest.raises(RuntimeError, match=SECRET):  # which makes the server close the connection
        await client.get("/fail-late")


@pytest.mark.parametrize(
    ("path", "headers", "wrap"),
    [("/raw", {}, b"%s"), ("/json", JSON, b'{"a": "%s"}'), ("/form", FORM, b"value=%s")],
    ids=["raw", "json", "form"],
)
async def test_a_body_over_the_limit_is_413_however_it_is_read(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], wrap: bytes
) -> None:
    padding = BODY_LIMIT - len(wrap % b"")
    within = await client.post(path, content=wrap % (b"x" * padding), headers=headers)
    assert within.status_code == 200
    over = await client.post(path, content=wrap % (b"x" * (padding + 1)), headers=headers)
    assert assert_problem(over, ProblemKind.BODY_TOO_LARGE)["limit_bytes"] == BODY_LIMIT


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/json", "application/json", b"{abc"),
        ("/json", "application/json", b"\xff\xfe{"),
        ("/json", "application/json", b"[]"),
        ("/form", "multipart/form-data", b"abc"),
        ("/form", "multipart/form-data; boundary=b", b"abc"),
        ("/form", "application/x-www-form-urlencoded", b"other=1"),
    ],
)
async def test_a_malformed_body_is_422(client: httpx.AsyncClient, path: str, content_type: str, body: bytes) -> None:
    answer = await client.post(path, content=body, headers={"content-type": content_type})
    assert_problem(answer, ProblemKind.INVALID_PARAMETER)
