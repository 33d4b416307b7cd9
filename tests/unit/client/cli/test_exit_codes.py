import pytest

from emotion_client import EmotionError, ServerError, UnexpectedResponseError, UnreachableError
from emotion_client.cli.exit_codes import ExitCode, exit_code, user_message
from emotion_client.errors import problem_error
from services.contracts.problems import Problem, ProblemKind


def of(kind: ProblemKind, **extensions: object) -> EmotionError:
    return problem_error(Problem(kind, "in detail", extensions).encode(""), kind.status)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreachableError("x"), ExitCode.UNREACHABLE),
        (UnexpectedResponseError("x"), ExitCode.UNREACHABLE),
        (of(ProblemKind.NO_FRESH_FRAME), ExitCode.UNREACHABLE),
        (of(ProblemKind.UNAUTHORIZED), ExitCode.REFUSED),
        (of(ProblemKind.UNKNOWN_HOST), ExitCode.REFUSED),
        (of(ProblemKind.CAMERA_NOT_FOUND), ExitCode.USAGE),
        (of(ProblemKind.CAMERA_AMBIGUOUS), ExitCode.USAGE),
        (of(ProblemKind.INVALID_IMAGE), ExitCode.FAILED),
        (of(ProblemKind.INTERNAL), ExitCode.FAILED),
    ],
)
def test_exit_code_of_an_error(error: EmotionError, code: ExitCode) -> None:
    assert exit_code(error) is code


def test_message_names_the_option_that_helps() -> None:
    assert "--url" in user_message(UnreachableError("http://x: connection refused"))
    assert "EMOTION_API_KEY" in user_message(of(ProblemKind.UNAUTHORIZED))
    assert user_message(of(ProblemKind.CAMERA_AMBIGUOUS, cameras=["a", "b"])) == "Several cameras; name one of: a, b"
    assert user_message(ServerError({"detail": "it failed"}, 500)) == "it failed"
