import csv
import io
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from emotion_client.cli.app import app
from emotion_client.cli.exit_codes import ExitCode
from services.contracts.problems import ProblemKind, ServiceError
from tests.integration.client.conftest import Serve, ServeGateway
from tests.integration.client.feed import RETRY_AT_ONCE, Connection, Ending, ScriptedFeed, results, status
from tests.support.gateway_fakes import FakeDetector, FakeFrames, FakeServices
from tests.support.images import write_film

Emotion = Callable[..., Result]


@pytest.fixture
def emotion(monkeypatch: pytest.MonkeyPatch) -> Emotion:
    """Runs the command in this process."""
    monkeypatch.delenv("EMOTION_URL", raising=False)
    monkeypatch.delenv("EMOTION_API_KEY", raising=False)
    return lambda *arguments, **options: CliRunner().invoke(app, [str(word) for word in arguments], **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, a film of 12 frames, and files that are ignored."""
    (tmp_path / "below").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b.JPG", "below/a.png", ".hidden/c.jpg", ".d.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    write_film(tmp_path / "film.avi", 12)
    return tmp_path


def lines(run: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_folder_stands_for_its_images_and_videos(gateway: ServeGateway, emotion: Emotion, folder: Path) -> None:
    services = FakeServices()
    run = emotion("predict", folder, "--url", gateway(services))
    assert run.exit_code == ExitCode.OK, run.stderr
    seen = [(Path(line["file"]).relative_to(folder).as_posix(), line["frame"]) for line in lines(run)]
    assert seen == [("b.JPG", None), *(("film.avi", index) for index in range(12)), ("below/a.png", None)]
    assert {line["emotion"] for line in lines(run)} == {"happy"}
    assert services.detector.images[0] == b"b.JPG"
    assert services.detector.images[1].startswith(b"\xff\xd8")
    assert run.stderr == "emotion: 3 inputs: 3 analysed, 0 failed; 14 images; 14 faces: happy 14\n"


def test_fps_selects_frames_of_a_video(gateway: ServeGateway, emotion: Emotion, folder: Path) -> None:
    run = emotion("predict", folder / "film.avi", "--fps", 10, "--url", gateway())
    assert [(line["frame"], line["time_s"]) for line in lines(run)] == [
        (0, 0.0),
        (3, 0.12),
        (5, 0.2),
        (8, 0.32),
        (10, 0.4),
    ]


def test_output_name_selects_csv(gateway: ServeGateway, emotion: Emotion, folder: Path) -> None:
    output = folder / "seen.csv"
    run = emotion("predict", folder / "b.JPG", "--output", output, "--url", gateway())
    assert (run.exit_code, run.stdout) == (ExitCode.OK, "")
    (row,) = csv.DictReader(io.StringIO(output.read_text()))
    assert (row["emotion"], row["w"]) == ("happy", "100")


def test_standard_input(gateway: ServeGateway, emotion: Emotion) -> None:
    services = FakeServices()
    run = emotion("predict", "-", "--format", "table", "--url", gateway(services), input=b"jpeg")
    assert run.stdout == "-  happy       60%  100×100 at 10,20\n"
    assert services.detector.images == [b"jpeg"]


def test_failing_inputs_are_named_and_the_others_analysed(
    gateway: ServeGateway, emotion: Emotion, folder: Path
) -> None:
    (folder / "empty").mkdir()
    (folder / "empty.jpg").touch()
    (folder / "broken.mp4").write_bytes(b"no film")
    names = ["gone.jpg", "empty", "empty.jpg", "broken.mp4", "b.JPG"]
    run = emotion("predict", *(folder / name for name in names), "--url", gateway())
    assert run.exit_code == ExitCode.FAILED
    assert [line["file"] for line in lines(run)] == [str(folder / "b.JPG")]
    *failures, summary = [line for line in run.stderr.splitlines() if line.startswith("emotion: ")]
    assert summary == "emotion: 5 inputs: 1 analysed, 4 failed; 1 face: happy 1"
    assert [line.rpartition(": ")[2] for line in failures] == [
        "no such file or folder",
        "no images or videos in this folder",
        "The image is empty",
        "not a video that can be decoded",
    ]


def test_unwritable_output(gateway: ServeGateway, emotion: Emotion, folder: Path) -> None:
    run = emotion("predict", folder, "--output", folder / "no" / "where.csv", "--url", gateway())
    assert run.exit_code == ExitCode.FAILED
    assert "where.csv: No such file or directory" in run.stderr


def test_unavailable_service(gateway: ServeGateway, emotion: Emotion, folder: Path) -> None:
    gone = ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, "The detector is gone", retry_after_s=0)
    run = emotion("predict", folder, "--url", gateway(FakeServices(detector=FakeDetector(error=gone))))
    assert (run.exit_code, run.stderr) == (ExitCode.UNREACHABLE, "emotion: The detector is gone\n")


@pytest.mark.parametrize(
    "command", [["predict", "-"], ["watch", "cam0"], ["watch"], ["cameras"], ["doctor", "--no-measure"]]
)
def test_unreachable_gateway(emotion: Emotion, command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    run = emotion(*command, "--url", url, input=b"jpeg")
    assert run.exit_code == ExitCode.UNREACHABLE
    assert url in run.output


def test_key_and_url_from_the_environment(gateway: ServeGateway, emotion: Emotion) -> None:
    url = gateway(api_keys="secret")
    refused = emotion("cameras", "--url", url)
    assert refused.exit_code == ExitCode.REFUSED
    assert "--api-key or EMOTION_API_KEY" in refused.stderr
    assert "secret" not in refused.output
    assert emotion("cameras", "--url", url, "--api-key", "secret").exit_code == ExitCode.OK
    assert emotion("cameras", env={"EMOTION_URL": url, "EMOTION_API_KEY": "secret"}).exit_code == ExitCode.OK


@pytest.mark.parametrize(
    "command",
    [
        ["predict"],
        ["predict", "a.jpg", "--url", "gateway"],
        ["predict", "a.jpg", "--format", "xml"],
        ["watch", "cam0", "--fps", "0"],
        ["watch", "cam0", "--format", "csv"],
        ["doctor", "--format", "csv"],
        ["look"],
    ],
)
def test_wrong_usage(emotion: Emotion, command: list[str]) -> None:
    run = emotion(*command)
    assert (run.exit_code, run.stdout) == (ExitCode.USAGE, "")
    assert run.stderr


@pytest.mark.parametrize("command", ["predict", "watch", "cameras", "doctor"])
def test_every_command_has_examples(emotion: Emotion, command: str) -> None:
    run = emotion(command, "--help")
    assert run.exit_code == ExitCode.OK
    assert f"emotion {command}" in run.stdout.partition("Examples:")[2]


def test_cameras(gateway: ServeGateway, emotion: Emotion) -> None:
    url = gateway()
    (camera,) = lines(emotion("cameras", "--url", url))
    assert (camera["id"], camera["state"]) == ("cam0", "online")
    assert "1280×720" in emotion("cameras", "--format", "table", "--url", url).stdout
    nothing = emotion("cameras", "--format", "table", "--url", gateway(FakeServices(frames=FakeFrames())))
    assert "emotion doctor" in nothing.stdout


def test_doctor_of_a_healthy_and_a_degraded_gateway(gateway: ServeGateway, emotion: Emotion) -> None:
    well = emotion("doctor", "--no-measure", "--url", gateway())
    assert "gateway's" not in well.stdout
    levels = {line["subject"]: line["level"] for line in lines(well)}
    assert [levels[name] for name in ("redis", "detector", "model", "camera cam0")] == ["ok"] * 4
    sick = FakeServices(detector=FakeDetector(error=ConnectionError("the detector is gone")))
    run = emotion("doctor", "--no-measure", "--format", "table", "--url", gateway(sick))
    assert run.exit_code == ExitCode.FAILED
    assert "✗ detector: the detector is gone" in run.stdout
    assert "    docker compose up --detach --wait detector" in run.stdout


def test_watch_in_a_pipe(serve: Serve, emotion: Emotion) -> None:
    feed = ScriptedFeed(
        [Connection(RETRY_AT_ONCE + status("problem") + results("1-0", "2-0")), Connection(results("3-0"), Ending.OPEN)]
    )
    run = emotion("watch", "cam0", "--count", 3, "--fps", 5, "--url", serve(feed))
    assert run.exit_code == ExitCode.OK, run.stderr
    assert [line["source"]["frame_id"] for line in lines(run)] == ["1-0", "2-0", "3-0"]
    assert run.stderr.splitlines() == ["emotion: cam0: problem", "emotion: cam0: lost: the gateway closed the feed"]
    assert feed.fps == ["5", "5"]


def test_watch_in_a_terminal(serve: Serve, emotion: Emotion) -> None:
    url = serve(ScriptedFeed([Connection(results("1-0", "2-0"), Ending.OPEN)]))
    run = emotion("watch", "cam0", "--count", 2, "--format", "table", "--url", url)
    assert run.exit_code == ExitCode.OK, run.stderr
    assert "face a1" in run.stdout


@pytest.mark.parametrize(
    ("cameras", "code", "message"),
    [((), ExitCode.UNREACHABLE, "has no camera"), (("cam0", "door"), ExitCode.USAGE, "name one of: cam0, door")],
)
def test_watch_without_a_camera(
    gateway: ServeGateway, emotion: Emotion, cameras: tuple[str, ...], code: ExitCode, message: str
) -> None:
    frames = FakeFrames({name: FakeFrames.with_camera(name).cameras[name] for name in cameras})
    run = emotion("watch", "--url", gateway(FakeServices(frames=frames)))
    assert run.exit_code == code
    assert message in run.stderr
