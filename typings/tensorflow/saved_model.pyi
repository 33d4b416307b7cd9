from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tensorflow import Tensor, TensorSpec

class _Signature(Protocol):
    @property
    def structured_input_signature(self) -> tuple[tuple[()], dict[str, TensorSpec]]: ...
    @property
    def structured_outputs(self) -> dict[str, TensorSpec]: ...
    def __call__(self, **inputs: Tensor) -> dict[str, Tensor]: ...

class _Loaded:
    signatures: Mapping[str, _Signature]

def load(export_dir: str, tags: Sequence[str] | None = ...) -> _Loaded: ...
def __getattr__(name: str) -> Any: ...
