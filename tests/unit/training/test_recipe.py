from pathlib import Path

import pytest

from training.recipe import DEFAULT_RECIPE, RecipeError, read_recipe


def test_the_default_recipe_is_read() -> None:
    assert read_recipe() == read_recipe(DEFAULT_RECIPE)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("seed = 1\n", "", "seed: Field required"),
        ("seed = 1\n", "seed = 1\nmomentum = 0.9\n", "momentum: Extra inputs are not permitted"),
        ("epochs = 46\n", "epochs = 0\n", "epochs: Input should be greater than 0"),
        ("flip = true\n", 'flip = "sometimes"\n', "augmentation.flip: "),
        ("[3, 3, 5]", "[3, 0, 5]", "network.convolutions.1: Input should be greater than 0"),
        ("[3, 3, 5]", "[3, 4, 5]", "network.convolutions.1: Value error, a stage has one convolution before"),
        ("seed = 1\n", "seed\n", "Expected '='"),
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
