from services.capture.camera import Camera, CameraPolicy
from services.capture.heartbeat import Heartbeat
from services.capture.sources.spec import parse_cameras
from services.contracts.cameras import CameraState
from tests.support.waiting import wait_until
from tests.unit.capture.fakes import FakeOpener, FakePublisher, FakeSource

POLICY = CameraPolicy(30, 85, open_s=1, stall_s=1, reconnect_min_s=1, reconnect_max_s=1)


def cameras(publisher: FakePublisher) -> list[Camera]:
    opener = FakeOpener(lambda: FakeSource(iter([])))
    return [Camera(named, POLICY, opener, publisher) for named in parse_cameras("a=0,b=demo")]


def test_every_camera_is_announced_again_and_again_and_withdrawn_at_the_end() -> None:
    publisher = FakePublisher()
    heartbeat = Heartbeat(cameras(publisher), publisher, interval_s=0.01)
    heartbeat.start()
    wait_until(lambda: publisher.beats >= 3, "three beats")
    assert publisher.statuses["b"].source == "demo"
    assert publisher.statuses["a"].state is CameraState.RECONNECTING
    heartbeat.stop(5)
    assert publisher.statuses == {}
    assert not heartbeat.is_alive()


def test_the_heartbeat_outlives_a_redis_that_is_gone() -> None:
    publisher = FakePublisher()
    publisher.failing = True
    heartbeat = Heartbeat(cameras(publisher), publisher, interval_s=0.01)
    heartbeat.start()
    wait_until(lambda: publisher.refusals, "a beat that fails")
    publisher.failing = False
    wait_until(lambda: publisher.statuses, "the statuses after its return")
    publisher.failing = True
    heartbeat.stop(5)  # raises nothing
    assert not heartbeat.is_alive()
