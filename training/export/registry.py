"""Where a model's versions and their papers lie: ``<repository>/emotion/<version>/``.

TensorFlow Serving reads everything in a version's folder except ``assets.extra/``, of which it takes
the warm-up requests only; so what else belongs to a version lies there.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from services.contracts.model import MODEL_NAME
from training.config import Recipe
from training.models.calibration import Calibration

REPOSITORY = Path("model_repo")
CARD = "README.md"

_EXTRA = "assets.extra"


class ModelError(ValueError):
    """The folder holds no model, or one that doesn't keep the contract."""


class ModelPaper(BaseModel):
    """Where a version comes from, as it stands in ``model.json``."""

    # What older versions noted besides is no fault.
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    version: int
    recipe: dict[str, JsonValue]
    """With the seed; as it was when the version was made, whatever recipes hold since."""
    last_epoch: dict[str, float]
    """The last row of the run's history; its figures are of the training arithmetic, before export."""
    data_sha256: str
    """Of what the run was made from; see :class:`training.data.splits.Digests`."""
    votes_sha256: str | None
    """Of FER+'s votes; none where labels alone were trained on."""
    teachers_sha256: str | None
    """Of the weights of each teacher; none where nobody taught."""
    start_sha256: str | None
    """Of the weights that training started from; none where those were chance."""
    training_faces: int
    """Training rows of the data less those left out."""
    left_out: int
    """Training rows whose pixels stand in a later split."""
    calibration: Calibration
    """Fitted on all of PublicTest."""
    threshold: float
    threshold_rule: str
    validation: dict[str, float]
    """Figures on PublicTest, each face judged by a calibration and a threshold fitted without it."""
    parameters: int
    revision: str | None
    """Git revision of the exporting code, with ``-dirty`` where files differed from it."""
    libraries: dict[str, str]
    """Of the export."""
    trained_with: dict[str, str] | None = None
    """Backend, libraries and git revision with which the run began; none where it didn't note them."""


def version_folder(repository: Path, version: int) -> Path:
    """Return the folder of a version."""
    return repository / MODEL_NAME / str(version)


def versions(repository: Path) -> list[int]:
    """Return the versions that a repository holds, rising."""
    base = repository / MODEL_NAME
    return sorted(int(path.name) for path in base.glob("[0-9]*") if path.name.isdecimal() and path.is_dir())


def highest(repository: Path) -> Path:
    """Return the folder of the version that is served.

    Raises:
        ModelError: There is none.
    """
    found = versions(repository)
    if not found:
        raise ModelError(f"{repository} holds no version of the model; `make export` makes one")
    return version_folder(repository, found[-1])


def read_paper(version: Path) -> ModelPaper:
    """Read a version's ``model.json``.

    Raises:
        ModelError: It is missing or isn't one.
    """
    path = model_paper(version)
    try:
        return ModelPaper.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; was the model made by `make export`?") from error
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from error


def recipe_of(version: Path, paper: ModelPaper) -> Recipe:
    """Return the recipe of a version as it is read today.

    Raises:
        ModelError: It holds what no recipe holds any more.
    """
    try:
        return Recipe.model_validate(paper.recipe)
    except ValidationError as error:
        raise ModelError(f"{model_paper(version)}: {error}") from error


def model_paper(version: Path) -> Path:
    """Return the path of a version's ``model.json``."""
    return version / _EXTRA / "model.json"


def evaluation_paper(version: Path) -> Path:
    """Return the path of a version's ``evaluation.json``."""
    return version / _EXTRA / "evaluation.json"


def seeds_paper(version: Path) -> Path:
    """Return the path of a version's ``seeds.json``."""
    return version / _EXTRA / "seeds.json"


def labels_paper(version: Path) -> Path:
    """Return the path of a version's label list: an emotion a line, in the order of the outputs."""
    return version / _EXTRA / "labels.txt"


def warmup_requests(version: Path) -> Path:
    """Return the path where TensorFlow Serving looks for requests to run before it serves a version."""
    return version / _EXTRA / "tf_serving_warmup_requests"


def bytes_on_disk(version: Path) -> int:
    """Return the size of what the model server reads to serve a version."""
    return sum(path.stat().st_size for path in version.rglob("*") if path.is_file() and _EXTRA not in path.parts)
