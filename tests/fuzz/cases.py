"""What is sent: cases as values, and as JSON for files."""

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
        service: Who receives them.
        pieces: Written one after the other.
        pause_s: Seconds between two pieces.
        complete: Whether they are one complete HTTP request, which must be answered.
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
        commands: Each with its arguments.
        asked: Paths, with queries.
    """

    commands: tuple[tuple[bytes, ...], ...]
    asked: tuple[str, ...]


@dataclass(frozen=True)
class Decoding:
    """A message for a decoder of ``services.contracts``, which runs in this process.

    Attributes:
        decoder: A name in ``tests.fuzz.decoders``.
        fields: Of a Redis hash or stream entry; for JSON one field without a name.
    """

    decoder: str
    fields: tuple[tuple[bytes, bytes], ...]


Action = Exchange | Call | Writes | Decoding
_ACTIONS: Mapping[str, type[Action]] = {cls.__name__: cls for cls in (Exchange, Call, Writes, Decoding)}


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        target: The generator's name.
        action: What is done.
    """

    target: str
    action: Action


def request(
    method: str, path: str, headers: Sequence[tuple[str, str | bytes]] = (), body: bytes = b"", host: str = "127.0.0.1"
) -> bytes:
    """Return an HTTP/1.1 request that is complete; headers are sent as they are given."""
    head = [f"{method} {path} HTTP/1.1".encode("latin-1", "replace"), b"Host: " + host.encode("latin-1", "replace")]
    for name, value in headers:
        head.append(name.encode("latin-1", "replace") + b": " + _header_value(value))
    if body or method in ("POST", "PUT", "PATCH"):
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*head, b"", body])


def _header_value(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def dump(cases: Sequence[Case], about: Mapping[str, Any]) -> str:
    """Return a file's text: some facts for people, and the cases."""
    return json.dumps({**about, "cases": [_to_json(case) for case in cases]}, indent=1)


def load(text: str) -> list[Case]:
    """Read a file's text.

    Raises:
        ValueError: It isn't such a file.
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
