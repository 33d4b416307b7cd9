"""The pages on the API, architecture and operations match the code: routes, metrics, problems, limits."""

import re

import pytest

from services.contracts.problems import ProblemKind
from tests.contract.surface import DEFAULTS, Surface
from tests.support.markdown import ROUTE, URL, code, examples, rows
from tests.support.processes import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
API = (ROOT / "docs" / "api.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
TEXTS = [API, ARCHITECTURE, OPERATIONS]

each_text = pytest.mark.parametrize("text", TEXTS, ids=["api", "architecture", "operations"])


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface()


def variables(text: str) -> set[str]:
    return set(re.findall(r"EMOTION_[A-Z0-9_]+(?![*A-Z0-9_])", text))


def numbers(text: str) -> set[float]:
    return {float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


def test_api_page_lists_exactly_the_routes(surface: Surface) -> None:
    assert set(re.findall(ROUTE, code(API))) == surface.routes("8000")


def test_every_route_has_an_example_in_both_languages(surface: Surface) -> None:
    shown = {(example.language, path) for example in examples(API) for _, path in re.findall(URL, example.source)}
    paths = {path.replace("{camera}", "cam0") for _, path in surface.routes("8000")}
    assert {(language, path) for path in paths for language in ("sh", "python")} <= shown


@each_text
def test_metrics_exist(text: str, surface: Surface) -> None:
    named = set(re.findall(r"(?<![\w./])(?:http|gateway|detector|capture|serving)_[a-z_]+(?=[\[{`\s\)]|$)", code(text)))
    named |= set(re.findall(r":tensorflow:[\w:]+", text))
    assert {name.removesuffix("_bucket") for name in named} - surface.metrics - {"serving_default"} == set()


@each_text
def test_problems_exist(text: str) -> None:
    known = {(str(kind.status), kind.value.slug) for kind in ProblemKind}
    beside_a_status = re.findall(r"\b([45]\d\d) `([a-z-]+)`", text)
    assert set(beside_a_status) - {("503", "unready")} <= known


def test_every_problem_is_documented_with_its_status() -> None:
    explained = {row[0]: row[1] for row in rows(OPERATIONS) if len(row) == 4 and re.fullmatch(r"[45]\d\d", row[1])}
    assert explained == {kind.value.slug: str(kind.status) for kind in ProblemKind}


def test_documented_limits_match_the_settings() -> None:
    bounds = [(row[2], setting) for row in rows(ARCHITECTURE) if len(row) == 5 for setting in variables(row[4])]
    deadlines = re.findall(r"([\d.]+ s)[^|`(]*\(`(EMOTION_\w+)`\)", ARCHITECTURE)
    deadlines += re.findall(r"([\d.]+ s) may be waiting \(`(EMOTION_\w+)`\)", ARCHITECTURE)
    assert len(bounds) > 20
    assert len(deadlines) >= 7
    limits = [(text, setting) for text, setting in bounds + deadlines if DEFAULTS[setting] != ""]
    assert [(text, setting) for text, setting in limits if float(DEFAULTS[setting]) not in numbers(text)] == []


def test_missing_route_is_detected(surface: Surface) -> None:
    assert not surface.has_route("", "GET", "/predictions")
    assert not surface.has_route("", "WS", "/ws/predictions")
    assert not surface.has_route("8001", "GET", "/predict")
    assert not surface.has_route("8501", "GET", "/v2/models/emotion")
    assert variables("`EMOTION_GATEWAY_PROT=1`") - DEFAULTS.keys() == {"EMOTION_GATEWAY_PROT"}
    assert code("make sure\n```sh\nmake it\n```\nand `make that`").count("make") == 2
