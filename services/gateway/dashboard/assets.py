"""The page's files, read once: what isn't among them can't be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fastapi import Request, Response

PAGE = Path(__file__).parents[1] / "static" / "dashboard"
INDEX = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Named here, since what ``mimetypes`` says depends on the machine."""


@dataclass(frozen=True)
class Asset:
    """One file.

    Attributes:
        content: All of it.
        media_type: For ``Content-Type``.
        etag: Changes with the content, and with nothing else (RFC 9110, 8.8.3).
    """

    content: bytes
    media_type: str
    etag: str

    def is_known_by(self, if_none_match: str | None) -> bool:
        """Tell whether a client that sends this header has the content already (RFC 9110, 13.1.2)."""
        if if_none_match is None:
            return False
        known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in known or self.etag in known

    def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return the file, or 304 where the client has it already."""
        sent = {**headers, "ETag": self.etag}
        if self.is_known_by(request.headers.get("If-None-Match")):
            return Response(status_code=304, headers=sent)
        return Response(self.content, headers=sent, media_type=self.media_type)


def read_assets(folder: Path = PAGE) -> Mapping[str, Asset]:
    """Return every file of a folder by its path inside, with slashes; hidden ones, of editors and Finder, are no part.

    Raises:
        KeyError: A file's kind has no media type here.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    return {path.relative_to(folder).as_posix(): read_asset(path) for path in paths}


def read_asset(path: Path) -> Asset:
    """Return one file.

    Raises:
        KeyError: Its kind has no media type here.
    """
    content = path.read_bytes()
    return Asset(content, MEDIA_TYPES[path.suffix], f'"{sha256(content).hexdigest()[:32]}"')
