"""A camera outside the stack, on a host whose clock is ten minutes ahead."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from launcher.ports import free_port
from tests.e2e.docker import docker, inspect
from tests.e2e.stack import Stack
from tests.support.processes import ModuleProcess
from tests.support.waiting import wait_until

PASSWORD = "Aeg7ohqu9Ie5shahN3Zo"
AHEAD_S = 600
REDIS_PORT = free_port()
CAMERA_CLOCK = {
    "FAKETIME": f"+{AHEAD_S}s",
    # Only the wall clock differs; seconds have the same length.
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
}


@pytest.fixture(scope="module")
def remote() -> Iterator[Stack]:
    settings = {
        "EMOTION_COMPOSE_REDIS_ADDRESS": "127.0.0.1",
        "EMOTION_COMPOSE_REDIS_PORT": str(REDIS_PORT),
        "EMOTION_COMPOSE_REDIS_PASSWORD": PASSWORD,
    }
    with Stack("emotion-e2e-remote", ("compose.remote-camera.yml",), settings) as stack:
        yield stack


@pytest.fixture(scope="module")
def faketime() -> str:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "libfaketime is needed: install what `make debian-packages` names"
    return str(found[0])


def test_ages_do_not_depend_on_the_cameras_clock(remote: Stack, faketime: str, tmp_path: Path) -> None:
    settings = {
        "EMOTION_CAPTURE_REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:{REDIS_PORT}/0",
        "EMOTION_CAPTURE_PORT": str(free_port()),
        "EMOTION_CAPTURE_CAMERAS": "door=demo",
        "EMOTION_CAPTURE_FPS": "5",
        "LD_PRELOAD": faketime,
        **CAMERA_CLOCK,
    }
    with remote.client() as client:
        assert client.get("/predict").json()["type"] == "urn:emotion:problem:no-camera"
        with ModuleProcess("services.capture", tmp_path / "capture.log", settings):
            wait_until(lambda: client.get("/predict").status_code == 200, "an answer of the camera", 20)
            source = client.get("/predict").json()["source"]
            newest = newest_frame_fields()
    now = datetime.now(UTC)
    assert source["camera"] == "door"
    assert 0 < source["age_ms"] < 1500
    assert abs((now - datetime.fromisoformat(source["captured_at"])).total_seconds()) < 30
    # The clock of the camera's host did differ.
    believed = datetime.fromtimestamp(int(newest[b"captured_at"]) / 1e6, UTC)
    assert AHEAD_S - 30 < (believed - now).total_seconds() < AHEAD_S + 30


def newest_frame_fields() -> dict[bytes, bytes]:
    with redis.Redis(port=REDIS_PORT, password=PASSWORD, protocol=2, driver_info=None) as client:
        ((_, fields),) = client.xrevrange("frames:door", count=1)
        return dict(fields)


def test_redis_requires_the_password(remote: Stack) -> None:
    remote.wait_until_ready("redis")
    with (
        redis.Redis(port=REDIS_PORT, protocol=2, driver_info=None) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_password_is_on_no_command_line(remote: Stack) -> None:
    for service in ("redis", "gateway"):
        assert PASSWORD not in docker("top", remote.container(service), "-eo", "pid,args")
    redis_container = inspect(remote.container("redis"))
    assert PASSWORD not in f"{redis_container['Path']} {redis_container['Args']}"


def test_empty_password_is_rejected() -> None:
    settings = {"EMOTION_COMPOSE_REDIS_ADDRESS": "127.0.0.1", "EMOTION_COMPOSE_REDIS_PASSWORD": ""}
    with pytest.raises(AssertionError, match="EMOTION_COMPOSE_REDIS_PASSWORD"):
        Stack("emotion-e2e-remote", ("compose.remote-camera.yml",), settings).compose("config")
