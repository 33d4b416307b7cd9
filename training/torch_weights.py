"""Reads the weights in a file of PyTorch's, without PyTorch."""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_FLOATS = "FloatStorage"
_ITEM_SIZES = {_FLOATS: 4, "LongStorage": 8}


class WeightsError(ValueError):
    """The file holds no weights that can be read."""


@dataclass(frozen=True)
class _Storage:
    kind: str
    key: str


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return a module's float32 weights by name, in the module's order; what else the file holds is left out.

    The form is the one that ``torch.save`` wrote before version 1.6: pickles of the names and shapes, then the numbers.
    Of what pickles can do only that is allowed.

    Raises:
        WeightsError: The file is none of that form, or is damaged.
        OSError: It can't be read.
    """
    with path.open("rb") as stream:
        try:
            return _read(stream)
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            raise WeightsError(f"{path} holds no weights that can be read: {error}") from error


def _read(stream: IO[bytes]) -> dict[str, NDArray[np.float32]]:
    if _Unpickler(stream).load() != _MAGIC:
        raise WeightsError("it doesn't begin as such files do")
    for _ in ("version", "sizes of numbers"):
        _Unpickler(stream).load()
    tensors: dict[str, _Tensor] = _Unpickler(stream).load()
    kinds = {tensor.storage.key: tensor.storage.kind for tensor in tensors.values()}
    numbers = {key: _numbers(stream, kinds[key]) for key in _Unpickler(stream).load()}
    return {
        name: _filled(tensor, numbers[tensor.storage.key])
        for name, tensor in tensors.items()
        if tensor.storage.kind == _FLOATS
    }


def _numbers(stream: IO[bytes], kind: str) -> NDArray[np.float32]:
    size = int.from_bytes(stream.read(8), "little") * _ITEM_SIZES[kind]
    read = stream.read(size)
    if len(read) < size:
        raise WeightsError("it ends too early")
    return np.frombuffer(read, "<f4")


def _filled(tensor: _Tensor, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    last = sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True))
    if min((*tensor.shape, *tensor.strides, tensor.offset, 1)) < 0 or tensor.offset + last >= len(numbers):
        raise WeightsError("a tensor reaches beyond its numbers")
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides, writeable=False).copy()


class _Unpickler(pickle.Unpickler):
    """Knows the few names that a file of weights needs; others could run anything."""

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            **{("torch", kind): kind for kind in _ITEM_SIZES},
        }
        if (module, name) not in known:
            raise WeightsError(f"it needs {module}.{name}, which a file of weights doesn't")
        return known[module, name]

    def persistent_load(self, pid: tuple[str, str, str, str, int, object]) -> _Storage:
        _, kind, key, *_ = pid
        return _Storage(kind, key)


def _tensor(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)
