"""One training recipe: everything that decides what comes out of a run, read from a TOML file."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, ValidationError

DEFAULT_RECIPE = Path(__file__).parent / "recipes" / "baseline.toml"
"""From chance; beside it lie those of teachers, and of a pupil that they teach."""

_Count = Annotated[int, Field(gt=0)]


def _odd(count: int) -> int:
    if count % 2 == 0:
        raise ValueError("a stage has one convolution before its pooling and pairs of them behind it: an odd number")
    return count


_OddCount = Annotated[_Count, AfterValidator(_odd)]


class RecipeError(ValueError):
    """The recipe can't be read or holds an unknown, missing or impossible value; the message names the file."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Network(_Section):
    """What is free within the fixed architecture."""

    convolutions: tuple[_OddCount, _OddCount, _OddCount]
    """How many 3×3 convolutions the stages of 32, 64 and 128 filters have: one before the pooling, then pairs."""
    width: _Count = 1
    """By how much the stages of a teacher are wider; what is served has a width of 1."""


class Pretrained(_Section):
    """What is free in a teacher that learnt from photographs of things first."""

    pretrained: Literal["efficientnet-lite0"]
    side: int = Field(ge=32)
    """To how many pixels a side faces are scaled first."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the last features that is left out while training."""


def _kind(network: object) -> str:
    named = isinstance(network, dict) and "pretrained" in network
    return "pretrained" if named or isinstance(network, Pretrained) else "cnn-bilstm"


AnyNetwork = Annotated[
    Annotated[Network, Tag("cnn-bilstm")] | Annotated[Pretrained, Tag("pretrained")], Discriminator(_kind)
]
"""What a recipe can train; the part ``pretrained`` tells which."""


class Augmentation(_Section):
    """Largest random changes to a training face."""

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
    """How often a rectangle of the face is hidden."""
    compose_probability: float = Field(default=0, ge=0, le=1)
    """How often a face is put together out of two, before a teacher is asked about it."""
    mix_probability: float = Field(default=0, ge=0, le=1)
    """How often a face is blended with another, and its target likewise."""


class Later(_Section):
    """What is taught otherwise once the network knows the easy part."""

    from_epoch: int = Field(ge=0)
    """From 0."""
    teacher_weight: float = Field(ge=0, le=1)
    """Share of the teachers' answers in what is taught; label and votes have the rest."""
    vote_weight: float | None = Field(default=None, ge=0, le=1)
    """Share of the votes beside the label from then on, where it changes."""
    views: int | None = Field(default=None, gt=0)
    """In how many ways each face is moved, which are shown in turn: teachers are asked about each once. Without it
    every epoch moves it in a new way."""
    augmentation: Augmentation


class Recipe(_Section):
    """A run's settings."""

    seed: int = Field(ge=0, lt=2**32)
    epochs: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    precision: Literal["float32", "mixed_bfloat16"]
    learning_rate: float = Field(gt=0)
    warmup_epochs: float = Field(ge=0)
    decay_epochs: float = Field(ge=0)
    """How long the learning rate falls to zero at the end."""
    weight_decay: float = Field(ge=0)
    label_smoothing: float = Field(ge=0, lt=1)
    vote_weight: float = Field(ge=0, le=1)
    """Share of FER+'s votes in what is taught, where they are there; the label has the rest."""
    start_share: float = Field(default=0, ge=0, lt=1)
    """Share of the first weights, which must be another run's, in the last ones."""
    network: AnyNetwork
    augmentation: Augmentation
    later: Later | None = None

    @property
    def asks_teacher(self) -> bool:
        """Whether a teacher's answers are needed."""
        return self.later is not None and self.later.teacher_weight > 0

    def augmentation_in(self, epoch: int) -> Augmentation:
        """Return how far faces are changed in an epoch (from 0)."""
        later = self._later_in(epoch)
        return later.augmentation if later else self.augmentation

    def teacher_weight_in(self, epoch: int) -> float:
        """Return a teacher's share in what is taught in an epoch (from 0)."""
        later = self._later_in(epoch)
        return later.teacher_weight if later else 0.0

    def vote_weight_in(self, epoch: int) -> float:
        """Return the votes' share beside the label in an epoch (from 0)."""
        later = self._later_in(epoch)
        return self.vote_weight if later is None or later.vote_weight is None else later.vote_weight

    def view_in(self, epoch: int) -> int:
        """Return which of the ways to move a face is shown in an epoch (from 0)."""
        later = self._later_in(epoch)
        if later is None or later.views is None:
            return epoch
        return later.from_epoch + (epoch - later.from_epoch) % later.views

    @property
    def views_return(self) -> bool:
        """Whether the later part shows what it has shown before."""
        return self.later is not None and self.later.views is not None

    def _later_in(self, epoch: int) -> Later | None:
        return self.later if self.later and epoch >= self.later.from_epoch else None


def read_recipe(path: Path = DEFAULT_RECIPE) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: The file can't be read, is not TOML, or a key is missing, unknown or out of range.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise RecipeError(f"{path}: {'; '.join(faults)}") from error
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from error


def flat(settings: Mapping[str, JsonValue], within: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Yield each setting of a recipe with its dotted name: ``later.augmentation.flip``."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from flat(value, f"{within}{key}.")
        else:
            yield f"{within}{key}", value
