"""The gateway's model, over gRPC only."""

import signal
from pathlib import Path

import grpc
import numpy as np
import pytest

from services.contracts.model import INPUT_FACE, MODEL_NAME, OUTPUT_PROBABILITIES, OUTPUT_RELIABLE, SIGNATURE_NAME
from tests.support.model_server import ServerProcess, arrays, content, predict, predict_error


def test_serves_the_emotion_model_without_rest_until_ctrl_c(models: Path, tmp_path: Path) -> None:
    with ServerProcess(MODEL_NAME, models / "emotion", tmp_path / "log", rest=False) as server:
        server.wait_for_grpc()
        server.wait_until_logged("emotion version 1 is available")
        _check_the_log(server)
        _check_the_answer(server)
        _check_the_error(server)
        server.send_signal(signal.SIGINT)
        assert server.exit_status() == 0
        assert "Traceback" not in server.log()


def _check_the_log(server: ServerProcess) -> None:
    """Warm-up requests are replayed before the model is available."""
    lines = server.log().splitlines()
    finished = next(number for number, line in enumerate(lines) if "Finished reading warmup data for model at" in line)
    available = next(number for number, line in enumerate(lines) if "emotion version 1 is available" in line)
    assert finished < available
    assert "tf_serving_warmup_requests. Number of warmup records read: 2." in lines[finished]
    assert "REST off" in server.log()


def _check_the_answer(server: ServerProcess) -> None:
    """All faces of a frame go in one call."""
    faces = np.random.default_rng(0).random((3, 48, 48, 1), np.float32)
    response = predict(server, {INPUT_FACE: content(faces)})
    outputs = arrays(response)
    assert (response.model_spec.name, response.model_spec.signature_name) == (MODEL_NAME, SIGNATURE_NAME)
    assert outputs[OUTPUT_PROBABILITIES].shape == (3, 7)
    assert outputs[OUTPUT_PROBABILITIES].sum(axis=1) == pytest.approx([1, 1, 1])
    assert outputs[OUTPUT_RELIABLE].dtype == np.bool_
    assert outputs[OUTPUT_RELIABLE].tolist() == (outputs[OUTPUT_PROBABILITIES].max(axis=1) > 0.205).tolist()
    assert set(outputs[OUTPUT_RELIABLE].tolist()) == {True, False}


def _check_the_error(server: ServerProcess) -> None:
    """The error for a face of another size names the expected shape."""
    code, details = predict_error(server, {INPUT_FACE: content(np.zeros((2, 64, 64, 1), np.float32))})
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details == "Input face must have shape [-1,48,48,1], but [2,64,64,1] was sent."
