"""Names of versions. A label may name only a version that answers, unless a flag lets a new one be early."""

from collections.abc import Collection, Iterable, Mapping

from services.serving.errors import FailedPreconditionError
from services.serving.model_config import ModelConfig

Labels = Mapping[str, Mapping[str, int]]
"""Model → label → version."""


def new_labels(
    configs: Iterable[ModelConfig], current: Labels, available: Mapping[str, Collection[int]], allow_early: bool
) -> Labels:
    """Return the labels of a configuration.

    Args:
        configs: The configuration.
        current: The labels until now.
        available: The versions of each model that can answer.
        allow_early: Whether a version that can't answer yet may get a label. One that is in use can't move there
            even then, since its callers would be left without an answer.

    Raises:
        FailedPreconditionError: A label names a version that can't answer.
    """
    configs = tuple(configs)
    for config in configs:
        for label, version in config.labels.items():
            unused = current.get(config.name, {}).get(label, version) == version
            if version not in available.get(config.name, ()) and not (allow_early and unused):
                raise FailedPreconditionError(
                    f"Request to assign label to version {version} of model {config.name}, "
                    "which is not currently available for inference"
                )
    return {config.name: dict(config.labels) for config in configs}
