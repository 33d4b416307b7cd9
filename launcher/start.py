"""Looks whether everything can start, and starts it."""

import os
import signal
import sys
from pathlib import Path

from honcho.environ import parse_procfile

from launcher.camera import choose_camera
from launcher.environment import (
    CAMERAS_VARIABLE,
    load_system_settings,
    process_environment,
    require_known_variables,
)
from launcher.errors import PrerequisiteError
from launcher.manager import OrderlyManager
from launcher.model_config import write_model_config
from launcher.ports import require_ports
from launcher.private_folder import private_folder
from services.runtime.settings import SettingsError

ROOT = Path(__file__).parent.parent
MODEL_CONFIG = ROOT / ".cache" / "models.config"
_STOPPED_WHEN_ASKED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def start(asked_camera: str) -> int:
    """Run the system until it is told to stop or one of its processes ends; return the exit status.

    Args:
        asked_camera: The source of ``cam0``; empty for the cameras of the environment, else the webcam,
            else the demo feed.
    """
    if asked_camera or CAMERAS_VARIABLE not in os.environ:
        os.environ[CAMERAS_VARIABLE] = f"cam0={choose_camera(asked_camera)}"
    with private_folder() as folder:
        try:
            require_known_variables(os.environ)
            settings = load_system_settings()
            require_ports(settings.listeners)
            environment = process_environment(os.environ, settings, folder)
            environment["SERVING_MODEL_CONFIG"] = str(MODEL_CONFIG)
            write_model_config(ROOT / "model_repo", MODEL_CONFIG)
        except (PrerequisiteError, SettingsError) as error:
            print(error, file=sys.stderr)
            return 1
        print(f"cameras: {settings.cameras}", flush=True)
        return _run(environment)


def _run(environment: dict[str, str]) -> int:
    manager = OrderlyManager()
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        manager.add_process(name, command, env=environment, cwd=str(ROOT))
    manager.loop()
    status = manager.returncode or 0
    return 0 if status in _STOPPED_WHEN_ASKED else status
