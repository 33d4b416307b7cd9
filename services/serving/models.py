"""All models that are or were served, and the labels of their versions."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

from services.serving.choice import Choice
from services.serving.errors import InvalidArgumentError
from services.serving.labels import Labels
from services.serving.model import Model, State, VersionStatus
from services.serving.servable import Servable


class Models:
    """Finds what a request is about. Used from the event loop only.

    Attributes:
        labels: Model → label → version.
    """

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}
        self.labels: Labels = {}

    def __contains__(self, name: str) -> bool:
        return name in self._models

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def get(self, name: str) -> Model:
        """Return a model; one that isn't known has no versions."""
        return self._models.get(name) or Model(name)

    def add(self, name: str) -> Model:
        """Return a model that is from now on known, if it wasn't already."""
        return self._models.setdefault(name, Model(name))

    def available(self) -> dict[str, frozenset[int]]:
        """Return the versions of each model that can answer."""
        return {model.name: model.versions(State.AVAILABLE) for model in self}

    def statuses(self, choice: Choice) -> list[VersionStatus]:
        """Return the states of the versions that are meant.

        Raises:
            ServingError: There is no such model, version or label.
        """
        return self.get(choice.name).statuses(self._version(choice))

    def lease(self, choice: Choice) -> AbstractContextManager[Servable]:
        """Lend the version that answers a request; it isn't unloaded meanwhile.

        Raises:
            ServingError: None can answer.
        """
        return self.get(choice.name).lease(self._version(choice))

    def _version(self, choice: Choice) -> int | None:
        if choice.label is None:
            return choice.version
        version = self.labels.get(choice.name, {}).get(choice.label)
        if version is None:
            raise InvalidArgumentError(f"Unrecognized servable version label: {choice.label}")
        return version
