"""The OpenAPI document says what each operation answers, and with which keys."""

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.contracts.problems import PROBLEM_MEDIA_TYPE, ProblemKind, ServiceError
from services.gateway.api.openapi import KEY_IN_QUERY, OPEN, PROBLEMS
from services.gateway.settings import CompatApi
from services.runtime.openapi import operations
from tests.support.gateway_fakes import FakeDetector, FakeServices
from tests.unit.gateway.conftest import Gateway

ALL = ",".join(CompatApi)
KEY = "a-key-of-twenty-characters"


def document_of(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").json()
    return document


def documented(client: TestClient) -> Mapping[str, dict[str, Any]]:
    return dict(operations(document_of(client)))


def test_every_operation_is_in_the_table(gateway: Gateway) -> None:
    assert set(documented(gateway(compat_apis=ALL))) == set(PROBLEMS)
    assert set(PROBLEMS) >= OPEN | KEY_IN_QUERY


def test_every_operation_names_a_schema_for_each_error(gateway: Gateway) -> None:
    for name, operation in documented(gateway()).items():
        errors = {status: response for status, response in operation["responses"].items() if status >= "400"}
        assert {"400", "403", "421", "500", "503"} <= set(errors), name
        for status, response in errors.items():
            schemas = [content["schema"] for content in response["content"].values()]
            assert all(schemas), (name, status)
            assert response["description"], (name, status)


def test_the_schemas_of_the_framework_are_gone(gateway: Gateway) -> None:
    document = document_of(gateway(compat_apis=ALL))
    assert "ValidationError" not in str(document)
    assert set(document["components"]["schemas"]["Problem"]["required"]) == {
        "type",
        "title",
        "status",
        "detail",
        "request_id",
    }


@pytest.mark.parametrize(
    ("method", "path", "arguments"),
    [
        ("GET", "/predict?camera=NO", {}),
        ("GET", "/predict?camera=other", {}),
        ("POST", "/predict", {"content": b"", "headers": {"Content-Type": "image/jpeg"}}),
        ("POST", "/predict", {"content": b"x", "headers": {"Content-Type": "text/plain"}}),
        ("POST", "/predict", {"content": b"x" * 2000, "headers": {"Content-Type": "image/jpeg"}}),
        ("GET", "/cameras/other/frame.jpg", {}),
        ("GET", "/cameras/cam0/events?fps=0", {}),
        ("GET", "/cameras/other/video", {}),
        ("GET", "/cameras", {"headers": {"Origin": "http://evil.example"}}),
        ("GET", "/services", {"headers": {"Host": "evil.example"}}),
    ],
)
def test_every_response_is_documented(gateway: Gateway, method: str, path: str, arguments: dict[str, Any]) -> None:
    client = gateway(body_limit_bytes=1000)
    answer = client.request(method, path, **arguments)
    place = path.partition("?")[0].replace("cam0", "{camera}").replace("other", "{camera}")
    response = documented(client)[f"{method} {place}"]["responses"][str(answer.status_code)]
    assert answer.headers["Content-Type"] == PROBLEM_MEDIA_TYPE
    assert PROBLEM_MEDIA_TYPE in response["content"]
    assert f"`{answer.json()['type'].rpartition(':')[2]}`" in response["description"]


@pytest.mark.parametrize(
    "kind",
    [
        ProblemKind.INVALID_IMAGE,
        ProblemKind.IMAGE_TOO_LARGE,
        ProblemKind.OVERLOADED,
        ProblemKind.DEPENDENCY_UNAVAILABLE,
        ProblemKind.DEPENDENCY_TIMEOUT,
    ],
)
@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/analyze", {"json": {"img": "data:image/png;base64,eHg="}}),
        ("/api/v1/detection/detect", {"json": {"file": "eHg="}}),
        ("/", {"json": {"Image": {"Bytes": "eHg="}}, "headers": {"X-Amz-Target": "RekognitionService.DetectFaces"}}),
    ],
)
def test_errors_of_compatible_apis_are_documented_in_their_format(
    gateway: Gateway, path: str, arguments: dict[str, Any], kind: ProblemKind
) -> None:
    services = FakeServices(detector=FakeDetector(error=ServiceError(kind, "as asked")))
    client = gateway(services, compat_apis=ALL)
    answer = client.post(path, **arguments)
    response = documented(client)[f"POST {path}"]["responses"][str(answer.status_code)]
    assert answer.headers["Content-Type"] in response["content"]


@pytest.mark.parametrize("compat_apis", ["", ALL])
def test_required_keys_are_documented(gateway: Gateway, compat_apis: str) -> None:
    client = gateway(api_keys=KEY, compat_apis=compat_apis)
    schemes = document_of(client)["components"]["securitySchemes"]
    for name, operation in documented(client).items():
        method, _, path = name.partition(" ")
        place = path.replace("{camera}", "no-such").replace("{name}", "no-such")
        refused = client.request(method, place)
        in_query = client.request(method, place, params={"key": KEY})
        named = [set(requirement) for requirement in operation.get("security", [])]
        needs_key = refused.status_code == (403 if name == "POST /" else 401)
        assert bool(named) == needs_key, name
        assert ({"ApiKeyQuery"} in named) == (needs_key and in_query.status_code != refused.status_code), name
        assert all(requirement and requirement <= set(schemes) for requirement in named), name


def test_keys_are_documented_as_optional_for_an_open_api(gateway: Gateway) -> None:
    security = documented(gateway())["GET /cameras"]["security"]
    assert security == [{"ApiKeyHeader": []}, {"Bearer": []}, {}]


def test_the_document_is_made_once(gateway: Gateway) -> None:
    client = gateway()
    assert client.get("/openapi.json").content == client.get("/openapi.json").content
