from argparse import ArgumentParser
from typing import Literal

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from docgen.tables import compose_table, default_text, flags_table, passed_through, settings_table, value_text


class Lamp(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="EMOTION_LAMP_")

    colour: Literal["red", "amber", "green"] = Field("red", description="What it shows | and says.")
    bulbs: int = Field(ge=1, le=64)
    warm_up_s: float = Field(2.50, gt=0, le=300)
    side_px: int = Field(48, ge=20)
    ratio: float = Field(1.1, gt=1, lt=2)
    blinks: bool = True
    key: SecretStr = SecretStr("k")
    rooms: tuple[str, ...] = ("hall", "attic")
    name: str = ""


@pytest.mark.parametrize(
    ("name", "value", "default"),
    [
        ("colour", "`red`, `amber` or `green`", "red"),
        ("bulbs", "whole number, 1 to 64", ""),
        ("warm_up_s", "seconds, above 0, at most 300", "2.5"),
        ("side_px", "whole number of pixels, 20 or more", "48"),
        ("ratio", "number, above 1, below 2", "1.1"),
        ("blinks", "`true` or `false`", "true"),
        ("key", "text, not logged", "k"),
        ("rooms", "comma-separated list", "hall,attic"),
        ("name", "text", ""),
    ],
)
def test_values_and_defaults(name: str, value: str, default: str) -> None:
    field = Lamp.model_fields[name]
    assert (value_text(name, field), default_text(field)) == (value, default)


def test_table_has_a_row_for_each_variable() -> None:
    heads, rule, first, second, *others = settings_table(Lamp).splitlines()
    assert heads == "| variable | value | default | meaning |"
    assert rule == "|---|---|---|---|"
    assert first == r"| `EMOTION_LAMP_COLOUR` | `red`, `amber` or `green` | `red` | What it shows \| and says. |"
    assert second == "| `EMOTION_LAMP_BULBS` | whole number, 1 to 64 | – | – |"
    assert len(others) == len(Lamp.model_fields) - 2


EXAMPLE = """\
# About the file, not about a variable.

# compose.lamp.yml

# Most lamps
# at the same time.
#EMOTION_COMPOSE_LAMPS=2
#EMOTION_COMPOSE_SPARE_LAMPS=1
# Required.
#EMOTION_COMPOSE_FUSE=

#EMOTION_LAMP_COLOUR=red
"""
FILES = {
    "docker-compose.yml": "${EMOTION_COMPOSE_LAMPS:-2} ${EMOTION_COMPOSE_FUSE:?}",
    "lamp.yml": "${EMOTION_COMPOSE_FUSE}",
}


def test_comment_describes_all_variables_below_it() -> None:
    assert compose_table(EXAMPLE, FILES).splitlines()[2:] == [
        "| `EMOTION_COMPOSE_LAMPS` | `2` | `docker-compose.yml` | Most lamps at the same time. |",
        "| `EMOTION_COMPOSE_SPARE_LAMPS` | `1` | – | Most lamps at the same time. |",
        "| `EMOTION_COMPOSE_FUSE` | – | `docker-compose.yml`, `lamp.yml` | Required. |",
    ]


def test_settings_of_services_are_passed_through() -> None:
    assert passed_through(EXAMPLE) == ["EMOTION_LAMP_COLOUR"]


def test_defaults_are_extracted_from_help_texts() -> None:
    parser = ArgumentParser()
    parser.add_argument("--port", help="port of gRPC (default 8500)")
    parser.add_argument("--threads", help="requests at the same time (default: four for each CPU)")
    parser.add_argument("--poll", help="seconds until it looks again (default 1; 0: never)")
    parser.add_argument("--file", help="file (or folder) that says how")
    assert flags_table(parser).splitlines() == [
        "| flag | default | meaning |",
        "|---|---|---|",
        "| `--port` | 8500 | port of gRPC |",
        "| `--threads` | four for each CPU | requests at the same time |",
        "| `--poll` | 1 | seconds until it looks again; 0: never |",
        "| `--file` | – | file (or folder) that says how |",
    ]
