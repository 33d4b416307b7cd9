"""``/``, the dashboard, and ``/docs``, the API reference. Their files need no API key; the calls that they make do.

The files are read once, at startup, so a request can't name any other file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request, Response

from services.contracts.problems import ProblemKind, ServiceError

_STATIC = Path(__file__).parents[1] / "static"
DASHBOARD = _STATIC / "dashboard"
API_REFERENCE = _STATIC / "docs"
INDEX = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""``mimetypes`` isn't used, since its answers depend on the machine."""


@dataclass(frozen=True)
class Asset:
    """One static file. Its ``etag`` is a hash of the content (RFC 9110, 8.8.3)."""

    content: bytes
    media_type: str
    etag: str

    def matches(self, if_none_match: str | None) -> bool:
        """Tell whether the client's copy is current, by its ``If-None-Match`` header (RFC 9110, 13.1.2)."""
        if if_none_match is None:
            return False
        etags = {etag.strip().removeprefix("W/") for etag in if_none_match.split(",")}
        return "*" in etags or self.etag in etags

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return the file, or 304 if the client's copy is current."""
        headers = {**headers, "ETag": self.etag}
        if self.matches(request.headers.get("If-None-Match")):
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.media_type)


def read_assets(folder: Path) -> Mapping[str, Asset]:
    """Return every file of a folder by its relative path, with slashes. Hidden files are left out.

    Raises:
        KeyError: The media type of a file is unknown.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    return {path.relative_to(folder).as_posix(): read_asset(path) for path in paths}


def read_asset(path: Path) -> Asset:
    """Return one file.

    Raises:
        KeyError: The media type is unknown.
    """
    content = path.read_bytes()
    return Asset(content, MEDIA_TYPES[path.suffix], f'"{sha256(content).hexdigest()[:32]}"')


_SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")


@cache
def dashboard_assets() -> Mapping[str, Asset]:
    """Return the files of the dashboard."""
    return read_assets(DASHBOARD)


@cache
def api_reference_assets() -> Mapping[str, Asset]:
    """Return the files of ``/docs``: ours, and Swagger UI from the package ``fastapi-offline``.

    Raises:
        FileNotFoundError: The package isn't installed.
    """
    # The package is only located: its code isn't needed, and importing it is slow.
    package = find_spec("fastapi_offline")
    if package is None or package.origin is None:
        raise FileNotFoundError("fastapi-offline")
    swagger_ui = Path(package.origin).with_name("static")
    return {**read_assets(API_REFERENCE), **{name: read_asset(swagger_ui / name) for name in _SWAGGER_FILES}}


_SAME_ORIGIN_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}


def _policy(**directives: str) -> str:
    policy = {**_SAME_ORIGIN_POLICY, **{name.replace("_", "-"): value for name, value in directives.items()}}
    return "; ".join(f"{name} {value}" for name, value in policy.items())


DASHBOARD_HEADERS = {
    "Cache-Control": "no-cache",  # a browser keeps the file and revalidates it for each use
    "Content-Security-Policy": _policy(
        img_src="'self' blob:",  # previews of chosen images
        frame_ancestors="'self'",
        require_trusted_types_for="'script'",  # text from outside can't become markup, even by mistake
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
}
API_REFERENCE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _policy(
        img_src="'self' blob: data:",  # images that a call returned; icons in Swagger UI's style sheet
        frame_ancestors="'none'",
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def load_assets() -> None:
    """Read all files, so that a missing one is found at startup."""
    dashboard_assets()
    api_reference_assets()


router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def dashboard(request: Request) -> Response:
    """Return the dashboard's page."""
    return _static_response(request, dashboard_assets(), INDEX, DASHBOARD_HEADERS)


@router.api_route("/dashboard/{path:path}", methods=["GET", "HEAD"])
async def dashboard_file(request: Request, path: str) -> Response:
    """Return another file of the dashboard."""
    return _static_response(request, dashboard_assets(), path, DASHBOARD_HEADERS)


@router.api_route("/docs", methods=["GET", "HEAD"])
async def api_reference(request: Request) -> Response:
    """Return the API reference's page."""
    return _static_response(request, api_reference_assets(), INDEX, API_REFERENCE_HEADERS)


@router.api_route("/docs/{path:path}", methods=["GET", "HEAD"])
async def api_reference_file(request: Request, path: str) -> Response:
    """Return another file of the API reference."""
    return _static_response(request, api_reference_assets(), path, API_REFERENCE_HEADERS)


def _static_response(request: Request, assets: Mapping[str, Asset], path: str, headers: Mapping[str, str]) -> Response:
    asset = assets.get(path)
    if asset is None:
        raise ServiceError(ProblemKind.NOT_FOUND, f"{request.method} {request.url.path}")
    return asset.response(request, headers)
