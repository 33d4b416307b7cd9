"""Every documentation page names existing make targets, variables, files, links and routes."""

import re
import shlex
from pathlib import Path

import pytest

from tests.contract.surface import COMPOSE_DEFAULTS, DEFAULTS, Surface
from tests.support.markdown import ROUTE, URL, anchors, code, code_of, linked_anchors, links
from tests.support.processes import ROOT

HISTORY = {"CHANGELOG.md", "docs/decisions.md"}  # name what has been renamed since
"""Pages that describe their date; only their links are checked."""
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "client/*.md", "requirements/*.md", "model_repo/*.md", "services/*/*.md")
    for path in ROOT.glob(pattern)
)
CURRENT = [page for page in PAGES if page not in HISTORY]

CLIENT_VARIABLES = {"EMOTION_URL", "EMOTION_API_KEY"}
FOLDERS = "services|client|launcher|docgen|training|tests|docs|bench|model_repo|requirements|deploy"
VERSIONS = "model_repo/emotion/"
"""Model versions are added and removed."""

each_page = pytest.mark.parametrize("page", PAGES)
each_current_page = pytest.mark.parametrize("page", CURRENT)


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def targets_of_make() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):.*## ", read("Makefile"), re.MULTILINE))


def paths_named(text: str) -> set[str]:
    """Return the files and folders of the repository in the code of a page."""
    named = re.findall(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*\w)(?![\w<*{{-])", code(text))
    named += re.findall(r"(?<![\w./-])compose\.(?!mine)[\w-]+\.yml", text)
    return {path for path in named if not path.startswith(VERSIONS)}


def test_all_pages_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/cameras.md", "docs/configuration.md"} <= set(CURRENT)


@each_current_page
def test_targets_of_make_exist(page: str) -> None:
    assert set(re.findall(r"\bmake ([a-z][a-z0-9-]*)", code(read(page)))) <= targets_of_make()


def test_training_environment_has_the_locked_keras() -> None:
    """The optimizer uses private parts of Keras."""
    locked = re.findall(r"(?m)^keras==\S+", read("requirements/dev.lock"))
    assert locked == re.findall(r"keras==\S+", read("docs/training.md"))


@each_current_page
def test_variables_exist(page: str) -> None:
    named = set(re.findall(r"EMOTION_[A-Z0-9_]+(?![*A-Z0-9_])", read(page)))
    assert named - DEFAULTS.keys() - COMPOSE_DEFAULTS.keys() - CLIENT_VARIABLES == set()


@each_current_page
def test_files_exist(page: str) -> None:
    assert [path for path in sorted(paths_named(read(page))) if not (ROOT / path).exists()] == []


@each_page
def test_links_exist(page: str) -> None:
    assert [target for target in links(read(page)) if not (ROOT / page).parent.joinpath(target).exists()] == []


@each_page
def test_link_anchors_exist(page: str) -> None:
    here = ROOT / page
    linked = [(here.parent / path if path else here, part) for path, part in linked_anchors(read(page))]
    assert [(str(path), part) for path, part in linked if part not in anchors(path.read_text("utf-8"))] == []


@each_current_page
def test_routes_exist(page: str, surface: Surface) -> None:
    plain = re.sub(r"{\w+}", "x", code(read(page)))
    named = [("", method, path) for method, path in re.findall(ROUTE, plain)]
    urls = re.findall(URL, plain)
    named += [(port, "WS" if path.startswith("/ws/") else "", path) for port, path in urls]
    assert [route for route in named if not any(surface.has_route(*tried) for tried in _tries(*route))] == []


@each_current_page
def test_modules_in_commands_exist(page: str) -> None:
    shell = "\n".join(code_of(read(page), "sh")) + "\n".join(re.findall(r"`([^`\n]+)`", read(page)))
    modules = re.findall(r"python -m ((?:services|launcher|docgen|training|bench)[\w.]*)", shell)
    missing = [name for name in modules if not _module_exists(name)]
    assert missing == []


@each_current_page
def test_shell_examples_can_be_parsed(page: str) -> None:
    """An unclosed quote would otherwise only be found when the example is run."""
    lines = [line for block in code_of(read(page), "sh") for line in block.replace("\\\n", " ").splitlines()]
    assert [line for line in lines if not _can_be_parsed(line)] == []


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface()


def test_missing_route_is_detected() -> None:
    assert paths_named("`services/gateway/appp.py` and `compose.arm46.yml`") == {
        "services/gateway/appp.py",
        "compose.arm46.yml",
    }
    assert not _module_exists("services.capture.prob")
    assert not _can_be_parsed("echo 'it")


def _tries(port: str, method: str, path: str) -> list[tuple[str, str, str]]:
    """Return the methods to try for a URL without a method."""
    return [(port, one, path) for one in ([method] if method else ["GET", "POST"])]


def _module_exists(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def _can_be_parsed(line: str) -> bool:
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return True
