"""What is known of the served model: the state of each version, and those that can answer."""

from dataclasses import dataclass
from enum import IntEnum

import grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec

from services.serving.errors import InvalidArgumentError, NotFoundError, ServingError
from services.serving.servable import Servable


class State(IntEnum):
    """Where a version is in its life; the numbers are those of ``ModelVersionStatus``."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """One version's state, and why it ended where it ended in an error."""

    version: int
    state: State
    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""


class Model:
    """The versions of one model. Used from the event loop only."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._statuses: dict[int, VersionStatus] = {}
        self._servables: dict[int, Servable] = {}

    def begin(self, version: int) -> None:
        """Note that a version was found and waits to be loaded."""
        self._statuses[version] = VersionStatus(version, State.START)

    def loading(self, version: int) -> None:
        """Note that a version is being loaded."""
        self._statuses[version] = VersionStatus(version, State.LOADING)

    def failed(self, version: int, error: ServingError) -> None:
        """Note that a version could not be loaded."""
        self._statuses[version] = VersionStatus(version, State.END, error.code, str(error))

    def available(self, servable: Servable) -> None:
        """Take a version into service."""
        self._servables[servable.version] = servable
        self._statuses[servable.version] = VersionStatus(servable.version, State.AVAILABLE)

    def has_failed(self, version: int) -> bool:
        """Tell whether the last try to load a version failed."""
        status = self._statuses.get(version)
        return status is not None and status.state is State.END

    def statuses(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """Return the state of one version, or of all, the newest first.

        Raises:
            NotFoundError: There is no such model or version.
        """
        known = self._statuses if name == self.name else {}
        if version is None and not known:
            raise NotFoundError(f"Could not find any versions of model {name}")
        if version is None:
            return [known[number] for number in sorted(known, reverse=True)]
        if version not in known:
            raise NotFoundError(f"Could not find version {version} of model {name}")
        return [known[version]]

    def find(self, name: str, version: int | None = None) -> Servable:
        """Return the version that answers a request: the one named, or the newest.

        Raises:
            NotFoundError: None can answer.
        """
        known = self._servables if name == self.name else {}
        wanted = max(known, default=None) if version is None else version
        if wanted is None or wanted not in known:
            request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise NotFoundError(f"Servable not found for request: {request}")
        return known[wanted]


def name_and_version(spec: ModelSpec) -> tuple[str, int | None]:
    """Read which model and which version a request is about; None is the newest.

    Raises:
        InvalidArgumentError: No model is named, or a version by a label, of which there are none.
    """
    if not spec.name:
        raise InvalidArgumentError("ModelSpec has no name specified.")
    if spec.HasField("version_label"):
        raise InvalidArgumentError(f"Unrecognized servable version label: {spec.version_label}")
    return spec.name, spec.version.value if spec.HasField("version") else None
