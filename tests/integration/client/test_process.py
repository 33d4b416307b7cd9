"""Signals, pipes, terminals and imports of the command in its own process."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_client.cli.doctor.measure import measure_device
from emotion_client.cli.exit_codes import ExitCode
from tests.integration.client.conftest import Serve, ServeGateway
from tests.integration.client.feed import Connection, Ending, ScriptedFeed, results
from tests.support.client_command import EMOTION, emotion, environment
from tests.support.images import write_film

WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
sys.argv = ["emotion", *{arguments!r}]
from emotion_client.__main__ import main
main()
"""


def test_ctrl_c_exits_with_130(serve: Serve) -> None:
    url = serve(ScriptedFeed([Connection(results("1-0"), Ending.OPEN)]))
    with subprocess.Popen(
        [*EMOTION, "watch", "cam0", "--url", url], stdout=subprocess.PIPE, env=environment()
    ) as watch:
        assert watch.stdout is not None
        assert b'"1-0"' in watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        assert watch.stdout.read() == b""
    assert watch.returncode == ExitCode.INTERRUPTED


def test_closed_pipe_exits_without_a_message(gateway: ServeGateway, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.avi", 100)
    command = [*EMOTION, "predict", str(film), "--url", gateway()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as predict:
        assert predict.stdout is not None
        assert predict.stderr is not None
        assert b'"frame": 0' in predict.stdout.readline()
        predict.stdout.close()
        assert predict.stderr.read() == b""
    assert predict.returncode == ExitCode.BROKEN_PIPE


def test_terminal_shows_a_table_and_a_progress_bar(gateway: ServeGateway, tmp_path: Path) -> None:
    write_film(tmp_path / "film.avi", 8)
    (tmp_path / "face.jpg").write_bytes(b"jpeg")
    terminal, inside = pty.openpty()
    url = gateway()
    settings = environment(TERM="xterm", COLUMNS="160")
    with subprocess.Popen(
        [*EMOTION, "predict", str(tmp_path), "--url", url], stdin=inside, stdout=inside, stderr=inside, env=settings
    ) as predict:
        os.close(inside)
        shown = _all_of(terminal)
    assert predict.returncode == ExitCode.OK
    assert "happy       60%" in shown
    assert "/8" in shown, "a bar counts the film's frames"
    assert "/2" in shown, "another counts the inputs"


def _all_of(terminal: int) -> str:
    shown = b""
    try:
        while data := os.read(terminal, 65536):
            shown += data
    except OSError:  # so Linux tells that the other side is closed
        pass
    os.close(terminal)
    return shown.decode()


@pytest.mark.parametrize(
    ("missing", "arguments", "code", "message"),
    [
        (["typer"], [], 1, "pip install 'emotion-client[cli]'"),
        (["cv2"], ["predict", "film.avi"], 1, "pip install 'emotion-client[video]'"),
        (["websockets"], ["predict", "film.avi"], 1, "pip install 'emotion-client[video]'"),
    ],
)
def test_missing_package_is_named(
    missing: list[str], arguments: list[str], code: int, message: str, tmp_path: Path
) -> None:
    write_film(tmp_path / "film.avi", 1)
    program = WITHOUT.format(missing=missing, arguments=arguments)
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environment(), cwd=tmp_path, check=False
    )
    assert run.returncode == code
    assert message in run.stderr.decode()
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion(shell: str) -> None:
    words = {"_EMOTION_COMPLETE": f"complete_{shell}", "COMP_WORDS": "emotion wa", "COMP_CWORD": "1"}
    requested = {**words, "_TYPER_COMPLETE_ARGS": "emotion wa", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    run = subprocess.run([*EMOTION], capture_output=True, env=environment(**requested), check=False)
    assert b"watch" in run.stdout


def test_the_library_loads_neither_the_command_line_nor_numpy() -> None:
    program = (
        "import sys, emotion_client; print([n for n in ('typer', 'numpy', 'cv2', 'websockets') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment(), check=True)
    assert run.stdout == b"[]\n"


def test_camera_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    film = measure_device(str(write_film(tmp_path / "film.avi", 40)))
    assert (film.problem, film.width, film.height) == ("", 640, 360)
    assert film.fps > 0
    assert film.first_ms > 0
    assert measure_device("/dev/no-camera").problem == "it can't be opened"


def test_misspelt_command_has_a_suggestion() -> None:
    run = emotion("wacth")
    assert run.returncode == ExitCode.USAGE
    assert (run.stdout, b"watch" in run.stderr) == (b"", True)
