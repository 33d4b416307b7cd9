"""The OpenAPI document that every service has."""

import httpx
import pytest

from services.contracts.problems import PROBLEM_MEDIA_TYPE
from services.runtime.app import ServiceContext
from services.runtime.openapi import Document, complete_document, operations
from tests.support.tiny_service import TinySettings, create_app


async def test_a_validation_error_is_documented_as_the_problem_that_it_is(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    response = dict(operations(document))["GET /items/{item}"]["responses"]["422"]
    assert list(response["content"]) == [PROBLEM_MEDIA_TYPE]
    assert "ValidationError" not in str(document)
    problem = (await client.get("/items/word")).json()
    assert set(document["components"]["schemas"]["Problem"]["required"]) <= set(problem)


async def test_readiness_documents_its_states(client: httpx.AsyncClient) -> None:
    operation = dict(operations((await client.get("/openapi.json")).json()))["GET /readyz"]
    assert list(operation["responses"]["503"]["content"]) == ["application/json", PROBLEM_MEDIA_TYPE]


def test_several_functions_complete_the_document_in_turn() -> None:
    app = create_app(TinySettings(), ServiceContext())
    called: list[str] = []

    def first(document: Document) -> None:
        called.append(f"first {document['info']['title']}")

    def second(document: Document) -> None:
        called.append(f"second {document['info']['title']}")

    complete_document(app, first)
    complete_document(app, second)
    assert app.openapi() is app.openapi()
    assert called == ["first tiny", "second tiny"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect", "/static-offline-docs/swagger-ui.css"])
async def test_a_service_has_no_page_by_itself(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
