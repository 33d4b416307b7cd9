"""What the folder of a training run holds: recipe, digests of its data, software, history, checkpoint."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from training.config import Recipe, read_recipe
from training.data.splits import Digests
from training.io import write_whole

_RECIPE = "recipe.toml"
_DATA = "data.sha256"
_VOTES = "votes.sha256"
_TEACHERS = "teachers.sha256"
_START = "start.sha256"
_NONE = "none"
_SOFTWARE = "software.json"
_HISTORY = "history.csv"
_CHECKPOINT = "checkpoint.keras"
_ANSWERS = "answers"
_FINISHED = "finished"


class RunError(ValueError):
    """The folder holds no run, another run, or a damaged one."""


@dataclass(frozen=True)
class Networks:
    """Earlier networks that a run needs, told by the SHA-256 of their weights.

    Attributes:
        teachers: Of each teacher in turn; none where nobody teaches.
        start: Of the network whose weights were the first ones; none where those were chance.
    """

    teachers: str | None = None
    start: str | None = None


class RunFolder:
    """The files of one run.

    Each is replaced as a whole, so that a run which was killed at any moment can go on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint = path / _CHECKPOINT
        """The network with its optimizer after the last whole epoch."""
        self.answers = path / _ANSWERS
        """What the teachers said, a file for each view that comes again."""

    def claim(self, recipe_path: Path, digests: Digests, networks: Networks | None = None) -> Recipe:
        """Make the folder this run's own, or make sure that it already is.

        Args:
            recipe_path: The recipe.
            digests: Of its data.
            networks: Earlier networks that the run needs.

        Raises:
            RunError: It holds a run of another recipe, of other data or votes, or one that needs other networks.
            RecipeError: A recipe can't be used.
            OSError: A file can't be read or written.
        """
        recipe, kept_recipe = read_recipe(recipe_path), self.path / _RECIPE
        if kept_recipe.exists() and read_recipe(kept_recipe) != recipe:
            raise RunError(f"{self.path} holds a run of another recipe; choose another folder")
        needed = networks or Networks()
        facts = {
            _DATA: (digests.data, "on other data"),
            _VOTES: (digests.votes or _NONE, "with other votes" if digests.votes else "with votes"),
            _TEACHERS: (needed.teachers or _NONE, "with other teachers"),
            _START: (needed.start or _NONE, "with another start"),
        }
        for name, (fact, otherwise) in facts.items():
            path = self.path / name
            if path.exists() and path.read_text().strip() != fact:
                raise RunError(f"{self.path} holds a run {otherwise}; choose another folder")
        self.path.mkdir(parents=True, exist_ok=True)
        if not kept_recipe.exists():
            write_whole(kept_recipe, recipe_path.read_text(encoding="utf-8"))
        for name, (fact, _) in facts.items():
            if not (self.path / name).exists():
                write_whole(self.path / name, f"{fact}\n")
        return recipe

    def keep(self, recipe: str, data_sha256: str) -> None:
        """Make the folder that of a finished run: its recipe, as TOML, and the digest of its data."""
        write_whole(self.path / _RECIPE, recipe)
        write_whole(self.path / _DATA, f"{data_sha256}\n")
        self.finish()

    def finish(self) -> None:
        """Note that the checkpoint is the last epoch's."""
        if not self.is_finished:
            write_whole(self.path / _FINISHED, "")

    def reopen(self) -> None:
        """Note that epochs are missing: the run goes on, or starts anew since its checkpoint was taken away."""
        (self.path / _FINISHED).unlink(missing_ok=True)

    @property
    def is_finished(self) -> bool:
        """Whether the checkpoint is the last epoch's."""
        return (self.path / _FINISHED).exists()

    def require_finished(self) -> None:
        """Make sure that the checkpoint is the last epoch's, since no earlier one is what the recipe makes.

        Raises:
            RunError: It isn't.
            RecipeError: The recipe was damaged.
        """
        epochs, done = self.recipe().epochs, len(self.history())
        if not self.is_finished:
            raise RunError(
                f"{self.path} isn't finished: {done} of {epochs} epochs; the command that began it goes on with it"
            )

    def note_software(self, software: Mapping[str, str]) -> None:
        """Note what software began the run, unless it is noted already."""
        if self.software() is None:
            write_whole(self.path / _SOFTWARE, json.dumps(software, indent=1) + "\n")

    def software(self) -> dict[str, str] | None:
        """Return what software began the run, where it was noted.

        Raises:
            RunError: The note was damaged.
        """
        path = self.path / _SOFTWARE
        if not path.exists():
            return None
        try:
            return TypeAdapter(dict[str, str]).validate_json(path.read_bytes())
        except ValueError as error:
            raise RunError(f"{path}: {error}") from error

    def recipe(self) -> Recipe:
        """Return the recipe of the run.

        Raises:
            RunError: The folder holds no run.
            RecipeError: The recipe was damaged.
        """
        path = self.path / _RECIPE
        if not path.exists():
            raise RunError(f"{self.path} holds no run: {_RECIPE} is missing")
        return read_recipe(path)

    def data_digest(self) -> str | None:
        """Return the SHA-256 of the data that the run was trained on, where it noted one."""
        return self._noted(_DATA)

    def require_data(self, digests: Digests) -> None:
        """Make sure that the run was trained on this data; its votes may be others.

        Raises:
            RunError: It was trained on other data.
        """
        if self.data_digest() != digests.data:
            raise RunError(f"{self.path} was trained on other data")

    def votes_digest(self) -> str | None:
        """Return the SHA-256 of the votes that the run was trained with, where it was trained with any."""
        return self._noted(_VOTES)

    def networks(self) -> Networks:
        """Return what was noted of the earlier networks that the run needs."""
        return Networks(self._noted(_TEACHERS), self._noted(_START))

    def history(self) -> list[dict[str, float]]:
        """Return a row of figures per epoch: ``epoch`` (from 0), ``accuracy``, ``val_accuracy``, ….

        Raises:
            RunError: A row is not numbers.
        """
        path = self.path / _HISTORY
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            try:
                return [{name: float(value) for name, value in row.items()} for row in reader]
            except (TypeError, ValueError, csv.Error) as error:
                raise RunError(f"{path}, line {reader.line_num}: not a row of numbers") from error

    def append_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """Add the figures of an epoch (from 0) to the history."""
        self._write_history([*self.history(), {"epoch": float(epoch), **figures}])

    def forget_from(self, epoch: int) -> None:
        """Drop the figures of epochs that the checkpoint doesn't hold: the run was killed between the two writes."""
        rows = self.history()
        kept = [row for row in rows if row["epoch"] < epoch]
        if len(kept) < len(rows):
            self._write_history(kept)

    def _noted(self, name: str) -> str | None:
        path = self.path / name
        noted = path.read_text().strip() if path.exists() else _NONE
        return None if noted == _NONE else noted

    def _write_history(self, rows: list[dict[str, float]]) -> None:
        path = self.path / _HISTORY
        if not rows:
            path.unlink(missing_ok=True)
            return
        names = ["epoch", *sorted(rows[0].keys() - {"epoch"})]
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([int(row["epoch"]), *(f"{row[name]:.6f}" for name in names[1:])] for row in rows)
        write_whole(path, text.getvalue())
