"""Finds faults in the outcome of a case, with pure functions."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.contracts.problems import PROBLEM_MEDIA_TYPE
from tests.fuzz.cases import Action, Call, Decoding, Exchange, Service, Writes
from tests.fuzz.http_response import HttpResponse, NotHttpError, parse
from tests.fuzz.redis_cases import KEPT_PATH
from tests.fuzz.sender import Outcome
from tests.fuzz.websocket_response import websocket_faults

Documents = Mapping[Service, Mapping[str, Any]]

MAX_RESPONSE_S = 15.0
_PROBLEM_MEMBERS = ("type", "title", "status", "detail", "request_id")
_BUSY = (503, 504)
_COMPAT_PATHS = re.compile(r"/analyze|/api/v1/.*|/v2|/v2/.*")
"""Paths of the compatible APIs, which have their own error formats; so does ``POST /``."""

_GRPC_FAILURES = ("INTERNAL", "UNKNOWN", "DATA_LOSS")
_MAX_DETAIL_CHARS = 2000
_INTERNALS = re.compile(r"Traceback|<class '|Error\(|object at 0x")
_REQUEST_LINE = re.compile(r"[A-Z]+ (\S+) HTTP/1\.[01]$")


def faults_of(action: Action, outcome: Outcome, documents: Documents) -> list[str]:
    """Return the faults of an outcome."""
    match action:
        case Exchange():
            return list(_exchange_faults(action, outcome, documents))
        case Call():
            return list(_call_faults(outcome))
        case Writes():
            return list(_write_faults(outcome, documents))
        case Decoding():
            return [outcome.status] if outcome.status else []


def label_of(action: Action, outcome: Outcome) -> str:
    """Return the label of an outcome in the report: a status, or the end of the connection."""
    match action:
        case Call():
            return outcome.status
        case Decoding():
            return "fault" if outcome.status else "decoded or rejected"
        case Writes():
            return "/".join(sorted({_status_text(received) for received in outcome.responses.values()}))
        case Exchange():
            return _status_text(outcome.received) if outcome.received else outcome.end


def _status_text(received: bytes) -> str:
    return received[9:12].decode("latin-1") if received.startswith(b"HTTP/") else "no response"


def _exchange_faults(action: Exchange, outcome: Outcome, documents: Documents) -> Iterator[str]:
    if outcome.end == "refused":
        yield "the connection was refused"
    if action.complete and outcome.end == "timeout":
        yield "no response"
    if action.complete and outcome.seconds > MAX_RESPONSE_S and outcome.end != "timeout":
        yield "the response took too long"
    if action.service == "serving-grpc":
        return  # HTTP/2
    method, path = request_target(action)
    try:
        responses, rest = parse(outcome.received, heads_only=any(b"HEAD" in piece for piece in action.pieces))
    except (NotHttpError, ValueError) as error:
        yield f"the response isn't HTTP: {error}"
        return
    if action.complete and not responses and outcome.end == "closed":
        yield "the connection was closed without a response"
    for response in responses:
        yield from _response_faults(action.service, method, path, response, outcome)
    if action.complete and responses:
        yield from _undocumented(documents.get(action.service), method, path, responses[0])
    if responses and responses[-1].status == 101:
        yield from websocket_faults(rest)


def request_target(action: Exchange) -> tuple[str, str]:
    """Return the method and the path of the first request, as far as they can be parsed."""
    line = b"".join(action.pieces)[:70_000].lstrip(b"\r\n").partition(b"\r")[0].decode("latin-1")
    match = _REQUEST_LINE.search(line)
    return line.partition(" ")[0], match[1].partition("?")[0] if match else ""


def _response_faults(
    service: Service, method: str, path: str, response: HttpResponse, outcome: Outcome
) -> Iterator[str]:
    media_type = response.headers.get("content-type", "")
    if response.framed and not response.complete and outcome.end not in ("stream", "timeout"):
        yield f"{response.status}: the response was cut off"
        return
    if media_type.startswith("text/html") and "content-security-policy" not in response.headers:
        yield f"{response.status}: HTML without a policy"
    if response.status < 400:
        if media_type.startswith("application/json") and response.framed and response.body:
            yield from _json_faults(response)
        return
    if response.status >= 500 and not _is_documented_failure(service, method, path, response):
        yield f"{response.status} {path if len(path) < 60 else ''}"
    if response.framed:
        yield from _error_faults(service, method, path, response, media_type)


def _is_documented_failure(service: Service, method: str, path: str, response: HttpResponse) -> bool:
    if response.status in _BUSY or (service == "serving" and response.status == 501):
        return True
    # Rekognition reports overload as a 500.
    return (method, path) == ("POST", "/") and response.status == 500 and b"ThrottlingException" in response.body


def _error_faults(service: Service, method: str, path: str, response: HttpResponse, media_type: str) -> Iterator[str]:
    try:
        body = json.loads(response.body)
    except ValueError:
        yield f"{response.status}: an error that isn't JSON but {media_type or 'untyped'}: {response.body[:60]!r}"
        return
    if not isinstance(body, dict):
        yield f"{response.status}: an error that is no object"
    elif media_type == PROBLEM_MEDIA_TYPE:
        yield from _problem_faults(response, body)
    elif service == "serving":
        if not isinstance(body.get("error"), str):
            yield f"{response.status}: an error without a text"
    elif service != "gateway" or not (_COMPAT_PATHS.fullmatch(path) or (method, path) == ("POST", "/")):
        yield f"{response.status}: an error of the type {media_type}"
    elif "x-request-id" not in response.headers:
        yield f"{response.status}: an error without a request id"


def _problem_faults(response: HttpResponse, body: Mapping[str, Any]) -> Iterator[str]:
    missing = [name for name in _PROBLEM_MEMBERS if name not in body]
    if missing:
        yield f"{response.status}: a problem without {', '.join(missing)}"
    elif body["status"] != response.status:
        yield f"{response.status}: a problem with the status {body['status']}"
    elif not body["request_id"] or response.headers.get("x-request-id") != body["request_id"]:
        yield f"{response.status}: a problem whose request id isn't that of the headers"
    elif _INTERNALS.search(str(body["detail"])):
        yield f"{response.status}: a problem with internals of the program: {body['detail'][:100]}"


def _json_faults(response: HttpResponse) -> Iterator[str]:
    try:
        json.loads(response.body, parse_constant=_reject_constant)
    except ValueError:
        yield f"{response.status}: a response that isn't JSON"


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)


def _undocumented(document: Mapping[str, Any] | None, method: str, path: str, response: HttpResponse) -> Iterator[str]:
    """Compare a response with the OpenAPI document, if it has the operation."""
    operation = _operation(document, method, path)
    if operation is None:
        return
    documented = operation["responses"].get(str(response.status))
    media_type = response.headers.get("content-type", "").partition(";")[0].strip()
    if documented is None:
        yield f"{response.status} isn't documented"
    elif documented.get("content") and media_type not in documented["content"] and response.status != 304:
        yield f"{response.status} of the type {media_type} isn't documented"


def _operation(document: Mapping[str, Any] | None, method: str, path: str) -> Mapping[str, Any] | None:
    if document is None:
        return None
    for template, item in document["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            found: Mapping[str, Any] | None = item.get(method.lower())
            return found
    return None


def _call_faults(outcome: Outcome) -> Iterator[str]:
    if outcome.status in _GRPC_FAILURES:
        yield f"{outcome.status}: {outcome.detail[:120]}"
    if outcome.status == "DEADLINE_EXCEEDED":
        yield "no response"
    if len(outcome.detail) > _MAX_DETAIL_CHARS:
        yield f"{outcome.status} with {len(outcome.detail):,} characters"
    if _INTERNALS.search(outcome.detail):
        yield f"{outcome.status} with internals of the program: {outcome.detail[:120]}"


def _write_faults(outcome: Outcome, documents: Documents) -> Iterator[str]:
    for path, received in outcome.responses.items():
        template = "/cameras/fuzz/frame.jpg" if path.endswith("frame.jpg") else path.partition("?")[0]
        if not received:
            yield f"GET {template}: no response"
            continue
        sent = Exchange("gateway", (f"GET {path} HTTP/1.1\r\n".encode(),), complete=True)
        for fault in _exchange_faults(sent, Outcome(received, "answered"), documents):
            yield f"GET {template}: {fault}"
        if path == KEPT_PATH and _status_text(received) != "200":
            yield f"the untouched camera is answered {_status_text(received)}"
