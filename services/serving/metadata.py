"""Answers about a version's signatures."""

import json
from collections.abc import Sequence

from google.protobuf import json_format
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, GetModelMetadataResponse

from services.serving.errors import InvalidArgumentError
from services.serving.servable import Servable

SIGNATURE_FIELD = "signature_def"


def check_metadata_request(request: GetModelMetadataRequest) -> None:
    """Raise InvalidArgumentError unless a model is named and only signatures are asked for."""
    if not request.HasField("model_spec"):
        raise InvalidArgumentError("Missing ModelSpec")
    fields: Sequence[str] = request.metadata_field
    if not fields:
        raise InvalidArgumentError("GetModelMetadataRequest must specify at least one metadata_field")
    for field in fields:
        if field != SIGNATURE_FIELD:
            raise InvalidArgumentError(f"Metadata field {field} is not supported")


def metadata(servable: Servable) -> GetModelMetadataResponse:
    """Return a version's signatures as a message."""
    response = GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    response.metadata[SIGNATURE_FIELD].Pack(servable.signature_defs)
    return response


def metadata_json(servable: Servable) -> str:
    """Return a version's signatures as the REST interface tells them: every field is there, numbers as text."""
    signatures = json_format.MessageToDict(
        servable.signature_defs, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    spec = {"name": servable.name, "signature_name": "", "version": str(servable.version)}
    return json.dumps({"model_spec": spec, "metadata": {SIGNATURE_FIELD: signatures}}, indent=1)
