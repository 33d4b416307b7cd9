"""Recipes for tests, derived from the shipped ones."""

import re
from collections.abc import Mapping
from pathlib import Path

from training.config import DEFAULT_RECIPE, Augmentation

STUDENT_RECIPE = DEFAULT_RECIPE.with_name("student.toml")
TEACHER_RECIPE = DEFAULT_RECIPE.with_name("teacher.toml")

NONE = Augmentation(
    flip=False, shift=0, rotation_degrees=0, scale=0, brightness=0, contrast=0, blur_probability=0, jpeg_probability=0
)
"""No augmentation."""


def changed(recipe: Path, path: Path, values: Mapping[str, object]) -> Path:
    """Write a recipe with other values for some existing keys, in any section, and return its path."""
    text = recipe.read_text()
    for key, value in values.items():
        text, count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert count, key
    path.write_text(text)
    return path
