import csv
import io
import json
from dataclasses import asdict

import pytest

from emotion_client.cli.output import COLUMNS, Format, FrameResult, cameras_text, make_writer
from services.contracts.cameras import CameraView
from services.contracts.emotions import EMOTIONS
from tests.support.gateway_responses import BEGAN, face, prediction

IMAGE = FrameResult("face.jpg", prediction(face(), face(reliable=False)))
FRAME = FrameResult("film.mp4", prediction(), frame=30, time_s=1.2, events=(BEGAN,))
TRACKED = FrameResult("film.mp4", prediction(face(face_id="a1")), frame=31, time_s=1.24, events=())
CAMERA = CameraView("cam0", "online", "demo", 29.9, 1280, 720, None, 100, 2, 1, "")


def written(format_: Format, *results: FrameResult) -> str:
    text: list[str] = []
    writer = make_writer(format_, text.append, label_width=15)
    for result in results:
        writer(result)
    return "".join(text)


def test_json_lines_are_the_gateways_responses_with_their_file() -> None:
    image, frame = (json.loads(line) for line in written(Format.JSONL, IMAGE, FRAME).splitlines())
    assert image == {
        "file": "face.jpg",
        "frame": None,
        "time_s": None,
        **json.loads(IMAGE.prediction.to_json()),
    }
    assert (frame["frame"], frame["time_s"], frame["emotion"]) == (30, 1.2, None)
    assert frame["events"] == [asdict(BEGAN)]


def test_csv_has_the_face_id_of_a_video() -> None:
    image, _, tracked = csv.DictReader(io.StringIO(written(Format.CSV, IMAGE, TRACKED)))
    assert (image["face_id"], tracked["face_id"]) == ("", "a1")


def test_csv_has_a_row_for_each_face_and_one_without_a_face() -> None:
    first, second, none = csv.DictReader(io.StringIO(written(Format.CSV, IMAGE, FRAME)))
    assert (first["file"], first["face"], first["emotion"], first["reliable"]) == ("face.jpg", "0", "happy", "true")
    assert (second["face"], second["reliable"], second["w"], second["h"]) == ("1", "false", "100", "120")
    assert [float(first[emotion]) for emotion in EMOTIONS] == [0.05, 0.05, 0.05, 0.6, 0.05, 0.1, 0.1]
    assert (first["model_version"], none["frame"], none["time_s"]) == ("3", "30", "1.2")
    assert {none[column] for column in COLUMNS[3:]} == {""}


def test_file_name_with_comma_and_line_break_is_one_cell() -> None:
    (row,) = csv.DictReader(io.StringIO(written(Format.CSV, FrameResult('a,"b"\n.jpg', prediction()))))
    assert row["file"] == r'a,"b"\n.jpg'


def test_table_is_aligned_and_marks_unreliable_emotions() -> None:
    lines = written(Format.TABLE, IMAGE, FRAME).splitlines()
    assert lines == [
        "face.jpg         happy       60%  100×120 at 10,20",
        "face.jpg         happy?      60%  100×120 at 10,20",
        "film.mp4 1.20 s  no face",
    ]


@pytest.mark.parametrize("format_", [Format.JSONL, Format.CSV])
def test_cameras_are_written_with_all_fields(format_: Format) -> None:
    text = cameras_text([CAMERA, CAMERA], format_)
    rows = (
        [json.loads(line) for line in text.splitlines()]
        if format_ is Format.JSONL
        else [*csv.DictReader(io.StringIO(text))]
    )
    assert [str(row["id"]) + str(row["width"]) for row in rows] == ["cam01280", "cam01280"]
