"""``python -m launcher``: what ``make run`` starts."""

import argparse
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
    require_free_ports,
)
from launcher.errors import PrerequisiteError
from launcher.manager import StartedManager
from services.runtime.settings import SettingsError

ROOT = Path(__file__).parent.parent
_STOPPED_WHEN_ASKED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def main() -> None:
    """Start everything, and stop everything on Ctrl-C, SIGTERM or when one process ends."""
    leave_quietly_when_stopped()
    parser = argparse.ArgumentParser(prog="python -m launcher", description=__doc__)
    parser.add_argument("--camera", default="", help="webcam number, device, URL, file or demo")
    asked = parser.parse_args().camera
    if asked or CAMERAS_VARIABLE not in os.environ:
        os.environ[CAMERAS_VARIABLE] = f"cam0={choose_camera(asked)}"
    try:
        settings = load_system_settings()
        require_free_ports(settings)
        environment = process_environment(os.environ, settings)
    except (PrerequisiteError, SettingsError) as error:
        sys.exit(str(error))
    print(f"cameras: {settings.cameras}", flush=True)
    sys.exit(run(environment))


def leave_quietly_when_stopped() -> None:
    """Until the processes run, a signal just ends this one; from then on honcho handles them."""
    for stop in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(stop, lambda *_: sys.exit(0))


def run(environment: dict[str, str]) -> int:
    """Run the Procfile until it ends, and return the exit status."""
    manager = StartedManager()
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        manager.add_process(name, command, env=environment, cwd=str(ROOT))
    manager.loop()
    status = manager.returncode or 0
    return 0 if status in _STOPPED_WHEN_ASKED else status


if __name__ == "__main__":
    main()
