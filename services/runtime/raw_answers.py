"""Problems as bytes of HTTP, for answers that are given before an application sees the request."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem
from services.runtime.request_context import REQUEST_ID_HEADER, new_request_id

SECURITY_HEADERS: Mapping[str, str] = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}


def problem_parts(problem: Problem) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an answer after which the connection is closed."""
    request_id = new_request_id()
    body = json.dumps(problem.encode(request_id)).encode()
    headers = {
        "Content-Type": PROBLEM_MEDIA_TYPE,
        "Content-Length": str(len(body)),
        REQUEST_ID_HEADER: request_id,
        **SECURITY_HEADERS,
        "Connection": "close",
    }
    if problem.kind.retry_after_s is not None:
        headers["Retry-After"] = str(problem.kind.retry_after_s)
    return headers, body


def problem_bytes(problem: Problem) -> bytes:
    """Return a whole answer."""
    headers, body = problem_parts(problem)
    lines = [f"HTTP/1.1 {problem.kind.status} {HTTPStatus(problem.kind.status).phrase}"]
    lines += [f"{name.lower()}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
