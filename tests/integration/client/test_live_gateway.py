"""The client follows a camera of the real gateway, whose services are fakes."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count, islice
from threading import Event, Thread

from emotion_client import CameraSource, EmotionClient, FeedStatus
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.protocols import KnownCamera
from tests.integration.client.conftest import ServeGateway
from tests.support.gateway_fakes import ONLINE, FakeServices, frame


@contextmanager
def filming(services: FakeServices) -> Iterator[None]:
    """Give the camera a new frame every few milliseconds."""
    stop = Event()

    def film() -> None:
        for number in count():
            newest = frame(f"{1_700_000_000_000 + 40 * number}-0")
            services.frames.cameras = {"cam0": KnownCamera("cam0", ONLINE, newest)}
            if stop.wait(0.04):
                return

    thread = Thread(target=film)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_results_come_with_ids_and_smoothed_scores(gateway: ServeGateway) -> None:
    services = FakeServices()
    with filming(services), EmotionClient(gateway(services)) as client, closing(client.stream("cam0")) as feed:
        seen = list(islice(feed, 5))
    sources = [result.prediction.source for result in seen]
    ids = [source.frame_id for source in sources if isinstance(source, CameraSource)]
    assert ids == sorted(set(ids))
    assert len(ids) == 5
    faces = [face for result in seen for face in result.prediction.faces]
    assert len({face.face_id for face in faces}) == 1
    assert all(face.smoothed for face in faces)


def test_what_is_wrong_is_told_and_passes(gateway: ServeGateway) -> None:
    services = FakeServices()
    statuses: list[FeedStatus] = []

    def on_status(status: FeedStatus) -> None:
        statuses.append(status)
        if status.state == "problem":
            services.detector.error = None

    with (
        filming(services),
        EmotionClient(gateway(services)) as client,
        closing(client.stream("cam0", on_status=on_status)) as feed,
    ):
        next(feed)
        services.detector.error = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "gone", dependency="detector")
        while [status.state for status in statuses] != ["problem", "ok"]:
            next(feed)
    assert statuses[0].detail == "gone"
