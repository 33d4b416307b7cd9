"""``emotion predict``: asks for one input after the other, and goes on after those that fail."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from emotion_client.cli.exits import sentence
from emotion_client.cli.inputs import Input, InputError, Kind
from emotion_client.cli.rows import Analysed
from emotion_client.cli.video import Video
from emotion_client.errors import (
    AccessError,
    EmotionError,
    RateLimitedError,
    RequestError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from services.contracts.prediction import Prediction

_PATIENT_TRIES = 10
_LONGEST_WAIT_S = 60.0

HOPELESS = (AccessError, RequestError, UnavailableError, UnexpectedAnswerError, UnreachableError)
"""What would fail for every other input too."""


class Predicts(Protocol):
    """What is asked of the client."""

    def predict(self, image: bytes) -> Prediction:
        """Return the emotions in an image."""


class Progress(Protocol):
    """Is told how far it got."""

    def begin(self, name: str) -> None:
        """Begin with the next input."""

    def expect(self, count: int | None) -> None:
        """It has so many images, if that is known."""

    def advance(self) -> None:
        """One image is done."""


@dataclass(frozen=True)
class Edges:
    """What reads the inputs, waits, and takes the results.

    Attributes:
        read: Gives an input's bytes, or raises ``InputError``.
        open_video: Opens a video file.
        sleep: Waits for so many seconds.
        result: Takes each result.
        failed: Takes the name of an input that failed, and why.
        progress: Is told how far it got.
    """

    read: Callable[[Input], bytes]
    open_video: Callable[[str], Video]
    sleep: Callable[[float], None]
    result: Callable[[Analysed], None]
    failed: Callable[[str, str], None]
    progress: Progress


def predict_all(client: Predicts, inputs: Iterable[Input], edges: Edges) -> bool:
    """Analyse the inputs, and tell whether all came out well.

    Raises:
        EmotionError: Something that would keep every other input from being analysed too.
    """
    well = True
    for given in inputs:
        edges.progress.begin(given.name)
        try:
            for analysed in _analyse(client, given, edges):
                edges.result(analysed)
        except HOPELESS:
            raise
        except EmotionError as error:
            edges.failed(given.name, sentence(error))
            well = False
        except InputError as error:
            edges.failed(given.name, str(error))
            well = False
    return well


def _analyse(client: Predicts, given: Input, edges: Edges) -> Iterator[Analysed]:
    if given.kind is not Kind.VIDEO:
        edges.progress.expect(1)
        yield Analysed(given.name, _patiently(client, edges.read(given), edges.sleep))
        edges.progress.advance()
        return
    video = edges.open_video(given.name)
    edges.progress.expect(video.count)
    for frame in video.frames:
        prediction = _patiently(client, frame.jpeg, edges.sleep)
        yield Analysed(given.name, prediction, frame.index, round(frame.time_s, 3))
        edges.progress.advance()


def _patiently(client: Predicts, image: bytes, sleep: Callable[[float], None]) -> Prediction:
    """Ask as fast as a rate limit allows."""
    for _ in range(_PATIENT_TRIES):
        try:
            return client.predict(image)
        except RateLimitedError as error:
            sleep(min(error.retry_after or 1.0, _LONGEST_WAIT_S))
    return client.predict(image)
