"""What the launcher tells the processes of the Procfile."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from launcher.ports import LOOPBACK, free_port, require_free
from launcher.redis_server import find_redis_server
from launcher.settings import LauncherSettings
from services.capture.settings import CaptureSettings
from services.detector.settings import DetectorSettings
from services.gateway.settings import GatewaySettings
from services.runtime.settings import ServiceSettings, load_settings

CAMERAS_VARIABLE = "EMOTION_CAPTURE_CAMERAS"


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
        """The cameras as people may see them, credentials cut out."""
        return ", ".join(f"{camera.camera}={camera.source.public_text}" for camera in self.capture.cameras)


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


def require_free_ports(settings: SystemSettings) -> None:
    """Make sure that every process can listen.

    Raises:
        PrerequisiteError: A port is taken.
    """
    for name, service in settings.services.items():
        require_free(service.port, f"the {name}", f"EMOTION_{name.upper()}_PORT", service.host)
    own = settings.launcher
    require_free(own.serving_grpc_port, "the model server", "EMOTION_LAUNCHER_SERVING_GRPC_PORT")
    require_free(own.serving_rest_port, "the model server", "EMOTION_LAUNCHER_SERVING_REST_PORT")


def process_environment(inherited: Mapping[str, str], settings: SystemSettings) -> dict[str, str]:
    """Return the environment of all processes: the inherited one, and what ties the services together.

    Raises:
        PrerequisiteError: There is no Redis.
    """
    own = settings.launcher
    redis_port = free_port()
    redis_url = f"redis://{LOOPBACK}:{redis_port}/0"
    quiet = {f"EMOTION_{name.upper()}_LOG_LEVEL": "WARNING" for name in settings.services}
    return {
        **quiet,
        **inherited,
        "PYTHON": sys.executable,
        "PYTHONUNBUFFERED": "1",
        "REDIS_SERVER": find_redis_server(),
        "REDIS_PORT": str(redis_port),
        "SERVING_GRPC_PORT": str(own.serving_grpc_port),
        "SERVING_REST_PORT": str(own.serving_rest_port),
        "EMOTION_CAPTURE_REDIS_URL": redis_url,
        "EMOTION_GATEWAY_REDIS_URL": redis_url,
        "EMOTION_GATEWAY_SERVING_TARGET": f"{LOOPBACK}:{own.serving_grpc_port}",
        "EMOTION_GATEWAY_DETECTOR_URL": f"http://{LOOPBACK}:{settings.detector.port}",
    }
