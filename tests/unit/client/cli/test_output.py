import csv
import io
import json

import pytest

from emotion_client.cli.output import COLUMNS, Analysed, Format, cameras_text, make_writer
from services.contracts.cameras import CameraView
from services.contracts.emotions import EMOTIONS
from tests.support.gateway_responses import face, prediction

IMAGE = Analysed("face.jpg", prediction(face(), face(reliable=False)))
FRAME = Analysed("film.mp4", prediction(), frame=30, time_s=1.2)
CAMERA = CameraView("cam0", "online", "demo", 29.9, 1280, 720, None, 100, 2, 1, "")


def written(format_: Format, *all_analysed: Analysed) -> str:
    text: list[str] = []
    writer = make_writer(format_, text.append, place_width=15)
    for analysed in all_analysed:
        writer(analysed)
    return "".join(text)


def test_json_lines_are_the_gateways_answers_with_their_place() -> None:
    image, frame = (json.loads(line) for line in written(Format.JSONL, IMAGE, FRAME).splitlines())
    assert image == {
        "file": "face.jpg",
        "frame": None,
        "time_s": None,
        **json.loads(json.dumps(IMAGE.prediction.encode())),
    }
    assert (frame["frame"], frame["time_s"], frame["emotion"]) == (30, 1.2, None)


def test_csv_has_a_row_for_each_face_and_one_where_there_is_none() -> None:
    first, second, none = csv.DictReader(io.StringIO(written(Format.CSV, IMAGE, FRAME)))
    assert (first["file"], first["face"], first["emotion"], first["reliable"]) == ("face.jpg", "0", "happy", "true")
    assert (second["face"], second["reliable"], second["w"], second["h"]) == ("1", "false", "100", "120")
    assert [float(first[emotion]) for emotion in EMOTIONS] == [0.05, 0.05, 0.05, 0.6, 0.05, 0.1, 0.1]
    assert (first["model_version"], none["frame"], none["time_s"]) == ("3", "30", "1.2")
    assert {none[column] for column in COLUMNS[3:]} == {""}


def test_a_name_with_a_comma_and_a_line_break_stays_one_cell_in_one_line() -> None:
    (row,) = csv.DictReader(io.StringIO(written(Format.CSV, Analysed('a,"b"\n.jpg', prediction()))))
    assert row["file"] == r'a,"b"\n.jpg'


def test_the_table_is_aligned_and_doubts_what_is_not_reliable() -> None:
    lines = written(Format.TABLE, IMAGE, FRAME).splitlines()
    assert lines == [
        "face.jpg         happy       60%  100×120 at 10,20",
        "face.jpg         happy?      60%  100×120 at 10,20",
        "film.mp4 1.20 s  no face",
    ]


@pytest.mark.parametrize("format_", [Format.JSONL, Format.CSV])
def test_cameras_are_written_whole(format_: Format) -> None:
    text = cameras_text([CAMERA, CAMERA], format_)
    rows = (
        [json.loads(line) for line in text.splitlines()]
        if format_ is Format.JSONL
        else [*csv.DictReader(io.StringIO(text))]
    )
    assert [str(row["id"]) + str(row["width"]) for row in rows] == ["cam01280", "cam01280"]
