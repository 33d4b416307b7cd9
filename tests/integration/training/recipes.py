"""Recipes for tests, made from those that ship."""

from collections.abc import Mapping
from pathlib import Path


def changed(recipe: Path, path: Path, changes: Mapping[str, str]) -> Path:
    """Write a recipe with some of its text replaced, and return its path; what is replaced must be there."""
    text = recipe.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path
