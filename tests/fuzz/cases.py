"""Test cases as values, and their JSON form for files."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Service = Literal["gateway", "detector", "capture", "serving", "serving-grpc"]
SERVICES: tuple[Service, ...] = ("gateway", "detector", "capture", "serving", "serving-grpc")


@dataclass(frozen=True)
class Exchange:
    """Bytes over one TCP connection.

    Attributes:
        service: The receiving service.
        pieces: Sent one after the other.
        pause_s: Pause between two pieces, in seconds.
        complete: Whether the pieces are one complete HTTP request, which must get a response.
    """

    service: Service
    pieces: tuple[bytes, ...]
    pause_s: float = 0.0
    complete: bool = False


@dataclass(frozen=True)
class Call:
    """One unary gRPC call of the model server.

    Attributes:
        method: Such as ``/tensorflow.serving.PredictionService/Predict``.
        message: The serialized request, not necessarily valid.
    """

    method: str
    message: bytes


@dataclass(frozen=True)
class Writes:
    """Commands to Redis, then GET requests to the gateway.

    Attributes:
        commands: Commands with their arguments.
        paths: Paths with queries.
    """

    commands: tuple[tuple[bytes, ...], ...]
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Decoding:
    """A message for a decoder of ``services.contracts``, which runs in this process.

    Attributes:
        decoder: The key in ``tests.fuzz.decoders``.
        fields: The fields of a Redis hash or stream entry; for JSON, one field without a name.
    """

    decoder: str
    fields: tuple[tuple[bytes, bytes], ...]


Action = Exchange | Call | Writes | Decoding
_ACTIONS: Mapping[str, type[Action]] = {cls.__name__: cls for cls in (Exchange, Call, Writes, Decoding)}


@dataclass(frozen=True)
class Case:
    """A test case.

    Attributes:
        target: The name of the generator.
        action: The action to run.
    """

    target: str
    action: Action


def request(
    method: str, path: str, headers: Sequence[tuple[str, str | bytes]] = (), body: bytes = b"", host: str = "127.0.0.1"
) -> bytes:
    """Return a complete HTTP/1.1 request; the given headers are sent unchanged."""
    head = [f"{method} {path} HTTP/1.1".encode("latin-1", "replace"), b"Host: " + host.encode("latin-1", "replace")]
    for name, value in headers:
        head.append(name.encode("latin-1", "replace") + b": " + _header_value(value))
    if body or method in ("POST", "PUT", "PATCH"):
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*head, b"", body])


def _header_value(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def dump(cases: Sequence[Case], metadata: Mapping[str, Any]) -> str:
    """Return the text of a replay file: metadata and the cases."""
    return json.dumps({**metadata, "cases": [_to_json(case) for case in cases]}, indent=1)


def load(text: str) -> list[Case]:
    """Parse the text of a replay file.

    Raises:
        ValueError: The text is not a replay file.
    """
    try:
        return [_from_json(case) for case in json.loads(text)["cases"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"no cases in the file: {error!r}") from error


def _to_json(case: Case) -> dict[str, Any]:
    kind = type(case.action).__name__
    return {"target": case.target, "kind": kind, "action": _pack(asdict(case.action))}


def _from_json(case: dict[str, Any]) -> Case:
    return Case(case["target"], _ACTIONS[case["kind"]](**_unpack(case["action"])))


def _pack(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, list | tuple):
        return [_pack(one) for one in value]
    if isinstance(value, dict):
        return {name: _pack(one) for name, one in value.items()}
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(one) for one in value)
    if isinstance(value, dict):
        if set(value) == {"base64"}:
            return base64.b64decode(value["base64"])
        return {name: _unpack(one) for name, one in value.items()}
    return value
