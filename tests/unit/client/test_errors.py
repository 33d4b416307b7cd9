import pickle

import pytest

from emotion_client import (
    AccessError,
    CameraAmbiguousError,
    CameraUnavailableError,
    EmotionError,
    ProblemError,
    RateLimitedError,
    RequestError,
    ServerError,
    UnavailableError,
)
from emotion_client.errors import ERROR_OF_KIND, problem_error
from services.contracts.problems import Problem, ProblemKind


@pytest.mark.parametrize("kind", ProblemKind)
def test_every_kind_of_problem_has_its_exception(kind: ProblemKind) -> None:
    error = problem_error(Problem(kind, "in detail").encode("5f3a"), kind.status, 2.0)
    assert type(error) is ERROR_OF_KIND[kind] is not ProblemError
    assert (error.type, error.title, error.status) == (kind.type, kind.title, kind.status)
    assert (error.detail, error.request_id, error.retry_after, str(error)) == ("in detail", "5f3a", 2.0, "in detail")


def test_further_members_are_attributes() -> None:
    lacks = problem_error({"dependency": "redis", "hint": "start it"}, 503)
    assert isinstance(lacks, UnavailableError)
    assert (lacks.dependency, lacks.members["hint"]) == ("redis", "start it")
    ambiguous = problem_error(Problem(ProblemKind.CAMERA_AMBIGUOUS, "", {"cameras": ["a", "b"]}).encode(""), 422)
    assert isinstance(ambiguous, CameraAmbiguousError)
    assert (ambiguous.cameras, ambiguous.dependency) == (("a", "b"), None)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AccessError),
        (418, RequestError),
        (429, RateLimitedError),
        (500, ServerError),
        (503, UnavailableError),
        (599, ServerError),
    ],
)
def test_unknown_type_is_mapped_by_its_status(status: int, error: type[ProblemError]) -> None:
    unknown = problem_error({"type": "urn:emotion:problem:full-moon"}, status)
    assert type(unknown) is error
    assert str(unknown) == f"HTTP status {status}"


def test_members_of_the_wrong_type_are_ignored() -> None:
    error = problem_error({"detail": 7, "cameras": "cam0", "dependency": None}, 503)
    assert (error.detail, error.cameras, error.dependency) == ("", (), None)


def test_hierarchy_of_the_exceptions() -> None:
    assert all(issubclass(error, EmotionError) for error in ERROR_OF_KIND.values())
    assert issubclass(CameraUnavailableError, UnavailableError)


def test_error_can_be_pickled() -> None:
    error = problem_error(Problem(ProblemKind.NO_CAMERA, "none").encode("5f3a"), 503, 2.0)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.members, again.retry_after) == (CameraUnavailableError, error.members, 2.0)
