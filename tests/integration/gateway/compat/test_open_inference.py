"""The Open Inference Protocol, asked by Triton's client."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

from services.contracts.detection import Detection, model_input
from tests.integration.gateway.compat.conftest import KEY
from tests.support.stack import Stack


def headers(key: str = KEY) -> dict[str, str]:
    """Return new headers each time, since the client writes into those that it is given."""
    return {"X-API-Key": key}


@pytest.fixture
def client(compat_gateway: httpx.Client) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(f"{compat_gateway.base_url.host}:{compat_gateway.base_url.port}")
    yield client
    client.close()


@pytest.fixture
def faces(stack: Stack, smile: bytes) -> NDArray[np.float32]:
    """The faces of a picture as the detector cuts them out: float32 [1, 48, 48, 1]."""
    detector = stack.gateway_settings["EMOTION_GATEWAY_DETECTOR_URL"]
    answer = httpx.post(
        f"{detector}/detect", content=smile, headers={"Content-Type": "image/jpeg"}, trust_env=False, timeout=20
    )
    return model_input(Detection.from_json(answer.content).faces)


def tensor(faces: NDArray[np.float32], binary: bool = True) -> triton.InferInput:
    return triton.InferInput("face", faces.shape, "FP32").set_data_from_numpy(faces, binary_data=binary)


def test_the_answer_is_that_of_predict(
    compat_gateway: httpx.Client, client: triton.InferenceServerClient, faces: NDArray[np.float32], smile: bytes
) -> None:
    body = compat_gateway.post("/predict", content=smile, headers={"Content-Type": "image/jpeg"}).json()
    result = client.infer("emotion", [tensor(faces)], request_id="7", headers=headers())
    probabilities, reliable = result.as_numpy("probabilities"), result.as_numpy("reliable")
    assert probabilities is not None
    assert probabilities.dtype == np.float32
    assert probabilities[0].tolist() == pytest.approx(list(body["probabilities"].values()), abs=1e-6)
    assert reliable is not None
    assert reliable.tolist() == [body["reliable"]]
    answer = result.get_response()
    assert (answer["id"], answer["model_version"]) == ("7", body["model"]["version"])


def test_binary_and_json_give_the_same(client: triton.InferenceServerClient, faces: NDArray[np.float32]) -> None:
    many = np.repeat(faces, 3, axis=0)
    binary = client.infer("emotion", [tensor(many)], headers=headers())
    outputs = [triton.InferRequestedOutput("probabilities", binary_data=False)]
    listed = client.infer("emotion", [tensor(many, binary=False)], outputs=outputs, headers=headers())
    in_binary, as_json = binary.as_numpy("probabilities"), listed.as_numpy("probabilities")
    assert in_binary is not None
    assert as_json is not None
    assert in_binary.shape == (3, 7)
    assert np.allclose(in_binary, as_json, atol=1e-6)
    assert listed.as_numpy("reliable") is None


def test_server_and_model_are_described(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("emotion", headers=headers())
    assert "binary_tensor_data" in client.get_server_metadata(headers=headers())["extensions"]
    model = client.get_model_metadata("emotion", headers=headers())
    assert model["inputs"] == [{"name": "face", "datatype": "FP32", "shape": [-1, 48, 48, 1]}]
    (version,) = model["versions"]
    assert client.is_model_ready("emotion", version, headers=headers())
    assert not client.is_model_ready("emotion", "999", headers=headers())


def test_a_version_may_be_named(client: triton.InferenceServerClient, faces: NDArray[np.float32]) -> None:
    (version,) = client.get_model_metadata("emotion", headers=headers())["versions"]
    answer = client.infer("emotion", [tensor(faces)], version, headers=headers()).get_response()
    assert answer["model_version"] == version
    with pytest.raises(InferenceServerException, match="no version 999"):
        client.infer("emotion", [tensor(faces)], "999", headers=headers())


def test_error_says_what_is_wrong(client: triton.InferenceServerClient, faces: NDArray[np.float32]) -> None:
    def error_of(tensor: triton.InferInput, model: str = "emotion", key: str = KEY) -> tuple[str, str]:
        with pytest.raises(InferenceServerException) as refused:
            client.infer(model, [tensor], headers=headers(key))
        return refused.value.status(), refused.value.message()

    assert error_of(tensor(2 * np.ones_like(faces))) == ("400", "input 'face' has a value outside 0 to 1")
    assert error_of(tensor(np.repeat(faces, 65, axis=0)))[1] == "a request may have 1 to 64 faces, not 65"
    assert error_of(tensor(faces), model="other")[0] == "404"
    assert error_of(tensor(faces), key="another")[0] == "401"
