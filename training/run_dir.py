"""The directory of a training run: recipe, digests of its data, environment, history, checkpoint."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from training.config import Recipe, read_recipe, read_recorded_recipe
from training.data.splits import Digests
from training.io import write_atomic

_RECIPE = "recipe.toml"
_DATA = "data.sha256"
_VOTES = "votes.sha256"
_TEACHERS = "teachers.sha256"
_INIT = "start.sha256"
_NONE = "none"
_ENVIRONMENT = "software.json"
_HISTORY = "history.csv"
_CHECKPOINT = "checkpoint.keras"
_SOFT_TARGETS = "answers"
_FINISHED = "finished"


class RunError(ValueError):
    """The directory holds no run, a different run, or a damaged one."""


@dataclass(frozen=True)
class SourceNetworks:
    """Trained networks that a run depends on, identified by the SHA-256 of their weights.

    Attributes:
        teachers: Digests of the teachers, separated by spaces; None without teachers.
        init: Digest of the initial weights; None for a random initialisation.
    """

    teachers: str | None = None
    init: str | None = None


class RunDir:
    """The files of one run.

    Each file is replaced atomically, so that a run that was killed at any moment can be resumed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint = path / _CHECKPOINT
        """The network and its optimizer's state after the last complete epoch."""
        self.soft_targets = path / _SOFT_TARGETS
        """The teachers' probabilities, one file for each cached view."""

    def create_or_resume(self, recipe_path: Path, digests: Digests, sources: SourceNetworks | None = None) -> Recipe:
        """Create the run, or check that the directory already holds the same run.

        Args:
            recipe_path: The recipe.
            digests: Digests of the training data.
            sources: Trained networks that the run depends on.

        Raises:
            RunError: The directory holds a run with another recipe, other data, other votes or other networks.
            RecipeError: A recipe can't be used.
            OSError: A file can't be read or written.
        """
        recipe, recorded = read_recipe(recipe_path), self.path / _RECIPE
        if recorded.exists() and read_recorded_recipe(recorded) != recipe:
            raise RunError(f"{self.path} holds a run with another recipe; choose another directory")
        needed = sources or SourceNetworks()
        facts = {
            _DATA: (digests.data, "on other data"),
            _VOTES: (digests.votes or _NONE, "with other votes" if digests.votes else "with votes"),
            _TEACHERS: (needed.teachers or _NONE, "with other teachers"),
            _INIT: (needed.init or _NONE, "with other initial weights"),
        }
        for name, (fact, difference) in facts.items():
            path = self.path / name
            if path.exists() and path.read_text().strip() != fact:
                raise RunError(f"{self.path} holds a run {difference}; choose another directory")
        self.path.mkdir(parents=True, exist_ok=True)
        if not recorded.exists():
            write_atomic(recorded, recipe_path.read_text(encoding="utf-8"))
        for name, (fact, _) in facts.items():
            if not (self.path / name).exists():
                write_atomic(self.path / name, f"{fact}\n")
        return recipe

    def create_finished(self, recipe: str, data_sha256: str) -> None:
        """Write the files of a finished run: its recipe, as TOML, and the digest of its data."""
        write_atomic(self.path / _RECIPE, recipe)
        write_atomic(self.path / _DATA, f"{data_sha256}\n")
        self.mark_finished()

    def mark_finished(self) -> None:
        """Record that the checkpoint is that of the last epoch."""
        if not self.is_finished:
            write_atomic(self.path / _FINISHED, "")

    def mark_unfinished(self) -> None:
        """Record that epochs are missing: the run is being resumed, or restarted without its checkpoint."""
        (self.path / _FINISHED).unlink(missing_ok=True)

    @property
    def is_finished(self) -> bool:
        """Whether the checkpoint is that of the last epoch."""
        return (self.path / _FINISHED).exists()

    def require_finished(self) -> None:
        """Check that the checkpoint is that of the last epoch.

        Raises:
            RunError: The run isn't finished.
            RecipeError: The recorded recipe is damaged.
        """
        epochs, done = self.recipe().epochs, len(self.history())
        if not self.is_finished:
            raise RunError(
                f"{self.path} isn't finished: {done} of {epochs} epochs; repeat the training command to resume it"
            )

    def record_environment(self, environment: Mapping[str, str]) -> None:
        """Record the software that began the run, unless it is recorded already."""
        if self.environment() is None:
            write_atomic(self.path / _ENVIRONMENT, json.dumps(environment, indent=1) + "\n")

    def environment(self) -> dict[str, str] | None:
        """Return the software that began the run, if it was recorded.

        Raises:
            RunError: The file is damaged.
        """
        path = self.path / _ENVIRONMENT
        if not path.exists():
            return None
        try:
            return TypeAdapter(dict[str, str]).validate_json(path.read_bytes())
        except ValueError as error:
            raise RunError(f"{path}: {error}") from error

    def recipe(self) -> Recipe:
        """Return the recipe of the run.

        Raises:
            RunError: The directory holds no run.
            RecipeError: The recorded recipe is damaged.
        """
        path = self.path / _RECIPE
        if not path.exists():
            raise RunError(f"{self.path} holds no run: {_RECIPE} is missing")
        return read_recorded_recipe(path)

    def data_digest(self) -> str | None:
        """Return the SHA-256 of the training data, if it was recorded."""
        return self._read_digest(_DATA)

    def require_data(self, digests: Digests) -> None:
        """Check that the run was trained on this data; its votes may differ.

        Raises:
            RunError: It was trained on other data.
        """
        if self.data_digest() != digests.data:
            raise RunError(f"{self.path} was trained on other data")

    def votes_digest(self) -> str | None:
        """Return the SHA-256 of the votes; None for a run without votes."""
        return self._read_digest(_VOTES)

    def source_networks(self) -> SourceNetworks:
        """Return the digests of the networks that the run depends on."""
        return SourceNetworks(self._read_digest(_TEACHERS), self._read_digest(_INIT))

    def history(self) -> list[dict[str, float]]:
        """Return the metrics of each epoch: ``epoch`` (from 0), ``accuracy``, ``val_accuracy``, ….

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

    def append_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Add the metrics of an epoch (from 0) to the history."""
        self._write_history([*self.history(), {"epoch": float(epoch), **metrics}])

    def truncate_history(self, epoch: int) -> None:
        """Drop the rows from this epoch on: a run killed between the two writes has a row without a checkpoint."""
        rows = self.history()
        kept = [row for row in rows if row["epoch"] < epoch]
        if len(kept) < len(rows):
            self._write_history(kept)

    def _read_digest(self, name: str) -> str | None:
        path = self.path / name
        digest = path.read_text().strip() if path.exists() else _NONE
        return None if digest == _NONE else digest

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
        write_atomic(path, text.getvalue())
