"""Every page has a content security policy without inline scripts or other hosts."""

from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from services.gateway.api.pages import API_REFERENCE, api_reference_assets
from services.gateway.app import create_app
from services.gateway.settings import CompatApi, GatewaySettings
from services.runtime.app import ServiceContext
from tests.support.gateway_fakes import FakeServices

ENDLESS = ("/cameras/{camera}/events", "/cameras/{camera}/video")
PAGE_FILES = [f"/docs/{name}" for name in api_reference_assets()]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    settings = {"allowed_hosts": "testserver", "compat_apis": ",".join(CompatApi)}
    app = create_app(GatewaySettings.model_validate(settings), ServiceContext(), FakeServices().open)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def paths(client: TestClient) -> list[str]:
    routes = iter_route_contexts(client.app.router.routes)  # type: ignore[attr-defined]  # it is a FastAPI
    found = {str(route.path) for route in routes if "GET" in (route.methods or ())}
    return sorted(path.replace("{camera}", "cam0") for path in found - set(ENDLESS))


def parse_policy(value: str) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in value.split("; "))


def test_every_page_has_a_content_security_policy(client: TestClient) -> None:
    pages = {}
    for path in [*paths(client), "/nowhere", "/docs/nothing", "/dashboard/nothing"]:
        answer = client.get(path)
        if "html" in answer.headers["Content-Type"]:
            pages[path] = parse_policy(answer.headers["Content-Security-Policy"])
    assert set(pages) == {"/", "/docs"}
    for path, policy in pages.items():
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'", path
        assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == "'self'", path
        assert policy["frame-ancestors"] in ("'none'", "'self'"), path
        assert "unsafe" not in str(policy), path


@pytest.mark.parametrize("path", ["/docs", *PAGE_FILES])
def test_assets_of_the_api_page_have_its_headers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["..%2Fapp.py", "%2e%2e", "index.html%00", "nothing.js"])
def test_other_files_are_not_found(client: TestClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code == 404


def test_api_page_has_no_inline_script() -> None:
    page = (API_REFERENCE / "index.html").read_text("utf-8")
    assert "<style" not in page
    assert all("src=" in tag for tag in page.split("<script")[1:])
    assert not any(host in page for host in ("http:", "https:", '"//'))
