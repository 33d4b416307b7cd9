"""The page on compatible APIs names their routes, errors and limits."""

import re

from fastapi.routing import iter_route_contexts

from services.contracts.problems import Problem, ProblemKind
from services.gateway.app import create_app
from services.gateway.compat.base import FACE_PROBABILITY
from services.gateway.compat.open_inference import MAX_FACES, MAX_JSON_FACES
from services.gateway.compat.rekognition import ERROR_FORMAT
from services.gateway.settings import CompatApi, GatewaySettings
from services.runtime.app import ServiceContext
from tests.support.markdown import code
from tests.support.processes import ROOT

TEXT = (ROOT / "docs" / "compatible-apis.md").read_text("utf-8")
DOCUMENTED_PROBLEMS = (
    ProblemKind.INVALID_IMAGE,
    ProblemKind.IMAGE_TOO_LARGE,
    ProblemKind.BODY_TOO_LARGE,
    ProblemKind.INVALID_PARAMETER,
    ProblemKind.UNAUTHORIZED,
    ProblemKind.RATE_LIMITED,
    ProblemKind.OVERLOADED,
    ProblemKind.DEPENDENCY_UNAVAILABLE,
    ProblemKind.DEPENDENCY_TIMEOUT,
)


def routes(compat_apis: str) -> set[tuple[str, str]]:
    app = create_app(GatewaySettings.model_validate({"compat_apis": compat_apis}), ServiceContext())
    return {
        (method, str(route.path))
        for route in iter_route_contexts(app.router.routes)
        for method in route.methods or ()
        if method != "HEAD"
    }


def test_page_lists_the_added_routes() -> None:
    added = routes(",".join(CompatApi)) - routes("")
    documented = set(re.findall(r"\b(GET|POST) (/[\w/{}]*)", code(TEXT))) - {("POST", "/predict")}
    assert documented == {(method, path.replace("{name}", "emotion")) for method, path in added}


def test_command_enables_all_apis() -> None:
    assert f"EMOTION_GATEWAY_COMPAT_APIS={','.join(CompatApi)} make run" in TEXT


def test_page_lists_the_errors_of_rekognition() -> None:
    rows = re.findall(r"\| `(\w+)` \| ([\d; ]+) \|", TEXT)
    documented = {(name, status) for name, statuses in rows for status in statuses.split("; ")}
    errors = [ERROR_FORMAT.render(Problem(kind, "")) for kind in DOCUMENTED_PROBLEMS]
    assert {(error.body["__type"], str(error.status)) for error in errors} <= documented


def test_page_states_the_limits() -> None:
    (limits,) = re.findall(r"^- Input `face`.*?(?=^- )", TEXT, re.MULTILINE | re.DOTALL)
    assert {str(MAX_FACES), str(MAX_JSON_FACES)} <= set(re.findall(r"\d+", limits))
    assert str(FACE_PROBABILITY) in TEXT
