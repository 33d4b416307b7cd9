"""From a Predict request to its response."""

from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from services.serving.servable import Servable
from services.serving.tensors import decode_tensor, encode_tensor


def predict(servable: Servable, request: PredictRequest) -> PredictResponse:
    """Compute the answer of a version that has been chosen already.

    Raises:
        ServingError: The request doesn't fit the model, or the computation failed.
    """
    signature = servable.signature(request.model_spec.signature_name)
    signature.check_inputs(request.inputs.keys())
    inputs = {name: decode_tensor(name, proto) for name, proto in request.inputs.items()}
    outputs = servable.run(signature, inputs, tuple(request.output_filter))
    spec = ModelSpec(name=servable.name, signature_name=signature.name)
    spec.version.value = servable.version
    response = PredictResponse(model_spec=spec)
    for name, array in outputs.items():
        encode_tensor(array, response.outputs[name])
    return response
