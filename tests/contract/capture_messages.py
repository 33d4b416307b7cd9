"""What capture says of a source that it can't read, or of a list of cameras: found in its code, without running it."""

import ast
from collections.abc import Iterator

from tests.support.processes import ROOT

CAPTURE = ROOT / "services" / "capture"
_SAYING = ("SourceError", "ValueError", "_capture")
"""What is called with a message for people."""
_RETURNING = ("webcam_trouble",)
_NAMED = ("FILE_ENDED",)
_FILES = ("camera.py", "camera_list.py", "looping_source.py", "opencv_source.py", "opening.py", "recorded_source.py")


def message_parts() -> set[str]:
    """Return the fixed parts of all messages; between them stand a path, a number, a name."""
    trees = [ast.parse((CAPTURE / file).read_text("utf-8")) for file in (*_FILES, "source_spec.py")]
    said = (expression for tree in trees for expression in _said(tree))
    parts = (part for expression in said for part in _fixed(expression))
    return {part.strip() for part in parts if len(part.split()) > 1}


def _said(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in _SAYING:
                yield from node.args
            case ast.FunctionDef(name=name) if name in _RETURNING:
                yield from (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value)
            case ast.Assign(targets=[ast.Name(id=name)]) if name in _NAMED:
                yield node.value
            case ast.Assign(targets=[ast.Attribute(attr="error")]):
                yield node.value


def _fixed(expression: ast.expr) -> Iterator[str]:
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    if isinstance(expression, ast.JoinedStr):
        for value in expression.values:
            yield from _fixed(value)
