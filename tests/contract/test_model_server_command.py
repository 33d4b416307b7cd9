"""Compose and the launcher start the model server with the same, valid flags and files."""

import re
import shlex
from pathlib import Path

from services.contracts.model import MODEL_NAME
from services.serving.batching_config import read_batching_config
from services.serving.flags import Flags, parse_flags
from services.serving.model_config import read_model_configs
from services.serving.monitoring_config import read_monitoring_path
from services.serving.server_options import parse_channel_arguments
from tests.support.processes import ROOT

MODELS = ROOT / "model_repo"
OWN_TO_COMPOSE = {
    "enable_profiler",
    "rest_api_num_threads",
    "grpc_max_threads",
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
}
"""Our model server has no profiler; its threads are limited like the container's cores."""
OWN_TO_EACH = {
    "port",
    "rest_api_port",
    "model_config_file",
    "monitoring_config_file",
    "grpc_channel_arguments",
    "grpc_socket_path",
}


def composed() -> Flags:
    written = re.findall(r"^      - (--\S+)", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE)
    return parse_flags(written)


def run() -> Flags:
    (line,) = re.findall(r"^serving: exec (.*)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    line = line.replace("$SERVING_GRPC_PORT", "8500").replace("$SERVING_REST_PORT", "8501")
    _, dash_m, module, *arguments = shlex.split(line)
    assert (dash_m, module) == ("-m", "services.serving")
    return parse_flags(arguments)


def test_compose_mounts_the_files_of_its_flags() -> None:
    flags = composed()
    for named in (flags.model_config_file, flags.monitoring_config_file):
        assert named is not None
        assert (MODELS / named.relative_to("/models")).is_file()


def test_flags_are_the_same() -> None:
    by_compose, by_procfile = vars(composed()), vars(run())
    different = {name for name, value in by_compose.items() if value != by_procfile[name]}
    assert different <= OWN_TO_COMPOSE | OWN_TO_EACH


def test_files_are_readable() -> None:
    (model,) = read_model_configs(MODELS / "models.config")
    assert (model.name, model.base_path) == (MODEL_NAME, Path("/models/emotion"))
    assert read_monitoring_path(MODELS / "monitoring.config") == "/monitoring/prometheus/metrics"
    assert read_batching_config(MODELS / "batching.config").timeout_s == 0


def test_connection_age_is_limited_for_new_replicas() -> None:
    arguments = dict(parse_channel_arguments(composed().grpc_channel_arguments))
    assert 0 < int(arguments["grpc.max_connection_age_ms"]) <= 60_000
