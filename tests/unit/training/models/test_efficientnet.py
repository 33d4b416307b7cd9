import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from training.models.efficientnet import WeightsError, read_torch_weights

MAGIC = 0x1950A86A20F9469CFC6C


class Storage:
    """A storage, whose values follow the pickles."""

    def __init__(self, kind: str, key: str) -> None:
        self.kind = kind
        self.key = key


class Tensor:
    """Pickles as PyTorch's tensors do."""

    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self._arguments: tuple[Any, ...] = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self._arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        return ("storage", getattr(sys.modules["torch"], obj.kind), obj.key, "cpu", 0, None)


@pytest.fixture(autouse=True)
def names_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide the names that a file refers to, for writing one; reading doesn't need them."""
    torch, inner = ModuleType("torch"), ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "HalfStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2() -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    inner._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", inner)


def write(path: Path, tensors: dict[str, Any], numbers: dict[str, bytes], counts: dict[str, int]) -> Path:
    with path.open("wb") as stream:
        for part in (MAGIC, 1001, {"little_endian": True}, OrderedDict(tensors), list(numbers)):
            Pickler(stream, 2).dump(part)
        for key, written in numbers.items():
            stream.write(struct.pack("<q", counts[key]) + written)
    return path


def floats(count: int) -> bytes:
    return np.arange(count, dtype="<f4").tobytes()


def test_weights_are_read_by_name_in_order(tmp_path: Path) -> None:
    tensors = {
        "second.weight": Tensor(Storage("FloatStorage", "a"), 1, (2, 2), (2, 1)),
        "steps": Tensor(Storage("LongStorage", "b"), 0, (), ()),
        "first.turned": Tensor(Storage("FloatStorage", "a"), 0, (2, 3), (1, 2)),
    }
    path = write(tmp_path / "w.pth", tensors, {"a": floats(6), "b": struct.pack("<q", 7)}, {"a": 6, "b": 1})
    weights = read_torch_weights(path)
    assert list(weights) == ["second.weight", "first.turned"]
    np.testing.assert_array_equal(weights["second.weight"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(weights["first.turned"], [[0, 2, 4], [1, 3, 5]])


@pytest.mark.parametrize(
    ("shape", "strides", "offset"), [((7,), (1,), 0), ((2,), (1,), 5), ((2, 2), (5, 1), 0), ((2,), (-1,), 1)]
)
def test_a_tensor_that_exceeds_its_storage_is_rejected(
    tmp_path: Path, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    tensors = {"w": Tensor(Storage("FloatStorage", "a"), offset, shape, strides)}
    path = write(tmp_path / "w.pth", tensors, {"a": floats(6)}, {"a": 6})
    with pytest.raises(WeightsError, match=r"w\.pth holds no readable weights: .*exceeds its storage"):
        read_torch_weights(path)


def test_a_truncated_file_is_rejected(tmp_path: Path) -> None:
    tensors = {"w": Tensor(Storage("FloatStorage", "a"), 0, (6,), (1,))}
    whole = write(tmp_path / "w.pth", tensors, {"a": floats(6)}, {"a": 6}).read_bytes()
    # Each byte of the values and of the last pickle, and every seventh before.
    for end in [*range(0, len(whole) - 60, 7), *range(len(whole) - 60, len(whole))]:
        (tmp_path / "w.pth").write_bytes(whole[:end])
        with pytest.raises(WeightsError):
            read_torch_weights(tmp_path / "w.pth")


def test_another_storage_type_is_rejected(tmp_path: Path) -> None:
    tensors = {"w": Tensor(Storage("HalfStorage", "a"), 0, (2,), (1,))}
    path = write(tmp_path / "w.pth", tensors, {"a": floats(1)}, {"a": 2})
    with pytest.raises(WeightsError, match=r"must not refer to torch\.HalfStorage"):
        read_torch_weights(path)


class Malicious:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (Path("executed"),)


def test_code_in_a_file_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "w.pth", {"w": Malicious()}, {}, {})
    with pytest.raises(WeightsError, match="must not refer to"):
        read_torch_weights(path)
    assert not Path("executed").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no weights", pickle.dumps(3)])
def test_another_format_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=r"w\.pth holds no readable weights"):
        read_torch_weights(tmp_path / "w.pth")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_torch_weights(tmp_path / "none.pth")
