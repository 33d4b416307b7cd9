"""The page's files: ours, and Swagger UI's from the package that carries it."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from services.gateway.dashboard.assets import Asset, read_asset, read_assets

PAGE = Path(__file__).with_name("page")
_SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")


def read_page() -> Mapping[str, Asset]:
    """Return every file of the page by its name.

    Raises:
        FileNotFoundError: The package ``fastapi-offline`` isn't installed.
    """
    swagger = _swagger_folder()
    return {**read_assets(PAGE), **{name: read_asset(swagger / name) for name in _SWAGGER_FILES}}


def _swagger_folder() -> Path:
    """Find the folder without importing the package, whose code isn't used."""
    found = find_spec("fastapi_offline")
    if found is None or found.origin is None:
        raise FileNotFoundError("fastapi-offline")
    return Path(found.origin).with_name("static")
