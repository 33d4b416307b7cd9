"""From the model server's command line to the rows of its table."""

import argparse
import re
from collections.abc import Iterator

from docgen.tables import code, table

_DEFAULT = re.compile(r"(?P<meaning>.*?)(?: \(default:? (?P<default>[^;)]+)(?:; (?P<rest>.*))?\))?")


def flags_table(parser: argparse.ArgumentParser) -> str:
    """Return the table of all flags. Defaults stand in their help texts, since some depend on the machine."""
    return table(["flag", "default", "meaning"], _rows(parser))


def _rows(parser: argparse.ArgumentParser) -> Iterator[list[str]]:
    for action in parser._get_optional_actions():
        told = _DEFAULT.fullmatch(action.help or "")
        if told is not None and "--help" not in action.option_strings:
            meaning = "; ".join(part for part in (told["meaning"], told["rest"]) if part)
            yield [code(action.option_strings[-1]), told["default"] or "", meaning]
