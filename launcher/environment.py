"""What the launcher tells the processes of the Procfile."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import PrerequisiteError
from launcher.model_server import serving_socket, serving_target
from launcher.ports import Listener, reachable
from launcher.redis_server import find_redis_server, redis_url, write_redis_config
from launcher.settings import LauncherSettings
from services.capture.settings import CaptureSettings
from services.detector.settings import DetectorSettings
from services.gateway.settings import GatewaySettings
from services.runtime.settings import ServiceSettings, load_settings

CAMERAS_VARIABLE = "EMOTION_CAPTURE_CAMERAS"
_PREFIXES = ("EMOTION_CAPTURE_", "EMOTION_DETECTOR_", "EMOTION_GATEWAY_", "EMOTION_LAUNCHER_", "EMOTION_COMPOSE_")
"""The last is read by the Compose files alone, and may stand in the same shell."""
_TIES = (
    "EMOTION_CAPTURE_REDIS_URL",
    "EMOTION_GATEWAY_REDIS_URL",
    "EMOTION_GATEWAY_SERVING_TARGET",
    "EMOTION_GATEWAY_DETECTOR_URL",
)
"""What ties the services together, which is the launcher's to set."""

_OF_MAKE = ("CAMERA", "REDIS_URL", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS")


@dataclass(frozen=True)
class SystemSettings:
    """The settings of all processes, as the environment gives them."""

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
        """The cameras' ids, and what is shown of their sources."""
        return ", ".join(str(camera) for camera in self.capture.cameras)

    @property
    def listeners(self) -> list[Listener]:
        """All processes with a port that others must know."""
        services = [
            Listener(f"the {name}", f"EMOTION_{name.upper()}_PORT", service.port, service.host)
            for name, service in self.services.items()
        ]
        own, grpc_port = "EMOTION_LAUNCHER_SERVING", self.launcher.serving_grpc_port
        grpc = [Listener("the model server's gRPC", f"{own}_GRPC_PORT", grpc_port)] if grpc_port else []
        rest = Listener("the model server's REST", f"{own}_REST_PORT", self.launcher.serving_rest_port)
        return [*services, *grpc, rest]


def load_system_settings() -> SystemSettings:
    """Read the settings of all processes, so that a mistake in any is told before anything starts.

    Raises:
        SettingsError: A variable can't be used.
    """
    return SystemSettings(
        load_settings(LauncherSettings),
        load_settings(GatewaySettings),
        load_settings(DetectorSettings),
        load_settings(CaptureSettings),
    )


def require_known_variables(inherited: Mapping[str, str]) -> None:
    """Make sure that nobody is misled by a variable that has no effect here.

    Raises:
        PrerequisiteError: One belongs to no process, or is one that the launcher sets itself.
    """
    for name in sorted(name for name in inherited if name.startswith("EMOTION_")):
        if name in _TIES:
            raise PrerequisiteError(f"{name} can't be set here: make run starts its own and sets it; unset it.")
        if not name.startswith(_PREFIXES):
            raise PrerequisiteError(f"{name}: no such setting; names begin with {', '.join(_PREFIXES)}.")


def process_environment(
    inherited: Mapping[str, str], settings: SystemSettings, folder: Path, redis_log: Path
) -> dict[str, str]:
    """Return the environment of all processes: the inherited one, and what ties the services together.

    Args:
        inherited: The launcher's own.
        settings: Of all processes.
        folder: Only this user may enter it; Redis and the model server listen here.
        redis_log: Where Redis writes its log.

    Raises:
        PrerequisiteError: There is no Redis.
    """
    own, detector = settings.launcher, settings.detector
    redis = redis_url(folder)
    ties = (
        redis,
        redis,
        serving_target(folder),
        f"http://{reachable(detector.host)}:{detector.port}",
    )
    quiet = {f"EMOTION_{name.upper()}_LOG_LEVEL": "WARNING" for name in settings.services}
    return {
        **quiet,
        # The launcher's own may name a camera with its password, and make's repeat its command line.
        **{name: value for name, value in inherited.items() if name not in ("EMOTION_LAUNCHER_CAMERA", *_OF_MAKE)},
        "PYTHON": sys.executable,
        "PYTHONUNBUFFERED": "1",
        "REDIS_SERVER": find_redis_server(),
        "REDIS_CONFIG": str(write_redis_config(folder, redis_log)),
        "SERVING_GRPC_PORT": str(own.serving_grpc_port),
        "SERVING_GRPC_SOCKET": str(serving_socket(folder)),
        "SERVING_REST_PORT": str(own.serving_rest_port),
        **dict(zip(_TIES, ties, strict=True)),
    }
