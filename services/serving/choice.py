"""Which model and which of its versions a request is about."""

from dataclasses import dataclass

from tensorflow_serving.apis.model_pb2 import ModelSpec

from services.serving.errors import InvalidArgumentError


@dataclass(frozen=True)
class Choice:
    """A model, and a version by number or by label; neither stands for the newest."""

    name: str
    version: int | None = None
    label: str | None = None


def choice_of(spec: ModelSpec) -> Choice:
    """Read a request's choice.

    Raises:
        InvalidArgumentError: No model is named.
    """
    if not spec.name:
        raise InvalidArgumentError("ModelSpec has no name specified.")
    if spec.HasField("version_label"):
        return Choice(spec.name, label=spec.version_label)
    return Choice(spec.name, spec.version.value if spec.HasField("version") else None)
