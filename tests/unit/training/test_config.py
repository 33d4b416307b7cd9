import re
from pathlib import Path

import pytest

from tests.support.recipes import PUPIL_RECIPE, TEACHER_RECIPE, changed
from training.config import DEFAULT_RECIPE, RecipeError, read_recipe


def test_the_default_recipe_needs_nothing_but_data() -> None:
    recipe = read_recipe()
    assert recipe == read_recipe(DEFAULT_RECIPE)
    assert not recipe.asks_teacher
    assert not recipe.start_share


def test_a_pupil_can_start_from_a_run_of_the_default_recipe() -> None:
    first, second = read_recipe(), read_recipe(PUPIL_RECIPE)
    assert second.network == first.network
    assert second.asks_teacher


@pytest.mark.parametrize(
    ("pattern", "new", "fault"),
    [
        (r"^seed = .*\n", "", "seed: Field required"),
        (r"^seed = .*\n", "seed = 1\nmomentum = 0.9\n", "momentum: Extra inputs are not permitted"),
        (r"^epochs = .*", "epochs = 0", "epochs: Input should be greater than 0"),
        (r"^from_epoch = .*", "from_epoch = -1", "later.from_epoch: Input should be greater than or equal to 0"),
        (
            r"^teacher_weight = .*",
            "teacher_weight = 1.7",
            "later.teacher_weight: Input should be less than or equal",
        ),
        (r"^start_share = .*", "start_share = 1.0", "start_share: Input should be less than 1"),
        (r"^\[later\.augmentation\]\n", "", "later.augmentation: Field required"),
        (r"^flip = .*", 'flip = "sometimes"', "augmentation.flip: "),
        (
            r"^convolutions = .*",
            "convolutions = [3, 0, 5]",
            "network.cnn-bilstm.convolutions.1: Input should be greater than 0",
        ),
        (
            r"^convolutions = .*",
            "convolutions = [3, 4, 5]",
            "network.cnn-bilstm.convolutions.1: Value error, a stage has one convolution before",
        ),
        (
            r"^convolutions = .*",
            'pretrained = "vgg"\nside = 80\ndropout = 0.3',
            "network.pretrained.pretrained: Input should be 'efficientnet-lite0'",
        ),
        (r"^seed = .*", "seed = -1", "seed: Input should be greater than or equal to 0"),
        (r"^seed = .*", "seed = 4294967296", "seed: Input should be less than 4294967296"),
        (r"^seed = .*", "seed", "Expected '='"),
    ],
)
def test_a_fault_is_named_with_its_file(tmp_path: Path, pattern: str, new: str, fault: str) -> None:
    text, changes = re.subn(pattern, new, PUPIL_RECIPE.read_text(), flags=re.MULTILINE)
    assert changes
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError) as raised:
        read_recipe(path)
    assert str(raised.value).startswith(f"{path}: {fault}")


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: No such file"):
        read_recipe(tmp_path / "none.toml")


def test_a_recipe_without_a_later_part_is_the_same_throughout(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PUPIL_RECIPE.read_text().partition("[later]")[0])
    recipe = read_recipe(path)
    assert not recipe.asks_teacher
    assert {recipe.teacher_weight_in(epoch) for epoch in (0, 1000)} == {0}
    assert recipe.augmentation_in(0) == recipe.augmentation_in(1000) == recipe.augmentation


def test_the_later_part_holds_from_its_epoch_on(tmp_path: Path) -> None:
    recipe = read_recipe(changed(PUPIL_RECIPE, tmp_path / "mine.toml", {"from_epoch": 3}))
    assert recipe.asks_teacher
    assert recipe.later is not None
    begin = recipe.later.from_epoch
    assert (recipe.teacher_weight_in(begin - 1), recipe.teacher_weight_in(begin)) == (0, recipe.later.teacher_weight)
    assert recipe.augmentation_in(begin - 1) == recipe.augmentation
    assert recipe.augmentation_in(begin) == recipe.later.augmentation


def test_the_teachers_recipe_is_read() -> None:
    recipe = read_recipe(TEACHER_RECIPE)
    assert not recipe.asks_teacher
    assert recipe.later is not None
    assert [recipe.vote_weight_in(recipe.later.from_epoch - before) for before in (1, 0)] == [0.5, 0]


def test_the_teachers_second_recipe_can_start_from_a_run_of_its_first() -> None:
    first, second = (read_recipe(DEFAULT_RECIPE.with_name(name)) for name in ("teacher.toml", "teacher_finetune.toml"))
    assert second.network == first.network
    assert not second.asks_teacher
    assert second.vote_weight_in(0) == 0


def test_votes_keep_their_weight_where_the_later_part_doesnt_change_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = PUPIL_RECIPE.read_text()
    path.write_text("".join(line for line in text.splitlines(keepends=True) if line != "vote_weight = 0.0\n"))
    recipe = read_recipe(path)
    assert {recipe.vote_weight_in(epoch) for epoch in (0, 1000)} == {recipe.vote_weight}
