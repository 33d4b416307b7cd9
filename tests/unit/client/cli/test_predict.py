from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from emotion_client import EmotionError, UnreachableError
from emotion_client.cli.inputs import Input, InputError, Kind
from emotion_client.cli.output import Analysed
from emotion_client.cli.predict import Edges, predict_all
from emotion_client.cli.video import Video, VideoFrame, is_wanted
from emotion_client.errors import problem_error
from services.contracts.prediction import Prediction
from services.contracts.problems import Problem, ProblemKind
from tests.support.gateway_responses import face, prediction

LIMITED = problem_error(Problem(ProblemKind.RATE_LIMITED, "slowly").encode(""), 429, 3.0)


def of(kind: ProblemKind) -> EmotionError:
    return problem_error(Problem(kind, f"it is {kind.value.slug}").encode(""), kind.status)


@dataclass
class FakeClient:
    """Answers by the image's bytes; an error that is listed is raised once."""

    errors: dict[bytes, list[EmotionError]] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)

    def predict(self, image: bytes) -> Prediction:
        self.asked.append(image)
        if self.errors.get(image):
            raise self.errors[image].pop(0)
        return prediction(face())


@dataclass
class Run:
    """One run over inputs, and all that came of it."""

    client: FakeClient
    results: list[Analysed] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    expected: list[int | None] = field(default_factory=list)
    done: int = 0

    def begin(self, name: str) -> None:
        self.begun.append(name)

    def expect(self, count: int | None) -> None:
        self.expected.append(count)

    def advance(self) -> None:
        self.done += 1

    def over(self, *inputs: Input, open_video: Callable[[str], Video] | None = None) -> bool:
        def read(given: Input) -> bytes:
            if given.kind is Kind.MISSING:
                raise InputError("no such file or folder")
            return given.name.encode()

        edges = Edges(
            read=read,
            open_video=open_video or (lambda _: Video(2, iter([VideoFrame(0, 0, b"f0"), VideoFrame(5, 0.2, b"f5")]))),
            sleep=self.slept.append,
            result=self.results.append,
            failed=lambda name, why: self.failed.append((name, why)),
            progress=self,
        )
        return predict_all(self.client, inputs, edges)


def image(name: str) -> Input:
    return Input(name, Kind.IMAGE)


def test_images_and_videos_are_analysed_in_order() -> None:
    run = Run(FakeClient())
    assert run.over(image("a.jpg"), Input("film.mp4", Kind.VIDEO))
    assert [(seen.file, seen.frame, seen.time_s) for seen in run.results] == [
        ("a.jpg", None, None),
        ("film.mp4", 0, 0.0),
        ("film.mp4", 5, 0.2),
    ]
    assert (run.begun, run.expected, run.done) == (["a.jpg", "film.mp4"], [1, 2], 3)


def test_it_goes_on_after_an_input_that_fails() -> None:
    run = Run(FakeClient({b"b.jpg": [of(ProblemKind.INVALID_IMAGE)], b"c.jpg": [of(ProblemKind.DEPENDENCY_TIMEOUT)]}))
    inputs = [Input("gone", Kind.MISSING), image("a.jpg"), image("b.jpg"), image("c.jpg"), image("d.jpg")]
    assert not run.over(*inputs)
    assert [seen.file for seen in run.results] == ["a.jpg", "d.jpg"]
    assert run.begun == [given.name for given in inputs], "those that fail are counted too"
    assert run.failed == [
        ("gone", "no such file or folder"),
        ("b.jpg", "it is invalid-image"),
        ("c.jpg", "it is dependency-timeout"),
    ]


def test_a_video_that_breaks_off_keeps_what_came_before() -> None:
    def broken(_: str) -> Video:
        def frames() -> Iterator[VideoFrame]:
            yield VideoFrame(0, 0, b"f0")
            raise InputError("frame 1 can't be decoded")

        return Video(None, frames())

    run = Run(FakeClient())
    assert not run.over(Input("film.mp4", Kind.VIDEO), open_video=broken)
    assert (len(run.results), run.failed) == (1, [("film.mp4", "frame 1 can't be decoded")])


@pytest.mark.parametrize(
    "error",
    [UnreachableError("nobody"), of(ProblemKind.UNAUTHORIZED), of(ProblemKind.DEPENDENCY_UNAVAILABLE)],
)
def test_what_every_input_would_meet_ends_it(error: EmotionError) -> None:
    run = Run(FakeClient({b"a.jpg": [error]}))
    with pytest.raises(type(error)):
        run.over(image("a.jpg"), image("b.jpg"))
    assert run.client.asked == [b"a.jpg"]


def test_a_rate_limit_is_kept_to() -> None:
    run = Run(FakeClient({b"a.jpg": [LIMITED, LIMITED]}))
    assert run.over(image("a.jpg"))
    assert (run.slept, len(run.results)) == ([3.0, 3.0], 1)


def test_a_rate_limit_that_never_lets_through_fails() -> None:
    run = Run(FakeClient({b"a.jpg": [LIMITED] * 100}))
    assert not run.over(image("a.jpg"))
    assert run.failed == [("a.jpg", "slowly")]


def test_an_output_that_breaks_is_not_the_inputs_fault() -> None:
    class Full(list[Analysed]):
        def append(self, _: Analysed) -> None:
            raise OSError(28, "No space left on device")

    run = Run(FakeClient(), results=Full())
    with pytest.raises(OSError, match="No space"):
        run.over(image("a.jpg"))


@pytest.mark.parametrize(("fps", "wanted"), [(None, 30), (30.0, 30), (100.0, 30), (10.0, 10), (7.0, 7), (0.5, 1)])
def test_frames_of_a_second(fps: float | None, wanted: int) -> None:
    chosen = [index for index in range(30) if is_wanted(index, 30.0, fps)]
    assert len(chosen) == wanted
    assert chosen[0] == 0
