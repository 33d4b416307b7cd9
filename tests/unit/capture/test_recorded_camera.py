"""A recorded video with a Redis in memory: it waits for whoever takes its frames."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from services.capture.frame import Frame
from services.capture.sources import SourceError
from services.contracts.cameras import CameraState
from services.contracts.frames import FrameMessage
from services.contracts.recorded import UNTAKEN_MOST, Taken
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import FakeOpener, FakePublisher, FakeSource
from tests.unit.capture.scripted_camera import opening, running

FILM = "recorded:film.avi"
MS_40 = 40_000


def film(frames: int, playing: str = "a") -> Iterator[Frame]:
    for index in range(frames):
        yield Frame(np.full((24, 32, 3), index % 200, np.uint8), 32, 24, 0.0, index * MS_40, playing)


@contextmanager
def taking(publisher: FakePublisher) -> Iterator[list[FrameMessage]]:
    """Take frame after frame, in order, as who analyses them does."""
    taken: list[FrameMessage] = []
    leave = threading.Event()

    def take_all() -> None:
        while not leave.wait(0.001):
            last = (taken[-1].playing, taken[-1].seq) if taken else ("", 0)
            new = [held for held in tuple(publisher.stream) if held.playing != last[0] or held.seq > last[1]]
            taken.extend(new[:1])
            if taken and (new or publisher.taken is None):  # a mark that was lost is set again
                publisher.take(taken[-1])

    thread = threading.Thread(target=take_all)
    thread.start()
    try:
        yield taken
    finally:
        leave.set()
        thread.join()


def sequence(messages: list[FrameMessage]) -> list[int]:
    return [message.seq for message in messages]


def test_while_nobody_takes_a_frame_it_waits_and_says_so() -> None:
    publisher = FakePublisher()
    with running(FakeOpener(opening(lambda: film(50))), publisher, FILM) as camera:
        wait_until(lambda: camera.state is CameraState.WAITING, "it to wait")
        status = camera.status()
        assert len(publisher.messages) == UNTAKEN_MOST == status.published
        assert (status.recorded, status.dropped, status.last_error) == (True, 0, "")
        publisher.take(publisher.stream[1])
        wait_until(lambda: len(publisher.messages) == UNTAKEN_MOST + 2, "two more, in the place of the two taken")
        assert camera.state is CameraState.ONLINE
        wait_until(lambda: camera.state is CameraState.WAITING, "it to wait again")
        assert len(publisher.messages) == UNTAKEN_MOST + 2


def test_every_frame_is_taken_in_order_with_the_videos_time_and_then_it_has_ended() -> None:
    publisher = FakePublisher()
    opener = FakeOpener(opening(lambda: film(50)))
    with running(opener, publisher, FILM) as camera:
        with taking(publisher) as taken:
            wait_until(lambda: camera.state is CameraState.ENDED, "the end")
        status = camera.status()
    assert sequence(taken) == list(range(1, 51))
    assert [message.captured_at_us for message in taken] == [index * MS_40 for index in range(50)]
    assert {message.delay_us for message in taken} == {0}
    assert (status.published, status.dropped) == (50, 0)
    assert opener.opened == 1


def test_it_has_not_ended_before_the_last_frame_was_taken() -> None:
    publisher = FakePublisher()
    with running(FakeOpener(opening(lambda: film(3))), publisher, FILM) as camera:
        wait_until(lambda: camera.status().last_error, "the file to be read to its end")
        wait_until(lambda: camera.state is CameraState.WAITING, "it to wait nevertheless")
        publisher.take(publisher.stream[-1])
        wait_until(lambda: camera.state is CameraState.ENDED, "the end")


def test_redis_gone_loses_nothing() -> None:
    publisher = FakePublisher()
    with running(FakeOpener(opening(lambda: film(60))), publisher, FILM) as camera, taking(publisher) as taken:
        wait_until(lambda: len(taken) > 10, "frames")
        publisher.failing = True
        refused = publisher.refusals
        wait_until(lambda: publisher.refusals > refused + 3, "tries")
        publisher.stream.clear()  # it comes back empty
        publisher.taken = None
        publisher.failing = False
        wait_until(lambda: camera.state is CameraState.ENDED, "the end")
    assert sequence(taken) == list(range(1, 61))


def test_frames_that_redis_lost_before_they_were_taken_are_published_again() -> None:
    publisher = FakePublisher()
    with running(FakeOpener(opening(lambda: film(9))), publisher, FILM) as camera:
        wait_until(lambda: len(publisher.stream) == UNTAKEN_MOST, "frames")
        publisher.take(publisher.stream[0])
        wait_until(lambda: publisher.stream[-1].seq == UNTAKEN_MOST + 1, "one more")
        publisher.stream.clear()
        wait_until(lambda: len(publisher.stream) == UNTAKEN_MOST, "the frames again")
        assert [message.seq for message in publisher.stream] == [2, 3, 4, 5]
        assert camera.status().published == 5


@pytest.mark.parametrize("taken", [Taken("b", 99), Taken("a", 0)], ids=["another playing", "none"])
def test_what_was_taken_of_another_playing_is_not_taken_of_this(taken: Taken) -> None:
    publisher = FakePublisher()
    with running(FakeOpener(opening(lambda: film(50))), publisher, FILM) as camera:
        wait_until(lambda: len(publisher.stream) == UNTAKEN_MOST, "frames")
        publisher.taken = taken
        wait_until(lambda: camera.state is CameraState.WAITING, "it to wait")
        assert len(publisher.messages) == UNTAKEN_MOST


def test_a_file_that_fails_is_played_anew_and_what_it_left_is_forgotten() -> None:
    def breaks() -> Iterator[Frame]:
        yield from film(2, "a")
        raise SourceError("the share is gone")

    publisher = FakePublisher()
    opener = FakeOpener(opening(breaks), lambda: FakeSource(film(6, "b")))
    with running(opener, publisher, FILM) as camera:
        wait_until(lambda: [message.playing for message in publisher.stream] == ["b"] * UNTAKEN_MOST, "the second")
        with taking(publisher) as taken:
            wait_until(lambda: camera.state is CameraState.ENDED, "the end")
    assert [message.captured_at_us for message in taken] == [index * MS_40 for index in range(6)]


def test_a_frame_that_cannot_be_encoded_is_dropped_and_counted() -> None:
    def odd() -> Iterator[Frame]:
        for index, frame in enumerate(film(6)):
            broken = np.zeros((0, 0, 3), np.uint8)
            yield Frame(broken, 0, 0, 0.0, index * MS_40, "a") if index == 2 else frame

    publisher = FakePublisher()
    with running(FakeOpener(opening(odd)), publisher, FILM) as camera, taking(publisher) as taken:
        wait_until(lambda: camera.state is CameraState.ENDED, "the end")
        status = camera.status()
    assert sequence(taken) == [1, 2, 4, 5, 6]
    assert (status.published, status.dropped) == (5, 1)


def test_stopping_while_it_waits_ends_every_thread() -> None:
    publisher = FakePublisher()
    with running(FakeOpener(opening(lambda: film(50))), publisher, FILM):
        wait_until(lambda: len(publisher.stream) == UNTAKEN_MOST, "frames")
    assert [thread.name for thread in threading.enumerate() if "cam0" in thread.name] == []
