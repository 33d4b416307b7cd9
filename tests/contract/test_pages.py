"""Every page for people names what exists: targets, variables, files, links, addresses."""

import re
import shlex
from pathlib import Path

import pytest

from tests.contract.surface import COMPOSE_DEFAULTS, DEFAULTS, Surface
from tests.support.markdown import ROUTE, URL, code, code_of, links, parts, parts_linked
from tests.support.processes import ROOT

HISTORY = {"CHANGELOG.md", "docs/decisions.md"}  # name what has been renamed since
"""A decision speaks of the day it was made on; its links must hold all the same."""
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "client/*.md", "requirements/*.md", "model_repo/*.md", "services/*/*.md")
    for path in ROOT.glob(pattern)
)
CURRENT = [page for page in PAGES if page not in HISTORY]

CLIENT_VARIABLES = {"EMOTION_URL", "EMOTION_API_KEY"}
FOLDERS = "services|client|launcher|docgen|training|tests|docs|bench|model_repo|requirements|deploy"
VERSIONS = "model_repo/emotion/"
"""Of the model; they come and go."""

each_page = pytest.mark.parametrize("page", PAGES)
each_current_page = pytest.mark.parametrize("page", CURRENT)


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def targets_of_make() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):.*## ", read("Makefile"), re.MULTILINE))


def paths_named(text: str) -> set[str]:
    """Return the files and folders of the repository that the code of a page names."""
    named = re.findall(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*\w)(?![\w<*{{-])", code(text))
    named += re.findall(r"(?<![\w./-])compose\.(?!mine)[\w-]+\.yml", text)
    return {path for path in named if not path.startswith(VERSIONS)}


def test_all_pages_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/cameras.md", "docs/configuration.md"} <= set(CURRENT)


@each_current_page
def test_targets_of_make_exist(page: str) -> None:
    assert set(re.findall(r"\bmake ([a-z][a-z0-9-]*)", code(read(page)))) <= targets_of_make()


def test_training_environment_has_the_locked_keras() -> None:
    """The optimizer leans on parts of it that aren't its API."""
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
def test_links_lead_somewhere(page: str) -> None:
    assert [target for target in links(read(page)) if not (ROOT / page).parent.joinpath(target).exists()] == []


@each_page
def test_linked_parts_of_pages_exist(page: str) -> None:
    here = ROOT / page
    linked = [(here.parent / path if path else here, part) for path, part in parts_linked(read(page))]
    assert [(str(path), part) for path, part in linked if part not in parts(path.read_text("utf-8"))] == []


@each_current_page
def test_routes_exist(page: str, surface: Surface) -> None:
    plain = re.sub(r"{\w+}", "x", code(read(page)))
    named = [("", method, path) for method, path in re.findall(ROUTE, plain)]
    urls = re.findall(URL, plain)
    named += [(port, "WS" if path.startswith("/ws/") else "", path) for port, path in urls]
    assert [route for route in named if not any(surface.answers(*tried) for tried in _tries(*route))] == []


@each_current_page
def test_modules_and_tests_that_commands_run_exist(page: str) -> None:
    shell = "\n".join(code_of(read(page), "sh")) + "\n".join(re.findall(r"`([^`\n]+)`", read(page)))
    modules = re.findall(r"python -m ((?:services|launcher|docgen|training|bench)[\w.]*)", shell)
    missing = [name for name in modules if not _module_exists(name)]
    assert missing == []


@each_current_page
def test_shell_can_be_read(page: str) -> None:
    """An open quote or bracket in an example would only be found by whoever pastes it."""
    lines = [line for block in code_of(read(page), "sh") for line in block.replace("\\\n", " ").splitlines()]
    assert [line for line in lines if not _can_be_split(line)] == []


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface()


def test_missing_route_is_detected() -> None:
    assert paths_named("`services/gateway/appp.py` and `compose.arm46.yml`") == {
        "services/gateway/appp.py",
        "compose.arm46.yml",
    }
    assert not _module_exists("services.capture.prob")
    assert not _can_be_split("echo 'it")


def _tries(port: str, method: str, path: str) -> list[tuple[str, str, str]]:
    """An address alone doesn't say how it is asked."""
    return [(port, one, path) for one in ([method] if method else ["GET", "POST"])]


def _module_exists(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def _can_be_split(line: str) -> bool:
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return True
