"""Reads the imports and environment accesses of every Python file in the repository, without running it."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NOT_OURS = ("runs", "data", "node_modules")
_ENVIRONMENT = ("environ", "environb", "getenv", "getenvb", "putenv", "unsetenv")


@dataclass(frozen=True)
class Source:
    """A source file.

    Attributes:
        path: The path from the repository root, with slashes.
        imports: Dotted names of the imported modules and of the names imported from them.
        uses_environment: Whether the file reads or changes the environment.
    """

    path: str
    imports: frozenset[str]
    uses_environment: bool


def read_source(path: str, code: str) -> Source:
    nodes = list(ast.walk(ast.parse(code, path)))
    imports = frozenset(name for node in nodes for name in _imported(node, path))
    uses_environment = any(f"os.{name}" in imports for name in _ENVIRONMENT) or any(
        isinstance(node, ast.Attribute)
        and node.attr in _ENVIRONMENT
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in nodes
    )
    return Source(path, imports, uses_environment)


def all_sources() -> Iterator[Source]:
    for folder, children, files in os.walk(ROOT):
        children[:] = sorted(name for name in children if not name.startswith(".") and name not in _NOT_OURS)
        for file in sorted(files):
            if file.endswith(".py"):
                path = Path(folder, file)
                yield read_source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


def _imported(node: ast.AST, path: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = path.split("/")[: -node.level] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        return [f"{module}.{alias.name}" for alias in node.names]
    return []
