"""Predict requests of gRPC."""

from dataclasses import dataclass

from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from services.serving.servable import Servable
from services.serving.signature import Computation
from services.serving.tensors import decode_tensor, encode_tensor
from services.serving.together import Outputs


@dataclass(frozen=True)
class GrpcPredict:
    """One request.

    Attributes:
        request: As it came.
        as_content: Whether the answer uses ``tensor_content``.
    """

    request: PredictRequest
    as_content: bool = False

    def read(self, servable: Servable) -> Computation:
        """Return what is to be computed.

        Raises:
            ServingError: The request doesn't fit the model.
        """
        signature = servable.signature(self.request.model_spec.signature_name)
        signature.check_inputs(self.request.inputs.keys())
        inputs = {name: decode_tensor(name, proto) for name, proto in self.request.inputs.items()}
        return signature.prepare(inputs, tuple(self.request.output_filter))

    def write(self, servable: Servable, computation: Computation, outputs: Outputs) -> PredictResponse:
        """Return the response."""
        spec = ModelSpec(name=servable.name, signature_name=computation.signature.name)
        spec.version.value = servable.version
        response = PredictResponse(model_spec=spec)
        for name, array in outputs.items():
            encode_tensor(array, response.outputs[name], self.as_content)
        return response
