"""Reads what a SavedModel's own file says of its signatures."""

from pathlib import Path

from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from services.serving.versions import SAVED_MODEL

SERVING_TAG = "serve"


def read_signature_defs(folder: Path) -> SignatureDefMap:
    """Return the signatures of the graph that is served; none where there is no such graph."""
    model = SavedModel.FromString((folder / SAVED_MODEL).read_bytes())
    found = SignatureDefMap()
    for graph in model.meta_graphs:
        if list(graph.meta_info_def.tags) == [SERVING_TAG]:
            for name, signature in graph.signature_def.items():
                found.signature_def[name].CopyFrom(signature)
    return found
