"""What the folder of a training run holds: recipe, data's digest, history, checkpoint."""

import csv
import io
from pathlib import Path

from training.files import sha256_of, write_whole
from training.recipe import Recipe, read_recipe

_RECIPE = "recipe.toml"
_DATA = "data.sha256"
_VOTES = "votes.sha256"
_TEACHER = "teacher.sha256"
_NONE = "none"
_HISTORY = "history.csv"
_CHECKPOINT = "checkpoint.keras"


class RunError(ValueError):
    """The folder holds no run, another run, or a damaged one."""


class RunFolder:
    """The files of one run.

    Each is replaced as a whole, so that a run which was killed at any moment can go on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint = path / _CHECKPOINT
        """The network with its optimizer after the last whole epoch."""

    def claim(self, recipe_path: Path, data: Path, votes: Path | None, teacher: Path | None = None) -> Recipe:
        """Make the folder this run's own, or make sure that it already is.

        Args:
            recipe_path: The recipe.
            data: The images with their labels.
            votes: FER+'s votes, if they are used.
            teacher: A teacher's answers, if there is one; noted where the recipe asks it.

        Raises:
            RunError: It holds a run of another recipe or of other data, votes or answers.
            RecipeError: A recipe can't be used.
            OSError: A file can't be read or written.
        """
        recipe, digest = read_recipe(recipe_path), sha256_of(data)
        voted = sha256_of(votes) if votes else _NONE
        taught = sha256_of(teacher) if teacher and recipe.asks_teacher else _NONE
        kept_recipe, kept_data, kept_votes = self.path / _RECIPE, self.path / _DATA, self.path / _VOTES
        kept_teacher = self.path / _TEACHER
        if kept_recipe.exists() and read_recipe(kept_recipe) != recipe:
            raise RunError(f"{self.path} holds a run of another recipe; choose another folder")
        if kept_data.exists() and kept_data.read_text().strip() != digest:
            raise RunError(f"{self.path} holds a run on other data than {data}; choose another folder")
        if kept_votes.exists() and kept_votes.read_text().strip() != voted:
            raise RunError(f"{self.path} holds a run with other votes than {votes or 'none'}; choose another folder")
        if kept_teacher.exists() and kept_teacher.read_text().strip() != taught:
            raise RunError(
                f"{self.path} holds a run with another teacher than {teacher or 'none'}; choose another folder"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        if not kept_recipe.exists():
            write_whole(kept_recipe, recipe_path.read_text(encoding="utf-8"))
        if not kept_data.exists():
            write_whole(kept_data, f"{digest}\n")
        if not kept_votes.exists():
            write_whole(kept_votes, f"{voted}\n")
        if not kept_teacher.exists():
            write_whole(kept_teacher, f"{taught}\n")
        return recipe

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
        path = self.path / _DATA
        return path.read_text().strip() if path.exists() else None

    def require_data(self, data: Path) -> str:
        """Return the SHA-256 of the data that the run was trained on.

        Raises:
            RunError: It was trained on other data.
            OSError: The data can't be read.
        """
        digest = sha256_of(data)
        if self.data_digest() not in (None, digest):
            raise RunError(f"{self.path} was trained on other data than {data}")
        return digest

    def votes_digest(self) -> str | None:
        """Return the SHA-256 of the votes that the run was trained with, where it was trained with any."""
        return self._noted(_VOTES)

    def teacher_digest(self) -> str | None:
        """Return the SHA-256 of the teacher's answers that the run was trained with, where it had one."""
        return self._noted(_TEACHER)

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
