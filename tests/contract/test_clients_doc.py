"""The page on clients names existing exceptions, exit codes and options."""

import re

import pytest
from typer.testing import CliRunner

import emotion_client
from emotion_client.cli.app import app
from emotion_client.cli.exit_codes import ExitCode
from emotion_client.errors import ERROR_OF_KIND
from services.contracts.problems import ProblemKind
from tests.support.markdown import code, rows
from tests.support.processes import ROOT

TEXT = (ROOT / "docs" / "clients.md").read_text("utf-8")


def test_page_names_the_exception_of_every_problem() -> None:
    named = [(re.findall(r"\w+Error", row[0])[0], row[1]) for row in rows(TEXT) if "Error" in row[0]]
    documented = {slug: error for error, slugs in named for slug in re.findall(r"[a-z-]+", slugs)}
    assert documented == {kind.value.slug: ERROR_OF_KIND[kind].__name__ for kind in ProblemKind}


def test_exceptions_can_be_imported() -> None:
    named = set(re.findall(r"\b[A-Z]\w+Error\b", TEXT))
    assert {name for name in named if not hasattr(emotion_client, name)} == set()


def test_exit_codes() -> None:
    documented = [int(row[0]) for row in rows(TEXT) if row[0].isdigit()]
    assert documented == [code.value for code in ExitCode]


@pytest.mark.parametrize("command", ["predict", "watch", "cameras", "doctor"])
def test_options_exist(command: str) -> None:
    used = " ".join(re.findall(rf"^emotion {command} (.*)$", code(TEXT), re.MULTILINE))
    options = set(re.findall(r"--[a-z-]+", used.partition("#")[0])) | {"--url", "--api-key", "--timeout"}
    usage = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout
    assert {option for option in options if option not in usage} == set()


def test_python_is_valid() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert [compile(block, "clients.md", "exec") for block in blocks]
