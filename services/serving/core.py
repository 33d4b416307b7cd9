"""What both interfaces answer from."""

import asyncio
import logging
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from services.serving.choice import Choice
from services.serving.errors import InvalidArgumentError, PermissionDeniedError
from services.serving.execution import Call, Runner
from services.serving.manager import Manager
from services.serving.metrics import CallMetrics
from services.serving.model_config import ModelConfig, to_model_configs
from services.serving.models import Models
from services.serving.monitoring import Monitoring
from services.serving.reload_policy import ReloadPolicy

R = TypeVar("R")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Core:
    """The models, and what computes, keeps and watches them."""

    models: Models
    runner: Runner
    manager: Manager
    metrics: CallMetrics
    monitoring: Monitoring
    reload_policy: ReloadPolicy

    async def predict(self, interface: str, choice: Choice, call: Call[R]) -> R:
        """Answer a Predict request.

        Raises:
            ServingError: It can't be answered.
        """
        # Labels of metrics stay few: a name that nobody serves gets none.
        known = choice.name in self.models
        observed = self.monitoring.request(choice.name, interface.upper()) if known else nullcontext()
        with self.metrics.measure(interface, "predict"), observed, self.models.lease(choice) as servable:
            return await self.runner.run(servable, call)

    async def reload(self, config: ModelServerConfig) -> None:
        """Follow another configuration, and return once all its models answer.

        Raises:
            ServingError: It isn't allowed or can't be followed, and nothing has changed; or a model can't be brought
                into service.
        """
        try:
            configs = await self._read_reload(config)
        except PermissionDeniedError as error:
            _log.warning("refused a HandleReloadConfigRequest: %s", error)
            raise
        self.manager.apply(configs)
        await self.manager.wait_until_available([one.name for one in configs])

    async def _read_reload(self, config: ModelServerConfig) -> tuple[ModelConfig, ...]:
        self.reload_policy.check_allowed()
        if config.WhichOneof("config") != "model_config_list":
            raise InvalidArgumentError(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        configs = to_model_configs(config)
        await asyncio.to_thread(self.reload_policy.check_folders, configs)
        return configs
