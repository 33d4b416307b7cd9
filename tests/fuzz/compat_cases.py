"""Mutated requests to the compatible APIs: JSON, forms, base64 and tensors."""

import base64
import json
import struct
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes, quote_plus

from tests.fuzz.cases import Case, Exchange, request
from tests.fuzz.image_cases import form_request, mutated_image, samples
from tests.fuzz.mutation import TEXTS, mutated, mutated_value

_FACE_VALUES = 48 * 48


def compat_cases(random: Random) -> Iterator[Case]:
    """Yield requests to the APIs of DeepFace, CompreFace, Rekognition and the Open Inference Protocol."""
    generators = (_deepface, _compreface, _rekognition, _open_inference)
    while True:
        sent, complete = random.choice(generators)(random)
        yield Case("compat", Exchange("gateway", (sent,), complete=complete))


def _deepface(random: Random) -> tuple[bytes, bool]:
    if random.random() < 0.2:
        return form_request(random, mutated_image(random), "/analyze", b"img"), False
    values: dict[str, Any] = {
        "img": f"data:image/{random.choice(('jpeg', 'png', '', 'x;y'))};base64,{_base64(random)}",
        "actions": random.choice((["emotion"], ["emotion", "age"], "['emotion']", "emotion,race", [])),
        "enforce_detection": random.choice((True, False, "False", "0", 1)),
        "anti_spoofing": False,
        "align": True,
        "detector_backend": "opencv",
    }
    if random.random() < 0.3:
        fields = "&".join(f"{name}={quote_plus(str(value))}" for name, value in values.items()).encode()
        body = mutated(fields, random, 4) if random.random() < 0.7 else fields
        media_type = random.choice(("", "; charset=utf-7", "; charset=nothing", "; charset=\xff"))
        return request(
            "POST", "/analyze", [("Content-Type", "application/x-www-form-urlencoded" + media_type)], body
        ), True
    return _json_request("/analyze", values, random)


def _compreface(random: Random) -> tuple[bytes, bool]:
    query = "&".join(
        f"{random.choice(('limit', 'det_prob_threshold', 'status', 'face_plugins'))}={_quoted(random)}"
        for _ in range(random.choice((0, 1, 2, 5)))
    )
    path = "/api/v1/detection/detect" + (f"?{query}" if query else "")
    if random.random() < 0.4:
        return form_request(random, mutated_image(random), path, b"file"), False
    return _json_request(path, {"file": _base64(random)}, random)


def _rekognition(random: Random) -> tuple[bytes, bool]:
    body = {"Image": {"Bytes": _base64(random)}, "Attributes": random.choice((["ALL"], ["DEFAULT"], [], ["EMOTIONS"]))}
    target = "RekognitionService.DetectFaces"
    headers: list[tuple[str, str | bytes]] = [
        ("X-Amz-Target", target if random.random() < 0.9 else random.choice(TEXTS).replace("\n", "")),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=c, Signature=d"),
    ]
    return _json_request("/", body, random, headers)


def _open_inference(random: Random) -> tuple[bytes, bool]:
    count = random.choice((1, 1, 2, 8))
    tensor: dict[str, Any] = {"name": "face", "datatype": "FP32", "shape": [count, 48, 48, 1]}
    body: dict[str, Any] = {"id": "1", "inputs": [tensor], "outputs": [{"name": "probabilities"}]}
    path = random.choice(
        ("/v2/models/emotion/infer",) * 4 + ("/v2/models/emotion/versions/7/infer", "/v2/models/x/infer")
    )
    if random.random() < 0.5:
        tensor["data"] = [random.choice((0, 0.5, 1))] * (count * _FACE_VALUES)
        if random.random() < 0.3:
            tensor["data"][random.randrange(10)] = random.choice((None, "1", [1], {}, 1e400, -1, 10**400, True))
        return _json_request(path, body, random)
    data = struct.pack("<f", random.choice((0.0, 0.5, 1.0, float("nan"), float("inf"), -1.0))) * (count * _FACE_VALUES)
    tensor["parameters"] = {"binary_data_size": random.choice((len(data), len(data), 0, -1, 2**70, "1", None, 1.5))}
    if random.random() < 0.5:
        body = mutated_value(body, random)
    head = json.dumps(body).encode()
    length: str | bytes = (
        str(len(head)) if random.random() < 0.7 else random.choice((*TEXTS[:17], str(len(head) + 10**6)))
    )
    if random.random() < 0.3:
        data = mutated(data, random, 2)
    headers = [("Inference-Header-Content-Length", length), ("Content-Type", "application/octet-stream")]
    return request("POST", path, headers, head + data), True


def _json_request(
    path: str, value: Any, random: Random, headers: list[tuple[str, str | bytes]] | None = None
) -> tuple[bytes, bool]:
    if random.random() < 0.6:
        value = mutated_value(value, random)
    body = json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    if random.random() < 0.4:
        body = mutated(body, random, 3)
    if random.random() < 0.1:
        body = random.choice(
            (b"[" * 900, b'{"a":' * 400, b"\xef\xbb\xbf" + body, body + body, b"nul", body[:-1] + b",}")
        )
    return request("POST", path, headers or [("Content-Type", "application/json")], body), True


def _base64(random: Random) -> str:
    data = random.choice(samples()) if random.random() < 0.4 else mutated_image(random)
    text = base64.b64encode(data).decode("ascii")
    match random.randrange(8):
        case 0:
            return text.rstrip("=") + random.choice(("", "=", "===", "\n", "\x00", "é"))
        case 1:
            return "\n".join(text[at : at + 76] for at in range(0, len(text), 76))
        case 2:
            return random.choice(TEXTS)
        case _:
            return text


def _quoted(random: Random) -> str:
    return quote_from_bytes(random.choice(TEXTS).encode("utf-8", "surrogatepass"), safe="")
