"""Checks the prerequisites, chooses the camera, and runs the processes of the Procfile."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from honcho.environ import parse_procfile

from launcher.environment import (
    CAMERAS_VARIABLE,
    load_system_settings,
    process_environment,
    require_known_variables,
)
from launcher.errors import PrerequisiteError
from launcher.model_server import write_model_config
from launcher.ports import require_ports
from launcher.private_folder import private_folder
from launcher.process_manager import OrderedManager
from launcher.redis_server import redis_from_wheel
from launcher.settings import LauncherSettings
from services.contracts.text import escape_controls
from services.runtime.settings import SettingsError, load_settings

DEMO = "demo"
WEBCAM = "0"
ROOT = Path(__file__).parent.parent
MODEL_CONFIG = ROOT / ".cache" / "models.config"
REDIS_LOG = ROOT / ".cache" / "redis.log"
_PROBE_TIMEOUT_S = 15
_STOPPED_BY_SIGNAL = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def start() -> int:
    """Run the system until it is stopped or one of its processes ends; return the exit status."""
    with private_folder() as folder:
        try:
            environment = _prepare(folder)
        except (PrerequisiteError, SettingsError) as error:
            for line in str(error).splitlines():
                print(escape_controls(line), file=sys.stderr)
            return 1
        return _run(environment)


def choose_camera(requested: str) -> str:
    """Return the source to use: the requested one, or else the first webcam, or else the demo feed.

    Args:
        requested: A source as capture parses it, or an empty string.
    """
    if requested:
        return requested
    if _webcam_delivers():
        return WEBCAM
    print("No webcam found: showing the demo feed. To choose a camera: make run CAMERA=0", flush=True)
    return DEMO


def _webcam_delivers() -> bool:
    """Probe the first webcam in a process of its own, since a driver may print, hang or crash."""
    if sys.platform.startswith("linux") and not any(Path("/dev").glob("video*")):
        return False
    probe = [sys.executable, "-m", "services.capture.probe", WEBCAM]
    try:
        return subprocess.run(probe, capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _prepare(folder: Path) -> dict[str, str]:
    """Check the prerequisites, print the cameras, and return the environment of the processes.

    Raises:
        PrerequisiteError: A program is missing, a port is in use, or a variable is invalid.
        SettingsError: A setting is invalid.
    """
    require_known_variables(os.environ)
    requested = load_settings(LauncherSettings).camera.get_secret_value()
    if requested or CAMERAS_VARIABLE not in os.environ:
        os.environ[CAMERAS_VARIABLE] = f"cam0={choose_camera(requested)}"
    settings = load_system_settings()
    require_ports(settings.listeners)
    environment = process_environment(os.environ, settings, folder, REDIS_LOG)
    environment["SERVING_MODEL_CONFIG"] = str(MODEL_CONFIG)
    write_model_config(ROOT / "model_repo", MODEL_CONFIG)
    if environment["REDIS_SERVER"] == redis_from_wheel():
        print(
            "warning: this Redis receives no security updates; install redis-server or valkey, or run make setup",
            flush=True,
        )
    print(escape_controls(f"cameras: {settings.cameras}"), flush=True)
    return environment


def _run(environment: dict[str, str]) -> int:
    manager = OrderedManager()
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        manager.add_process(name, command, env=environment, cwd=str(ROOT))
    manager.loop()
    status = manager.returncode or 0
    return 0 if status in _STOPPED_BY_SIGNAL else status
