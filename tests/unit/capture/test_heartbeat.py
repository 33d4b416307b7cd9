from services.capture.camera import Camera
from services.capture.heartbeat import Heartbeat
from services.capture.sources.spec import parse_cameras
from services.contracts.cameras import CameraState
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import POLICY, FakeFactory, FakePublisher, missing


def cameras(publisher: FakePublisher) -> list[Camera]:
    return [Camera(spec, POLICY, FakeFactory(missing), publisher) for spec in parse_cameras("a=0,b=demo")]


def test_every_status_is_published_repeatedly_and_deleted_at_the_end() -> None:
    clock, publisher = FakeClock(), FakePublisher()
    heartbeat = Heartbeat(cameras(publisher), publisher, clock.wait)
    heartbeat.start()
    clock.advance_until(lambda: publisher.beats >= 3, "three heartbeats")
    assert publisher.statuses["b"].source == "demo"
    assert publisher.statuses["a"].state is CameraState.RECONNECTING
    heartbeat.stop(10)
    assert publisher.statuses == {}
    assert not heartbeat.is_alive()


def test_heartbeat_survives_an_unreachable_redis() -> None:
    clock, publisher = FakeClock(), FakePublisher()
    publisher.failing = True
    heartbeat = Heartbeat(cameras(publisher), publisher, clock.wait)
    heartbeat.start()
    wait_until(lambda: publisher.failures, "a heartbeat that fails")
    publisher.failing = False
    clock.advance_until(lambda: publisher.statuses, "the statuses after its return")
    publisher.failing = True
    heartbeat.stop(10)  # raises nothing
    assert not heartbeat.is_alive()
