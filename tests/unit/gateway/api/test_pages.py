"""The page's files as they are served; what they do is seen in tests/browser."""

import re
from pathlib import Path

import pytest

from services.gateway.api.pages import DASHBOARD, INDEX, read_assets
from tests.unit.gateway.conftest import Gateway

FILES = sorted(path.relative_to(DASHBOARD).as_posix() for path in DASHBOARD.rglob("*") if path.is_file())
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def text_of(path: str) -> str:
    return (DASHBOARD / path).read_text("utf-8")


def references(path: str) -> set[str]:
    """Return what a file of the page names, from the page's folder."""
    text = text_of(path)
    if path == INDEX:
        named = {name.removeprefix("dashboard/") for name in re.findall(r'(?:src|href)="([^"#]+)"', text)}
        return named - {"docs"}
    folder = Path(path).parent
    found = re.findall(r'^import .* from "([^"]+)";$', text, re.MULTILINE) if path.endswith(".js") else []
    return {(DASHBOARD / folder / name).resolve().relative_to(DASHBOARD).as_posix() for name in found}


@pytest.mark.parametrize("path", FILES)
def test_every_file_is_served_with_its_media_type(gateway: Gateway, path: str) -> None:
    answer = gateway().get(f"/dashboard/{path}")
    assert answer.status_code == 200
    assert answer.content == (DASHBOARD / path).read_bytes()
    assert answer.headers["Content-Type"] == MEDIA_TYPES[path.rpartition(".")[2]]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_runs_nothing_but_its_own_files(gateway: Gateway) -> None:
    answer = gateway().get("/")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=(self)" in answer.headers["Permissions-Policy"]


def test_the_page_holds_no_script_style_or_handler_of_its_own() -> None:
    page = text_of(INDEX)
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)
    assert not re.search(r"<script(?![^>]*src=)", page)


def test_files_name_files_that_exist_and_none_elsewhere() -> None:
    assert {path: missing for path in FILES if (missing := references(path) - set(FILES))} == {}
    named = [(path, name) for path in FILES for name in re.findall(r"https?://[^\s\"'`)$]+", text_of(path))]
    assert {name for _, name in named} <= {"http://www.w3.org/2000/svg", "http://localhost"}


def test_every_file_is_needed() -> None:
    needed, waiting = {INDEX}, [INDEX]
    while waiting:
        found = references(waiting.pop()) - needed
        needed |= found
        waiting += [path for path in found if path.endswith(".js")]
    assert set(FILES) - needed == set()


@pytest.mark.parametrize("path", FILES)
def test_files_are_small(path: str) -> None:
    assert len(text_of(path).splitlines()) < 250


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
)
def test_text_from_outside_never_becomes_markup(word: str) -> None:
    assert [path for path in FILES if word in text_of(path)] == []


def test_a_current_copy_gets_304(gateway: Gateway) -> None:
    client = gateway()
    first = client.get("/dashboard/main.js")
    assert first.headers["Cache-Control"] == "no-cache"
    for known in (first.headers["ETag"], f'"other", W/{first.headers["ETag"]}', "*"):
        again = client.get("/dashboard/main.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert "Content-Security-Policy" in again.headers
    assert client.get("/dashboard/main.js", headers={"If-None-Match": '"other"'}).status_code == 200


def test_an_etag_changes_with_the_content_only(tmp_path: Path) -> None:
    def etag(text: str) -> str:
        (tmp_path / "a.js").write_text(text)
        return read_assets(tmp_path)["a.js"].etag

    assert etag("one") != etag("two")
    assert etag("one") == etag("one")


def test_hidden_files_are_not_served(tmp_path: Path) -> None:
    for name in ("a.js", ".DS_Store", ".a.js.swp"):
        (tmp_path / name).write_text("")
    assert set(read_assets(tmp_path)) == {"a.js"}


def test_head_returns_the_headers_of_get(gateway: Gateway) -> None:
    client = gateway()
    for path in ("/", "/dashboard/main.js"):
        head, whole = client.head(path), client.get(path)
        assert head.content == b""
        assert head.headers["Content-Length"] == str(len(whole.content))
        assert head.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/",
        "/dashboard/nothing.js",
        "/dashboard/lib",
        "/dashboard/lib/",
        "/dashboard/../assets.py",
        "/dashboard/..%2fassets.py",
        "/dashboard/%2e%2e/assets.py",
        "/dashboard/lib/%2e%2e/%2e%2e/assets.py",
        "/dashboard//etc/passwd",
        "/dashboard/%2fetc%2fpasswd",
        "/dashboard/main.js%00",
        "/dashboard/..%5cassets.py",
    ],
)
def test_nothing_else_is_served(gateway: Gateway, path: str) -> None:
    answer = gateway().get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:emotion:problem:not-found"


@pytest.mark.parametrize("path", ["/", "/dashboard/main.js"])
def test_other_methods_get_405_with_the_allowed_methods(gateway: Gateway, path: str) -> None:
    answer = gateway().post(path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_the_page_needs_no_key_and_counts_against_no_limit(gateway: Gateway) -> None:
    client = gateway(api_keys="secret", rate_limit="1/minute")
    assert [client.get(path).status_code for path in ("/", "/dashboard/main.js", "/dashboard/icon.svg")] == [200] * 3
    assert client.get("/services").status_code == 401


@pytest.mark.parametrize("path", ["/", "/dashboard/main.js"])
def test_pages_of_other_origins_may_not_load_it(gateway: Gateway, path: str) -> None:
    client = gateway()
    foreign = {"Origin": "https://evil.example"}
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert [client.get(path, headers=headers).status_code for headers in (foreign, framed, script)] == [403] * 3
    assert client.get(path, headers=followed).status_code == 200
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 421
