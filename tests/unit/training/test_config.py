import re
from pathlib import Path

import pytest

from tests.support.recipes import STUDENT_RECIPE, TEACHER_RECIPE, changed
from training.config import DEFAULT_RECIPE, Recipe, RecipeError, read_recipe, read_recorded_recipe, rename_recorded_keys


def test_the_default_recipe_needs_only_data() -> None:
    recipe = read_recipe()
    assert recipe == read_recipe(DEFAULT_RECIPE)
    assert not recipe.uses_teachers
    assert not recipe.init_weight


def test_the_student_can_start_from_a_baseline_run() -> None:
    first, second = read_recipe(), read_recipe(STUDENT_RECIPE)
    assert second.network == first.network
    assert second.uses_teachers


@pytest.mark.parametrize(
    ("pattern", "new", "fault"),
    [
        (r"^seed = .*\n", "", "seed: Field required"),
        (r"^seed = .*\n", "seed = 1\nmomentum = 0.9\n", "momentum: Extra inputs are not permitted"),
        (r"^epochs = .*", "epochs = 0", "epochs: Input should be greater than 0"),
        (r"^from_epoch = .*", "from_epoch = -1", "phase2.from_epoch: Input should be greater than or equal to 0"),
        (
            r"^teacher_weight = .*",
            "teacher_weight = 1.7",
            "phase2.teacher_weight: Input should be less than or equal",
        ),
        (r"^init_weight = .*", "init_weight = 1.0", "init_weight: Input should be less than 1"),
        (r"^\[phase2\.augmentation\]\n", "", "phase2.augmentation: Field required"),
        (r"^flip = .*", 'flip = "sometimes"', "augmentation.flip: "),
        (
            r"^convolutions = .*",
            "convolutions = [3, 0, 5]",
            "network.cnn-bilstm.convolutions.1: Input should be greater than 0",
        ),
        (
            r"^convolutions = .*",
            "convolutions = [3, 4, 5]",
            "network.cnn-bilstm.convolutions.1: Value error, must be odd: a stage has one convolution before",
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
def test_an_error_names_the_file_and_the_key(tmp_path: Path, pattern: str, new: str, fault: str) -> None:
    text, count = re.subn(pattern, new, STUDENT_RECIPE.read_text(), flags=re.MULTILINE)
    assert count
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError) as raised:
        read_recipe(path)
    assert str(raised.value).startswith(f"{path}: {fault}")


def test_a_missing_recipe_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: No such file"):
        read_recipe(tmp_path / "none.toml")


def test_without_a_second_phase_settings_are_constant(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(STUDENT_RECIPE.read_text().partition("[phase2]")[0])
    recipe = read_recipe(path)
    assert not recipe.uses_teachers
    assert {recipe.teacher_weight_at(epoch) for epoch in (0, 1000)} == {0}
    assert recipe.augmentation_at(0) == recipe.augmentation_at(1000) == recipe.augmentation


def test_the_second_phase_begins_at_its_epoch(tmp_path: Path) -> None:
    recipe = read_recipe(changed(STUDENT_RECIPE, tmp_path / "mine.toml", {"from_epoch": 3}))
    assert recipe.uses_teachers
    assert recipe.phase2 is not None
    begin = recipe.phase2.from_epoch
    assert (recipe.teacher_weight_at(begin - 1), recipe.teacher_weight_at(begin)) == (0, recipe.phase2.teacher_weight)
    assert recipe.augmentation_at(begin - 1) == recipe.augmentation
    assert recipe.augmentation_at(begin) == recipe.phase2.augmentation


def test_the_teacher_uses_votes_before_its_second_phase() -> None:
    recipe = read_recipe(TEACHER_RECIPE)
    assert not recipe.uses_teachers
    assert recipe.phase2 is not None
    assert [recipe.soft_label_weight_at(recipe.phase2.from_epoch - before) for before in (1, 0)] == [0.5, 0]


def test_the_fine_tuning_recipe_can_start_from_a_teacher_run() -> None:
    first, second = (read_recipe(DEFAULT_RECIPE.with_name(name)) for name in ("teacher.toml", "teacher_finetune.toml"))
    assert second.network == first.network
    assert not second.uses_teachers
    assert second.soft_label_weight_at(0) == 0


def test_the_soft_label_weight_is_kept_unless_the_second_phase_changes_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = STUDENT_RECIPE.read_text()
    path.write_text("".join(line for line in text.splitlines(keepends=True) if line != "soft_label_weight = 0.0\n"))
    recipe = read_recipe(path)
    assert {recipe.soft_label_weight_at(epoch) for epoch in (0, 1000)} == {recipe.soft_label_weight}


def test_a_recorded_recipe_may_have_earlier_keys(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    text = STUDENT_RECIPE.read_text()
    for earlier, current in {
        "start_share": "init_weight",
        "later": "phase2",
        "vote_weight": "soft_label_weight",
        "views": "cached_views",
        "compose_probability": "cutmix_probability",
    }.items():
        assert current in text
        text = text.replace(current, earlier)
    path.write_text(text)
    assert read_recorded_recipe(path) == read_recipe(STUDENT_RECIPE)
    with pytest.raises(RecipeError, match="start_share: Extra inputs are not permitted"):
        read_recipe(path)


def test_current_keys_are_not_renamed() -> None:
    settings = read_recipe(STUDENT_RECIPE).model_dump(mode="json")
    assert rename_recorded_keys(settings) == settings
    assert Recipe.model_validate(settings) == read_recipe(STUDENT_RECIPE)
