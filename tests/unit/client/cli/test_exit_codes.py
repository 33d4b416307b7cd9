import pytest

from emotion_client import EmotionError, ServerError, UnexpectedAnswerError, UnreachableError
from emotion_client.cli.exit_codes import ExitCode, exit_code, sentence
from emotion_client.errors import problem_error
from services.contracts.problems import Problem, ProblemKind


def of(kind: ProblemKind, **extensions: object) -> EmotionError:
    return problem_error(Problem(kind, "in detail", extensions).encode(""), kind.status)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreachableError("x"), ExitCode.UNREACHABLE),
        (UnexpectedAnswerError("x"), ExitCode.UNREACHABLE),
        (of(ProblemKind.NO_FRESH_FRAME), ExitCode.UNREACHABLE),
        (of(ProblemKind.UNAUTHORIZED), ExitCode.REFUSED),
        (of(ProblemKind.UNKNOWN_HOST), ExitCode.REFUSED),
        (of(ProblemKind.CAMERA_NOT_FOUND), ExitCode.USAGE),
        (of(ProblemKind.CAMERA_AMBIGUOUS), ExitCode.USAGE),
        (of(ProblemKind.INVALID_IMAGE), ExitCode.FAILED),
        (of(ProblemKind.INTERNAL), ExitCode.FAILED),
    ],
)
def test_how_a_command_ends(error: EmotionError, code: ExitCode) -> None:
    assert exit_code(error) is code


def test_people_are_told_what_to_do() -> None:
    assert "--url" in sentence(UnreachableError("http://x: connection refused"))
    assert "EMOTION_API_KEY" in sentence(of(ProblemKind.UNAUTHORIZED))
    assert sentence(of(ProblemKind.CAMERA_AMBIGUOUS, cameras=["a", "b"])) == "Which camera? One of: a, b"
    assert sentence(ServerError({"detail": "it failed"}, 500)) == "it failed"
