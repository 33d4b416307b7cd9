"""Runs both interfaces and the keepers of models on one event loop, and stops them without losing calls."""

import asyncio
import gc
import logging
import os
import socket
from collections.abc import Callable

import tensorflow as tf
from fastapi import FastAPI

from services.runtime.app import ServiceContext
from services.runtime.server import DrainingServer, server_config
from services.runtime.shutdown import ShutdownState
from services.serving.aio_server import RegisteredMethodsServer
from services.serving.app import create_app
from services.serving.batcher import Batcher
from services.serving.config_watcher import watch_config_file
from services.serving.core import Core
from services.serving.execution import AloneRunner, BatchingRunner, Runner
from services.serving.flags import Flags
from services.serving.grpc_api import MODEL_SERVICE, PREDICTION_SERVICE, ModelService, PredictionService
from services.serving.grpc_calls import Calls
from services.serving.grpc_health import HEALTH_SERVICE, HealthService
from services.serving.grpc_server import create_grpc_server, describe_places
from services.serving.keeper import Keeper, Pace
from services.serving.loader import Loader
from services.serving.manager import Manager
from services.serving.metrics import CallMetrics
from services.serving.model import Model
from services.serving.model_config import ModelConfig
from services.serving.models import Models
from services.serving.monitoring import Monitoring
from services.serving.ports import host_and_port
from services.serving.reload_policy import ReloadPolicy
from services.serving.retries import RetryRule
from services.serving.server_options import ServerOptions
from services.serving.workers import Workers

DRAIN_S = 0.2
"""From the signal to the end of new calls: readiness is down already, and callers look elsewhere."""
STOP_TIMEOUT_S = 10
"""How long calls in flight may take to finish after that."""

_log = logging.getLogger(__name__)


def run(options: ServerOptions, rest_socket: socket.socket | None, shutdown: ShutdownState) -> None:
    """Serve until ``shutdown`` starts, and return once calls in flight are finished.

    Args:
        options: What to serve, and how.
        rest_socket: Where REST listens; None for no REST.
        shutdown: Begun by a signal.

    Raises:
        PortError: The port of gRPC was taken in the meantime.
    """
    _configure_tensorflow(options.flags)
    gc.freeze()  # all that is imported stays; a collection of garbage need not look at it
    asyncio.run(_serve(options, rest_socket, ServiceContext(shutdown=shutdown)))


async def _serve(options: ServerOptions, rest_socket: socket.socket | None, context: ServiceContext) -> None:
    flags, monitoring, shutdown = options.flags, Monitoring(), context.shutdown
    runner, loader = _create_runner(options, monitoring), Loader(monitoring, flags.enable_model_warmup)
    async with asyncio.TaskGroup() as tasks:
        models = Models()
        manager = Manager(models, _keepers(flags, loader), tasks, flags.allow_version_labels_for_unavailable_models)
        core = Core(models, runner, manager, CallMetrics(context.registry), monitoring, _reload_policy(options))
        serving = [tasks.create_task(_serve_grpc(_create_grpc(core, options, shutdown), shutdown))]
        if rest_socket is not None:
            serving.append(tasks.create_task(_serve_rest(create_app(context, core, options), rest_socket, context)))
        _log.info("gRPC on %s, REST %s", describe_places(flags), _rest_place(flags))
        manager.apply(options.models)
        watching = tasks.create_task(_watch(flags, manager))
        await asyncio.wait(serving)
        watching.cancel()
        manager.close()
    loader.close()
    runner.close()


def _reload_policy(options: ServerOptions) -> ReloadPolicy:
    return ReloadPolicy(options.flags.allow_reload_config_request, tuple(model.base_path for model in options.models))


def _create_runner(options: ServerOptions, monitoring: Monitoring) -> Runner:
    workers = Workers(os.cpu_count() or 1)
    if options.batching is None:
        return AloneRunner(workers, monitoring)
    return BatchingRunner(workers, Batcher(options.batching, monitoring), monitoring)


def _keepers(flags: Flags, loader: Loader) -> Callable[[Model, ModelConfig], Keeper]:
    retry = RetryRule(flags.max_num_load_retries, flags.load_retry_interval_micros / 1e6)
    pace = Pace(flags.file_system_poll_wait_seconds, retry)
    return lambda model, config: Keeper(model, config, loader, pace)


async def _watch(flags: Flags, manager: Manager) -> None:
    if flags.model_config_file is not None and flags.model_config_file_poll_wait_seconds:
        await watch_config_file(flags.model_config_file, flags.model_config_file_poll_wait_seconds, manager)


def _create_grpc(core: Core, options: ServerOptions, shutdown: ShutdownState) -> RegisteredMethodsServer:
    as_content = options.flags.enable_serialization_as_tensor_content
    calls = Calls()
    services = {
        PREDICTION_SERVICE: PredictionService(core, as_content).methods(calls),
        MODEL_SERVICE: ModelService(core).methods(calls),
    }
    if options.flags.enable_grpc_healthcheck_service:
        services[HEALTH_SERVICE] = HealthService(core.manager, shutdown).methods(calls)
    return create_grpc_server(options, services)


def _rest_place(flags: Flags) -> str:
    return f"on {host_and_port(flags.bind_address, flags.rest_api_port)}" if flags.rest_api_port else "off"


async def _serve_grpc(server: RegisteredMethodsServer, shutdown: ShutdownState) -> None:
    await server.start()
    while not shutdown.started_for(DRAIN_S):  # noqa: ASYNC110 - begun in a signal handler, which can't set an asyncio event
        await asyncio.sleep(0.1)
    await server.stop(STOP_TIMEOUT_S)
    _log.info("gRPC has stopped")


async def _serve_rest(app: FastAPI, rest_socket: socket.socket, context: ServiceContext) -> None:
    config = server_config(app, STOP_TIMEOUT_S, registry=context.registry)
    await DrainingServer(config, context.shutdown, DRAIN_S).serve([rest_socket])


def _configure_tensorflow(flags: Flags) -> None:
    """Set what can be set only before TensorFlow first computes. It computes on CPUs alone, as our images do."""
    for chatty in ("absl", "tensorflow"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    tf.config.set_visible_devices([], "GPU")
    both = flags.tensorflow_session_parallelism
    tf.config.threading.set_intra_op_parallelism_threads(flags.tensorflow_intra_op_parallelism or both)
    tf.config.threading.set_inter_op_parallelism_threads(flags.tensorflow_inter_op_parallelism or both)
