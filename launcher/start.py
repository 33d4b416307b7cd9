"""Looks whether everything can start, and starts it."""

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
from launcher.process_manager import OrderlyManager
from launcher.redis_server import redis_from_wheel
from launcher.settings import LauncherSettings
from services.contracts.text import printable
from services.runtime.settings import SettingsError, load_settings

DEMO = "demo"
WEBCAM = "0"
_PROBE_TIMEOUT_S = 15


def choose_camera(asked: str) -> str:
    """Return a source as capture understands it.

    Args:
        asked: What the user named; empty for no wish.
    """
    if asked:
        return asked
    return WEBCAM if _webcam_delivers() else DEMO


def _webcam_delivers() -> bool:
    """Try the first webcam in a process of its own, which may print, hang or crash as it likes."""
    if sys.platform.startswith("linux") and not any(Path("/dev").glob("video*")):
        return False
    probe = [sys.executable, "-m", "services.capture.probe", WEBCAM]
    try:
        return subprocess.run(probe, capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


ROOT = Path(__file__).parent.parent
MODEL_CONFIG = ROOT / ".cache" / "models.config"
REDIS_LOG = ROOT / ".cache" / "redis.log"
_STOPPED_WHEN_ASKED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def start() -> int:
    """Run the system until it is told to stop or one of its processes ends; return the exit status."""
    with private_folder() as folder:
        try:
            environment = _prepare(folder)
        except (PrerequisiteError, SettingsError) as error:
            for line in str(error).splitlines():
                print(printable(line), file=sys.stderr)
            return 1
        return _run(environment)


def _prepare(folder: Path) -> dict[str, str]:
    """Look whether everything can start, say which cameras there are, and return the processes' environment.

    Raises:
        PrerequisiteError: Something is missing or taken.
        SettingsError: A variable can't be used.
    """
    require_known_variables(os.environ)
    asked = load_settings(LauncherSettings).camera.get_secret_value()
    if asked or CAMERAS_VARIABLE not in os.environ:
        os.environ[CAMERAS_VARIABLE] = f"cam0={choose_camera(asked)}"
    settings = load_system_settings()
    require_ports(settings.listeners)
    environment = process_environment(os.environ, settings, folder, REDIS_LOG)
    environment["SERVING_MODEL_CONFIG"] = str(MODEL_CONFIG)
    write_model_config(ROOT / "model_repo", MODEL_CONFIG)
    if environment["REDIS_SERVER"] == redis_from_wheel():
        print("warning: this Redis gets no more fixes: install redis-server or valkey, or run make setup", flush=True)
    print(printable(f"cameras: {settings.cameras}"), flush=True)
    return environment


def _run(environment: dict[str, str]) -> int:
    manager = OrderlyManager()
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        manager.add_process(name, command, env=environment, cwd=str(ROOT))
    manager.loop()
    status = manager.returncode or 0
    return 0 if status in _STOPPED_WHEN_ASKED else status
