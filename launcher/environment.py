"""Loads the settings of all processes, and builds the environment of the processes in the Procfile."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import PrerequisiteError
from launcher.model_server import serving_socket, serving_target
from launcher.ports import Listener, local_address
from launcher.redis_server import find_redis_server, redis_url, write_redis_config
from launcher.settings import LauncherSettings
from services.capture.settings import CaptureSettings
from services.detector.settings import DetectorSettings
from services.gateway.settings import GatewaySettings
from services.runtime.settings import ServiceSettings, load_settings

CAMERAS_VARIABLE = "EMOTION_CAPTURE_CAMERAS"
_PREFIXES = ("EMOTION_CAPTURE_", "EMOTION_DETECTOR_", "EMOTION_GATEWAY_", "EMOTION_LAUNCHER_", "EMOTION_COMPOSE_")
"""Only the Compose files read the last one; it may be set in the same shell."""
_CONNECTION_VARIABLES = (
    "EMOTION_CAPTURE_REDIS_URL",
    "EMOTION_GATEWAY_REDIS_URL",
    "EMOTION_GATEWAY_SERVING_TARGET",
    "EMOTION_GATEWAY_DETECTOR_URL",
)
"""The addresses that the services use for each other; the launcher sets them."""

_WITHHELD_VARIABLES = ("EMOTION_LAUNCHER_CAMERA", "CAMERA", "REDIS_URL", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")
"""These may contain a camera's password: make's variables repeat its command line."""


@dataclass(frozen=True)
class SystemSettings:
    """The settings of all processes, from the environment."""

    launcher: LauncherSettings
    gateway: GatewaySettings
    detector: DetectorSettings
    capture: CaptureSettings

    @property
    def services(self) -> Mapping[str, ServiceSettings]:
        """The services' settings, by the name in their variables."""
        return {"gateway": self.gateway, "detector": self.detector, "capture": self.capture}

    @property
    def cameras(self) -> str:
        """The cameras' ids and redacted sources."""
        return ", ".join(str(camera) for camera in self.capture.cameras)

    @property
    def listeners(self) -> list[Listener]:
        """All listeners with a fixed port."""
        services = [
            Listener(f"the {name}", f"EMOTION_{name.upper()}_PORT", service.port, service.host)
            for name, service in self.services.items()
        ]
        prefix, grpc_port = "EMOTION_LAUNCHER_SERVING", self.launcher.serving_grpc_port
        grpc = [Listener("the model server's gRPC API", f"{prefix}_GRPC_PORT", grpc_port)] if grpc_port else []
        rest = Listener("the model server's REST API", f"{prefix}_REST_PORT", self.launcher.serving_rest_port)
        return [*services, *grpc, rest]


def load_system_settings() -> SystemSettings:
    """Load the settings of all processes, so that invalid ones are reported before a process starts.

    Raises:
        SettingsError: A setting is invalid.
    """
    return SystemSettings(
        load_settings(LauncherSettings),
        load_settings(GatewaySettings),
        load_settings(DetectorSettings),
        load_settings(CaptureSettings),
    )


def require_known_variables(inherited: Mapping[str, str]) -> None:
    """Reject variables that have no effect.

    Raises:
        PrerequisiteError: A variable belongs to no process, or the launcher sets it.
    """
    for name in sorted(name for name in inherited if name.startswith("EMOTION_")):
        if name in _CONNECTION_VARIABLES:
            raise PrerequisiteError(f"{name} can't be used with make run, which sets it itself; unset it.")
        if not name.startswith(_PREFIXES):
            raise PrerequisiteError(f"{name}: unknown setting; names start with {', '.join(_PREFIXES)}.")


def process_environment(
    inherited: Mapping[str, str], settings: SystemSettings, folder: Path, redis_log: Path
) -> dict[str, str]:
    """Return the environment of all processes: the inherited variables, and the addresses of the services.

    Args:
        inherited: The launcher's environment.
        settings: The settings of all processes.
        folder: A folder that only this user may enter, for the sockets of Redis and the model server.
        redis_log: File for Redis's log.

    Raises:
        PrerequisiteError: Redis was not found.
    """
    launcher, detector = settings.launcher, settings.detector
    log_levels = {f"EMOTION_{name.upper()}_LOG_LEVEL": "WARNING" for name in settings.services}
    return {
        **log_levels,
        **{name: value for name, value in inherited.items() if name not in _WITHHELD_VARIABLES},
        "PYTHON": sys.executable,
        "PYTHONUNBUFFERED": "1",
        "REDIS_SERVER": find_redis_server(),
        "REDIS_CONFIG": str(write_redis_config(folder, redis_log)),
        "SERVING_GRPC_PORT": str(launcher.serving_grpc_port),
        "SERVING_GRPC_SOCKET": str(serving_socket(folder)),
        "SERVING_REST_PORT": str(launcher.serving_rest_port),
        "EMOTION_CAPTURE_REDIS_URL": redis_url(folder),
        "EMOTION_GATEWAY_REDIS_URL": redis_url(folder),
        "EMOTION_GATEWAY_SERVING_TARGET": serving_target(folder),
        "EMOTION_GATEWAY_DETECTOR_URL": f"http://{local_address(detector.host)}:{detector.port}",
    }
