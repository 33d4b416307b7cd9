"""The model repository: the versions in ``<repository>/emotion/<version>/`` and the metadata of each.

TensorFlow Serving reads everything in a version's directory except ``assets.extra/``, of which it reads the warm-up
requests only. So ``assets.extra/`` also holds the metadata.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from services.contracts.model import MODEL_NAME
from training.config import Recipe, rename_recorded_keys
from training.models.calibration import Calibration

DEFAULT_REPOSITORY = Path("model_repo")
CARD = "README.md"

_EXTRA = "assets.extra"


class ModelError(ValueError):
    """The directory holds no model, or one that violates the contract."""


class ModelManifest(BaseModel):
    """The origin of a version, as recorded in ``model.json``."""

    # Earlier versions recorded additional fields.
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    version: int
    recipe: dict[str, JsonValue]
    """As recorded by the export, with the keys of that time; see :func:`recorded_recipe`."""
    last_epoch: dict[str, float]
    """Last row of the run's history; its metrics are those of training, before export."""
    data_sha256: str
    """See :class:`training.data.splits.Digests`."""
    votes_sha256: str | None
    """Digest of FER+'s votes; None for training on labels alone."""
    teachers_sha256: str | None
    """Digests of the teachers' weights, separated by spaces; None without teachers."""
    start_sha256: str | None
    """Digest of the initial weights; None for a random initialisation."""
    training_faces: int
    """Training rows without those left out."""
    left_out: int
    """Training rows left out because their pixels are in a later split."""
    calibration: Calibration
    """Fitted on all of PublicTest."""
    threshold: float
    threshold_rule: str
    validation: dict[str, float]
    """Metrics on PublicTest; each face is evaluated by a calibration and a threshold fitted without it."""
    parameters: int
    revision: str | None
    """Git revision of the exporting code, with ``-dirty`` if files differ from it."""
    libraries: dict[str, str]
    """Library versions of the export."""
    trained_with: dict[str, str] | None = None
    """Backend, library versions and git revision that began the run, if recorded."""


def version_dir(repository: Path, version: int) -> Path:
    """Return the directory of a version."""
    return repository / MODEL_NAME / str(version)


def list_versions(repository: Path) -> list[int]:
    """Return the versions in a repository, ascending."""
    base = repository / MODEL_NAME
    return sorted(int(path.name) for path in base.glob("[0-9]*") if path.name.isdecimal() and path.is_dir())


def latest_version_dir(repository: Path) -> Path:
    """Return the directory of the highest version, which is the one served.

    Raises:
        ModelError: The repository has no version.
    """
    versions = list_versions(repository)
    if not versions:
        raise ModelError(f"{repository} has no version of the model; create one with `make export`")
    return version_dir(repository, versions[-1])


def read_manifest(version: Path) -> ModelManifest:
    """Read a version's ``model.json``.

    Raises:
        ModelError: The file is missing or invalid.
    """
    path = manifest_path(version)
    try:
        return ModelManifest.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; was the model created by `make export`?") from error
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from error


def recorded_recipe(version: Path, manifest: ModelManifest) -> Recipe:
    """Return the recipe of a version, with the names that its keys have today.

    Raises:
        ModelError: The recipe has a key that no longer exists.
    """
    try:
        return Recipe.model_validate(rename_recorded_keys(manifest.recipe))
    except ValidationError as error:
        raise ModelError(f"{manifest_path(version)}: {error}") from error


def manifest_path(version: Path) -> Path:
    """Return the path of a version's ``model.json``."""
    return version / _EXTRA / "model.json"


def evaluation_path(version: Path) -> Path:
    """Return the path of a version's ``evaluation.json``."""
    return version / _EXTRA / "evaluation.json"


def seed_variance_path(version: Path) -> Path:
    """Return the path of a version's ``seeds.json``."""
    return version / _EXTRA / "seeds.json"


def labels_path(version: Path) -> Path:
    """Return the path of a version's labels: an emotion per line, in the order of the outputs."""
    return version / _EXTRA / "labels.txt"


def warmup_path(version: Path) -> Path:
    """Return the path of the requests that TensorFlow Serving runs before it serves a version."""
    return version / _EXTRA / "tf_serving_warmup_requests"


def size_on_disk(version: Path) -> int:
    """Return the bytes that the model server reads to serve a version."""
    return sum(path.stat().st_size for path in version.rglob("*") if path.is_file() and _EXTRA not in path.parts)
