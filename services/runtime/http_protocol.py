"""What uvicorn answers itself, before an application sees a request: input that is not HTTP."""

import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemKind
from services.runtime.request_context import REQUEST_ID_HEADER, new_request_id


class ProblemHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, answering malformed HTTP as a problem like every other error."""

    def send_400_response(self, msg: str) -> None:
        """Answer 400 and close the connection; only close it where that would land inside an answer half sent."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()
            return
        request_id = new_request_id()
        body = json.dumps(Problem(ProblemKind.BAD_REQUEST, msg).encode(request_id)).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {PROBLEM_MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            f"{REQUEST_ID_HEADER.lower()}: {request_id}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
