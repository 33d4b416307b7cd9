"""Runs both interfaces and the loader on one event loop, and stops them without losing calls."""

import asyncio
import logging
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import tensorflow as tf
import uvicorn
from fastapi import FastAPI

from services.runtime.app import Plumbing
from services.runtime.http_protocol import ProblemHttpProtocol
from services.runtime.server import DrainingServer
from services.runtime.stopping import Stopping
from services.serving.app import create_app
from services.serving.flags import Flags
from services.serving.grpc_api import ModelService, PredictionService, create_grpc_server
from services.serving.loader import Loader
from services.serving.metrics import CallMetrics
from services.serving.model import Model
from services.serving.ports import host_and_port
from services.serving.workers import Workers

DRAIN_S = 0.2
"""From the signal to the end of new calls: readiness is down already, and callers look elsewhere."""
STOP_TIMEOUT_S = 10
"""How long calls in flight may take to finish after that."""

_log = logging.getLogger(__name__)


def run(flags: Flags, rest_socket: socket.socket | None, stopping: Stopping) -> None:
    """Serve until ``stopping`` begins, and return once calls in flight are finished.

    Args:
        flags: The command line.
        rest_socket: Where REST listens; None for no REST.
        stopping: Begun by a signal.

    Raises:
        PortError: The port of gRPC was taken in the meantime.
    """
    _configure_tensorflow(flags)
    asyncio.run(_serve(flags, rest_socket, Plumbing(stopping=stopping)))


async def _serve(flags: Flags, rest_socket: socket.socket | None, plumbing: Plumbing) -> None:
    model, workers, metrics = Model(flags.model_name), Workers(os.cpu_count() or 1), CallMetrics(plumbing.registry)
    services = PredictionService(model, workers, metrics), ModelService(model, metrics)
    grpc_server = create_grpc_server(flags.bind_address, flags.port, *services)
    loader = Loader(model, flags.model_base_path, ThreadPoolExecutor(1, "load"))
    async with asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(loader.load_first())
        serving = [tasks.create_task(_serve_grpc(grpc_server, plumbing.stopping))]
        if rest_socket is not None:
            app = create_app(plumbing, model, workers, metrics)
            serving.append(tasks.create_task(_serve_rest(app, rest_socket, plumbing.stopping)))
        _log.info("gRPC on %s, REST %s", host_and_port(flags.bind_address, flags.port), _rest_place(flags))
        await asyncio.wait(serving)
        loading.cancel()
    workers.close()
    _log.info("stopped")


def _rest_place(flags: Flags) -> str:
    return f"on {host_and_port(flags.bind_address, flags.rest_api_port)}" if flags.rest_api_port else "off"


async def _serve_grpc(server: grpc.aio.Server, stopping: Stopping) -> None:
    await server.start()
    while not stopping.begun_for(DRAIN_S):  # noqa: ASYNC110 - begun in a signal handler, which can't set an asyncio event
        await asyncio.sleep(0.1)
    await server.stop(STOP_TIMEOUT_S)


async def _serve_rest(app: FastAPI, rest_socket: socket.socket, stopping: Stopping) -> None:
    config = uvicorn.Config(
        app,
        http=ProblemHttpProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
    )
    await DrainingServer(config, stopping, DRAIN_S).serve([rest_socket])


def _configure_tensorflow(flags: Flags) -> None:
    """Set what can be set only before TensorFlow first computes. It computes on CPUs alone, as our images do."""
    for chatty in ("absl", "tensorflow"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(flags.tensorflow_intra_op_parallelism)
    tf.config.threading.set_inter_op_parallelism_threads(flags.tensorflow_inter_op_parallelism)
