from pathlib import Path

import pytest

from training.recipe import DEFAULT_RECIPE, RecipeError, read_recipe


def test_the_default_recipe_is_read() -> None:
    assert read_recipe() == read_recipe(DEFAULT_RECIPE)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("seed = 5\n", "", "seed: Field required"),
        ("seed = 5\n", "seed = 5\nmomentum = 0.9\n", "momentum: Extra inputs are not permitted"),
        ("\nepochs = 14\n", "\nepochs = 0\n", "epochs: Input should be greater than 0"),
        ("from_epoch = 1\n", "from_epoch = 0\n", "later.from_epoch: Input should be greater than 0"),
        (
            "teacher_weight = 0.7\n",
            "teacher_weight = 1.7\n",
            "later.teacher_weight: Input should be less than or equal",
        ),
        ("[later.augmentation]\n", "", "later.augmentation: Field required"),
        ("flip = true\n", 'flip = "sometimes"\n', "augmentation.flip: "),
        ("[3, 3, 5]", "[3, 0, 5]", "network.cnn-bilstm.convolutions.1: Input should be greater than 0"),
        (
            "[3, 3, 5]",
            "[3, 4, 5]",
            "network.cnn-bilstm.convolutions.1: Value error, a stage has one convolution before",
        ),
        (
            "convolutions = [3, 3, 5]",
            'pretrained = "vgg"\nside = 80\ndropout = 0.3',
            "network.pretrained.pretrained: Input should be 'efficientnet-lite0'",
        ),
        ("seed = 5\n", "seed\n", "Expected '='"),
    ],
)
def test_a_fault_is_named_with_its_file(tmp_path: Path, old: str, new: str, fault: str) -> None:
    text = DEFAULT_RECIPE.read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(RecipeError) as raised:
        read_recipe(path)
    assert str(raised.value).startswith(f"{path}: {fault}")


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: No such file"):
        read_recipe(tmp_path / "none.toml")


def test_a_recipe_without_a_later_part_is_the_same_throughout(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(DEFAULT_RECIPE.read_text().partition("[later]")[0])
    recipe = read_recipe(path)
    assert not recipe.asks_teacher
    assert {recipe.teacher_weight_in(epoch) for epoch in (0, 1000)} == {0}
    assert recipe.augmentation_in(0) == recipe.augmentation_in(1000) == recipe.augmentation


def test_the_later_part_holds_from_its_epoch_on() -> None:
    recipe = read_recipe()
    assert recipe.asks_teacher
    assert recipe.later is not None
    begin = recipe.later.from_epoch
    assert (recipe.teacher_weight_in(begin - 1), recipe.teacher_weight_in(begin)) == (0, recipe.later.teacher_weight)
    assert recipe.augmentation_in(begin - 1) == recipe.augmentation
    assert recipe.augmentation_in(begin) == recipe.later.augmentation


def test_the_teachers_recipe_is_read() -> None:
    recipe = read_recipe(DEFAULT_RECIPE.with_name("teacher.toml"))
    assert not recipe.asks_teacher
    assert recipe.later is not None
    assert [recipe.vote_weight_in(recipe.later.from_epoch - before) for before in (1, 0)] == [0.5, 0]


def test_votes_keep_their_weight_where_the_later_part_doesnt_change_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = DEFAULT_RECIPE.read_text()
    path.write_text("".join(line for line in text.splitlines(keepends=True) if line != "vote_weight = 0.0\n"))
    recipe = read_recipe(path)
    assert {recipe.vote_weight_in(epoch) for epoch in (0, 1000)} == {recipe.vote_weight}
