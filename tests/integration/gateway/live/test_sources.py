"""A camera that is cut and restored under a running feed, from the camera's socket to the viewer's."""

from collections.abc import Iterator
from pathlib import Path

from tests.support.capture_process import CaptureProcess
from tests.support.live_feed import Event, events, results
from tests.support.mjpeg_server import mjpeg_camera
from tests.support.redis_server import RedisServer
from tests.support.stack import Stack, another_gateway


def until_told(feed: Iterator[Event], reason: str) -> None:
    """Read until viewers are told that no frames come, and of this reason."""
    for event in feed:
        if event.event == "status" and event.data["state"] == "problem":
            problem = event.data["problem"]
            assert (problem["type"], problem["camera"]) == ("urn:emotion:problem:no-fresh-frame", "cam0"), problem
            if reason in problem["detail"]:
                return


def test_a_network_camera_may_be_cut_or_freeze_while_it_is_followed(
    stack: Stack, redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {"EMOTION_GATEWAY_REDIS_URL": redis_server.url, "EMOTION_GATEWAY_REDIS_TIMEOUT_S": "5"}
    with (
        mjpeg_camera() as camera,
        CaptureProcess(
            tmp_path / "capture.log",
            redis_url=redis_server.url,
            cameras=f"cam0={camera.url()}",
            stall_s="2",
            reconnect_max_s="0.5",
        ) as capture,
        another_gateway(stack, tmp_path, settings) as (_, client),
    ):
        capture.wait_until_ready()
        with events(client) as feed:
            next(results(feed))
            camera.working.clear()
            until_told(feed, "it is reconnecting")
            camera.working.set()
            next(results(feed))
            camera.frozen.set()
            until_told(feed, "no frame for 2 s")
            camera.frozen.clear()
            assert next(results(feed)).data["image"] == {"width": 320, "height": 240}
