"""A request's services share its time, whichever of them are slow."""

import time
from collections.abc import Iterator

import pytest

from services.gateway.dependencies import MODEL_TIME_RESERVE
from services.gateway.protocols import Deadline
from tests.support.gateway_fakes import FakeDetector, FakeFrames, FakeModel, FakeServices
from tests.unit.gateway.conftest import Gateway

JPEG = {"Content-Type": "image/jpeg"}
ANSWER_S = 0.4


def test_a_capped_deadline_is_the_earlier_one() -> None:
    deadline = Deadline.after(60)
    assert deadline.capped(120) == deadline
    assert 9 < deadline.capped(10).remaining_s() <= 10
    assert deadline.reserve(20).at_s == deadline.at_s - 20
    assert Deadline.after(-1).remaining_s() == 0


@pytest.mark.parametrize(
    ("redis_s", "detector_s", "model_s", "culprit"),
    [
        (9, 0, 0, "redis"),
        (0, 9, 0, "detector"),
        (0, 0, 9, "model"),
        (0.05, 9, 9, "detector"),
        (0.05, 0.1, 9, "model"),
        (0.05, ANSWER_S * (1 - MODEL_TIME_RESERVE), 0, "detector"),
    ],
)
def test_slow_services_share_the_deadline_and_the_slow_one_is_named(
    gateway: Gateway, redis_s: float, detector_s: float, model_s: float, culprit: str
) -> None:
    frames = FakeFrames.with_camera()
    frames.delay_s = redis_s
    slow = FakeServices(frames, FakeDetector(delay_s=detector_s), FakeModel(delay_s=model_s))
    client = gateway(slow, answer_timeout_s=ANSWER_S)
    began = time.monotonic()
    answer = client.get("/predict", params={"camera": "cam0"})
    assert (answer.status_code, answer.json()["dependency"]) == (504, culprit)
    assert time.monotonic() - began < ANSWER_S + 1  # far less than the services would take


def test_the_time_of_an_upload_does_not_count_against_its_deadline(gateway: Gateway) -> None:
    def slowly() -> Iterator[bytes]:
        yield b"an "
        time.sleep(ANSWER_S)  # the client's time
        yield b"image"

    client = gateway(FakeServices(detector=FakeDetector(delay_s=0.1)), answer_timeout_s=ANSWER_S)
    assert client.post("/predict", content=slowly(), headers=JPEG).status_code == 200
