"""The training recipe: every setting that determines the result of a run, read from a TOML file."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, ValidationError

RECIPES = Path(__file__).parent / "recipes"
DEFAULT_RECIPE = RECIPES / "baseline.toml"
"""Trains from scratch, on labels and votes alone."""

_RENAMED_KEYS = {
    "start_share": "init_weight",
    "later": "phase2",
    "vote_weight": "soft_label_weight",
    "views": "cached_views",
    "compose_probability": "cutmix_probability",
    "mix_probability": "mixup_probability",
}
"""Key in recipes recorded by runs and model versions up to 7 → its name today."""

_Count = Annotated[int, Field(gt=0)]


def _odd(count: int) -> int:
    if count % 2 == 0:
        raise ValueError("must be odd: a stage has one convolution before the pooling and pairs after it")
    return count


_OddCount = Annotated[_Count, AfterValidator(_odd)]


class RecipeError(ValueError):
    """The recipe can't be read, or a value is unknown, missing or out of range; the message names the file."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Network(_Section):
    """Settings of the CNN–BiLSTM."""

    convolutions: tuple[_OddCount, _OddCount, _OddCount]
    """Number of 3×3 convolutions in the stages of 32, 64 and 128 filters: one before the pooling, then pairs."""
    width: _Count = 1
    """Factor for the number of filters of each stage. A teacher may be wider; the served network has a width of 1."""


class Pretrained(_Section):
    """Settings of a teacher that starts from ImageNet weights."""

    pretrained: Literal["efficientnet-lite0"]
    side: int = Field(ge=32)
    """Pixels per side to which faces are resized first."""
    dropout: float = Field(ge=0, lt=1)
    """Dropout rate before the classifier."""


def _kind(network: object) -> str:
    named = isinstance(network, dict) and "pretrained" in network
    return "pretrained" if named or isinstance(network, Pretrained) else "cnn-bilstm"


AnyNetwork = Annotated[
    Annotated[Network, Tag("cnn-bilstm")] | Annotated[Pretrained, Tag("pretrained")], Discriminator(_kind)
]
"""The networks that a recipe can train, distinguished by the key ``pretrained``."""


class Augmentation(_Section):
    """Bounds of the random changes to a training face."""

    flip: bool
    shift: float = Field(ge=0, lt=0.5)
    """Fraction of the side."""
    rotation_degrees: float = Field(ge=0, le=45)
    scale: float = Field(ge=0, lt=1)
    """Faces are scaled by a factor in 1 ± this."""
    brightness: float = Field(ge=0, lt=1)
    contrast: float = Field(ge=0, lt=1)
    blur_probability: float = Field(ge=0, le=1)
    jpeg_probability: float = Field(ge=0, le=1)
    noise_probability: float = Field(default=0, ge=0, le=1)
    erase_probability: float = Field(default=0, ge=0, le=1)
    """Probability that a rectangle of the face is erased."""
    cutmix_probability: float = Field(default=0, ge=0, le=1)
    """Probability that a face is a composite of two, made before the teachers label it."""
    mixup_probability: float = Field(default=0, ge=0, le=1)
    """Probability that a face and its target are blended with another face of the batch and its target."""


class SecondPhase(_Section):
    """Settings that replace those of the first phase from an epoch on."""

    from_epoch: int = Field(ge=0)
    """Counted from 0."""
    teacher_weight: float = Field(ge=0, le=1)
    """Weight of the teachers' probabilities in the target; label and votes have the rest."""
    soft_label_weight: float | None = Field(default=None, ge=0, le=1)
    """Weight of the votes beside the label; without it the weight of the first phase applies."""
    cached_views: int | None = Field(default=None, gt=0)
    """Number of geometric augmentations per face, shown in turn, so that the teachers label each once.

    Without it every epoch draws a new augmentation.
    """
    augmentation: Augmentation


class Recipe(_Section):
    """All settings of a run."""

    seed: int = Field(ge=0, lt=2**32)
    epochs: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    precision: Literal["float32", "mixed_bfloat16"]
    learning_rate: float = Field(gt=0)
    warmup_epochs: float = Field(ge=0)
    decay_epochs: float = Field(ge=0)
    """Length of the linear decay to zero at the end."""
    weight_decay: float = Field(ge=0)
    label_smoothing: float = Field(ge=0, lt=1)
    soft_label_weight: float = Field(ge=0, le=1)
    """Weight of FER+'s votes in the target, if there are votes; the label has the rest."""
    init_weight: float = Field(default=0, ge=0, lt=1)
    """Weight of the initial network in the final one (WiSE-FT's 1 − α); the run must start from another run."""
    network: AnyNetwork
    augmentation: Augmentation
    phase2: SecondPhase | None = None

    @property
    def uses_teachers(self) -> bool:
        """Whether the run needs teachers."""
        return self.phase2 is not None and self.phase2.teacher_weight > 0

    @property
    def caches_views(self) -> bool:
        """Whether the second phase shows the same views of a face more than once."""
        return self.phase2 is not None and self.phase2.cached_views is not None

    def augmentation_at(self, epoch: int) -> Augmentation:
        """Return the augmentation of an epoch (from 0)."""
        phase2 = self._phase2_at(epoch)
        return phase2.augmentation if phase2 else self.augmentation

    def teacher_weight_at(self, epoch: int) -> float:
        """Return the teachers' weight in the targets of an epoch (from 0)."""
        phase2 = self._phase2_at(epoch)
        return phase2.teacher_weight if phase2 else 0.0

    def soft_label_weight_at(self, epoch: int) -> float:
        """Return the votes' weight beside the label in an epoch (from 0)."""
        phase2 = self._phase2_at(epoch)
        if phase2 is None or phase2.soft_label_weight is None:
            return self.soft_label_weight
        return phase2.soft_label_weight

    def view_at(self, epoch: int) -> int:
        """Return the number of the view of each face that an epoch (from 0) shows."""
        phase2 = self._phase2_at(epoch)
        if phase2 is None or phase2.cached_views is None:
            return epoch
        return phase2.from_epoch + (epoch - phase2.from_epoch) % phase2.cached_views

    def _phase2_at(self, epoch: int) -> SecondPhase | None:
        return self.phase2 if self.phase2 and epoch >= self.phase2.from_epoch else None


def read_recipe(path: Path = DEFAULT_RECIPE) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: The file can't be read, is not TOML, or a key is missing, unknown or out of range.
    """
    return _validate(_read_toml(path), path)


def read_recorded_recipe(path: Path) -> Recipe:
    """Read a recipe that a run recorded, possibly under earlier names of the keys.

    Raises:
        RecipeError: See :func:`read_recipe`.
    """
    return _validate(rename_recorded_keys(_read_toml(path)), path)


def rename_recorded_keys(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded recipe with the names that its keys have today."""
    return {
        _RENAMED_KEYS.get(key, key): rename_recorded_keys(value) if isinstance(value, dict) else value
        for key, value in settings.items()
    }


def flatten(settings: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Yield each setting of a recipe with its dotted name, such as ``phase2.augmentation.flip``."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from error


def _validate(settings: Mapping[str, Any], path: Path) -> Recipe:
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise RecipeError(f"{path}: {'; '.join(faults)}") from error
