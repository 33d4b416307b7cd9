"""Takes configurations: starts, changes and ends the keepers of models."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from services.serving.errors import UnknownError
from services.serving.keeper import Keeper
from services.serving.labels import new_labels
from services.serving.model import Model, State
from services.serving.model_config import ModelConfig
from services.serving.models import Models

LOOK_S = 0.05

_log = logging.getLogger(__name__)


class Manager:
    """Keeps the models that the newest accepted configuration lists.

    Attributes:
        configs: That configuration.
    """

    def __init__(
        self,
        models: Models,
        create_keeper: Callable[[Model, ModelConfig], Keeper],
        tasks: asyncio.TaskGroup,
        allow_early_labels: bool,
    ) -> None:
        self.configs: tuple[ModelConfig, ...] = ()
        self._models = models
        self._create_keeper = create_keeper
        self._tasks = tasks
        self._allow_early_labels = allow_early_labels
        self._keepers: dict[str, Keeper] = {}
        self._running: list[asyncio.Task[None]] = []

    def apply(self, configs: tuple[ModelConfig, ...]) -> None:
        """Follow another configuration; where it can't be followed, nothing changes.

        Raises:
            FailedPreconditionError: A label names a version that can't answer.
        """
        available = self._models.available()
        self._models.labels = new_labels(configs, self._models.labels, available, self._allow_early_labels)
        self.configs = configs
        for config in configs:
            self._keep(config)
        for name in self._keepers.keys() - {config.name for config in configs}:
            self._keepers[name].change(None)

    async def wait_until_available(self, names: Iterable[str]) -> None:
        """Return once each model has a version that answers.

        Raises:
            UnknownError: None of those still waited for can be brought into service.
        """
        while waiting := [name for name in names if not self._models.get(name).versions(State.AVAILABLE)]:
            if all(self._keepers[name].stuck for name in waiting):
                raise UnknownError(f"Some models did not become available: {{{', '.join(waiting)}}}")
            await asyncio.sleep(LOOK_S)

    def kept(self) -> list[Model]:
        """Return the models that the configuration lists."""
        return [self._models.get(config.name) for config in self.configs]

    def close(self) -> None:
        """Keep nothing any more."""
        for task in self._running:
            task.cancel()

    def _keep(self, config: ModelConfig) -> None:
        keeper = self._keepers.get(config.name)
        if keeper is not None:
            keeper.change(config)
            return
        _log.info("keeping model %s from %s", config.name, config.base_path)
        keeper = self._keepers[config.name] = self._create_keeper(self._models.add(config.name), config)
        self._running.append(self._tasks.create_task(keeper.run()))
