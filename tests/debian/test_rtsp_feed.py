"""An RTSP camera is interrupted and restored during a live session."""

from pathlib import Path

import httpx

from launcher.ports import free_ports
from tests.debian.conftest import RtspServer
from tests.support.live_feed import events, results
from tests.support.processes import ModuleProcess
from tests.support.redis_server import RedisServer
from tests.support.waiting import DEFAULT_TIMEOUT_S, wait_until

CAMERA = "door"


def test_viewers_are_notified_of_an_interruption_and_get_results_again(
    redis_server: RedisServer, rtsp_server: RtspServer, tmp_path: Path
) -> None:
    # The test pattern has no face, so no model is needed.
    detector_port, gateway_port = free_ports(2)
    url = f"http://127.0.0.1:{gateway_port}"
    capture_settings = {
        "EMOTION_CAPTURE_PORT": "0",
        "EMOTION_CAPTURE_REDIS_URL": redis_server.url,
        "EMOTION_CAPTURE_CAMERAS": f"{CAMERA}={rtsp_server.url}",
        "EMOTION_CAPTURE_STALL_S": "2",
        "EMOTION_CAPTURE_RECONNECT_MAX_S": "1",
    }
    gateway_settings = {
        "EMOTION_GATEWAY_PORT": str(gateway_port),
        "EMOTION_GATEWAY_REDIS_URL": redis_server.url,
        "EMOTION_GATEWAY_REDIS_TIMEOUT_S": "5",
        "EMOTION_GATEWAY_DETECTOR_URL": f"http://127.0.0.1:{detector_port}",
        "EMOTION_GATEWAY_LIVE_TIMEOUT_S": "10",
        "EMOTION_GATEWAY_DETECT_TIMEOUT_S": "10",
        "EMOTION_GATEWAY_LIVE_SEARCH_TIMEOUT_S": "10",
    }
    with (
        ModuleProcess("services.detector", tmp_path / "detector.log", {"EMOTION_DETECTOR_PORT": str(detector_port)}),
        ModuleProcess("services.capture", tmp_path / "capture.log", capture_settings),
        ModuleProcess("services.gateway", tmp_path / "gateway.log", gateway_settings) as gateway,
        httpx.Client(base_url=url, timeout=DEFAULT_TIMEOUT_S, trust_env=False) as client,
    ):
        gateway.wait_until_answers(f"{url}/healthz")
        wait_until(lambda: client.get(f"/cameras/{CAMERA}/frame.jpg").status_code == 200, "a first frame")
        with events(client, f"/cameras/{CAMERA}/events") as feed:
            next(results(feed))
            rtsp_server.stop()
            problems = (event.data["problem"] for event in feed if event.event == "status")
            problem = next(problem for problem in problems if problem and "it is reconnecting" in problem["detail"])
            assert (problem["type"], problem["camera"]) == ("urn:emotion:problem:no-fresh-frame", CAMERA)
            assert "secret" not in problem["detail"]
            rtsp_server.start()
            assert next(results(feed)).data["image"] == {"width": 640, "height": 360}
