"""Predict requests of REST."""

from services.serving.errors import InvalidArgumentError
from services.serving.rest_json import parse_request, to_arrays, to_json
from services.serving.servable import Servable
from services.serving.signature import Computation
from services.serving.together import Outputs


class RestPredict:
    """One request. It is read before it is answered."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._by_row = False

    def read(self, servable: Servable) -> Computation:
        """Return what is to be computed.

        Raises:
            ServingError: The request doesn't fit the model.
        """
        request = parse_request(self._body)
        self._by_row = request.by_row
        if request.signature_name and request.signature_name not in servable.signatures:
            # REST calls this an invalid argument, gRPC a failed precondition.
            raise InvalidArgumentError(f'Serving signature name: "{request.signature_name}" not found in signature def')
        signature = servable.signature(request.signature_name)
        return signature.prepare(to_arrays(request, signature))

    def write(self, servable: Servable, computation: Computation, outputs: Outputs) -> str:  # noqa: ARG002 - as a Call
        """Return the answer's body."""
        return to_json(outputs, self._by_row)
