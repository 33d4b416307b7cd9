import io
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from rich.console import Console

from emotion_client import EmotionError, UnreachableError
from emotion_client.cli.inputs import Input, InputError, InputKind
from emotion_client.cli.output import FrameResult
from emotion_client.cli.predict import PredictIO, ProgressBar, Summary, predict_all
from emotion_client.cli.video import Video
from emotion_client.errors import problem_error
from emotion_client.video import VideoFrame
from services.contracts.prediction import Prediction
from services.contracts.problems import Problem, ProblemKind
from services.contracts.video import TrackedPrediction
from tests.support.gateway_responses import BEGAN, face, prediction

LIMITED = problem_error(Problem(ProblemKind.RATE_LIMITED, "slow down").encode(""), 429, 3.0)


def of(kind: ProblemKind) -> EmotionError:
    return problem_error(Problem(kind, f"it is {kind.value.slug}").encode(""), kind.status)


@dataclass
class FakeClient:
    """Returns one face for each image; the listed errors of an image are raised first, one a call."""

    errors: dict[bytes, list[EmotionError]] = field(default_factory=dict)
    images: list[bytes] = field(default_factory=list)

    def predict(self, image: bytes) -> Prediction:
        self.images.append(image)
        if self.errors.get(image):
            raise self.errors[image].pop(0)
        return prediction(face())

    def predict_video(
        self, frames: Iterable[VideoFrame]
    ) -> Generator[tuple[VideoFrame, TrackedPrediction], None, None]:
        for frame in frames:
            yield frame, TrackedPrediction(prediction(face(face_id="a1")), frame.at_s, (BEGAN,))


@dataclass
class Run:
    """One run of the command with its output."""

    client: FakeClient
    results: list[FrameResult] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    totals: list[int | None] = field(default_factory=list)
    done: int = 0
    summary: Summary = field(default_factory=Summary)

    def start_input(self, name: str) -> None:
        self.started.append(name)

    def set_total(self, count: int | None) -> None:
        self.totals.append(count)

    def advance(self) -> None:
        self.done += 1

    def over(self, *inputs: Input, open_video: Callable[[str], Video] | None = None) -> bool:
        """Run the command; return whether no input failed."""

        def read(source: Input) -> bytes:
            if source.kind is InputKind.MISSING:
                raise InputError("no such file or folder")
            return source.name.encode()

        io_ = PredictIO(
            read=read,
            open_video=open_video or (lambda _: Video(2, iter([VideoFrame(0, 0, b"f0"), VideoFrame(5, 0.2, b"f5")]))),
            sleep=self.slept.append,
            write_result=self.results.append,
            report_failure=lambda name, reason: self.failures.append((name, reason)),
            progress=self,
        )
        predict_all(self.client, inputs, io_, self.summary)
        return self.summary.failed == 0


def image(name: str) -> Input:
    return Input(name, InputKind.IMAGE)


def test_images_and_videos_are_analysed_in_order() -> None:
    run = Run(FakeClient())
    assert run.over(image("a.jpg"), Input("film.mp4", InputKind.VIDEO))
    assert [(result.file, result.frame, result.time_s, result.events) for result in run.results] == [
        ("a.jpg", None, None, None),
        ("film.mp4", 0, 0.0, (BEGAN,)),
        ("film.mp4", 5, 0.2, (BEGAN,)),
    ]
    assert (run.started, run.totals, run.done) == (["a.jpg", "film.mp4"], [1, 2], 3)


def test_command_continues_after_an_input_that_fails() -> None:
    run = Run(FakeClient({b"b.jpg": [of(ProblemKind.INVALID_IMAGE)], b"c.jpg": [of(ProblemKind.DEPENDENCY_TIMEOUT)]}))
    inputs = [Input("gone", InputKind.MISSING), image("a.jpg"), image("b.jpg"), image("c.jpg"), image("d.jpg")]
    assert not run.over(*inputs)
    assert [result.file for result in run.results] == ["a.jpg", "d.jpg"]
    assert run.started == [source.name for source in inputs]
    assert run.failures == [
        ("gone", "no such file or folder"),
        ("b.jpg", "it is invalid-image"),
        ("c.jpg", "it is dependency-timeout"),
    ]
    assert str(run.summary) == "5 inputs: 2 analysed, 3 failed; 2 faces: happy 2"


def test_video_that_breaks_off_keeps_its_results() -> None:
    def broken(_: str) -> Video:
        def frames() -> Iterator[VideoFrame]:
            yield VideoFrame(0, 0, b"f0")
            raise InputError("frame 1 can't be decoded")

        return Video(None, frames())

    run = Run(FakeClient())
    assert not run.over(Input("film.mp4", InputKind.VIDEO), open_video=broken)
    assert (len(run.results), run.failures) == (1, [("film.mp4", "frame 1 can't be decoded")])


@pytest.mark.parametrize(
    "error",
    [UnreachableError("refused"), of(ProblemKind.UNAUTHORIZED), of(ProblemKind.DEPENDENCY_UNAVAILABLE)],
)
def test_error_of_every_input_stops_the_command(error: EmotionError) -> None:
    run = Run(FakeClient({b"a.jpg": [error]}))
    with pytest.raises(type(error)):
        run.over(image("a.jpg"), image("b.jpg"))
    assert run.client.images == [b"a.jpg"]
    assert run.summary.failed == 1


def test_command_waits_for_the_rate_limit() -> None:
    run = Run(FakeClient({b"a.jpg": [LIMITED, LIMITED]}))
    assert run.over(image("a.jpg"))
    assert (run.slept, len(run.results)) == ([3.0, 3.0], 1)


def test_permanent_rate_limit_fails_the_input() -> None:
    run = Run(FakeClient({b"a.jpg": [LIMITED] * 100}))
    assert not run.over(image("a.jpg"))
    assert run.failures == [("a.jpg", "slow down")]


def test_error_of_the_output_is_raised() -> None:
    class FullDisk(list[FrameResult]):
        def append(self, _: FrameResult) -> None:
            raise OSError(28, "No space left on device")

    run = Run(FakeClient(), results=FullDisk())
    with pytest.raises(OSError, match="No space"):
        run.over(image("a.jpg"))


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        (Summary(), "0 inputs: 0 analysed, 0 failed; 0 faces"),
        (Summary(inputs=1, images=30), "1 input: 1 analysed, 0 failed; 30 images; 0 faces"),
    ],
)
def test_summary(summary: Summary, text: str) -> None:
    assert str(summary) == text


@pytest.mark.parametrize("width", [20, 80, 200])
def test_errors_beside_the_progress_bar_are_complete(width: int) -> None:
    out = io.StringIO()
    reasons = [f"{name}.jpg: The body is not a JPEG, PNG or WebP image [not markup]" for name in ("one", "two")]
    with ProgressBar(2, Console(file=out, width=width, force_terminal=True, color_system=None)) as bar:
        for reason in reasons:
            bar.start_input("photos/a-name-that-is-longer-than-the-terminal.jpg")
            bar.print_error(reason)
    lines = [line.rsplit("\x1b[2K", 1)[-1] for line in out.getvalue().splitlines()]
    assert [line for line in lines if line.startswith("emotion: ")] == [f"emotion: {reason}" for reason in reasons]
