"""The CNN–BiLSTM: three convolutional stages, and two bidirectional LSTMs over the rows of their feature map."""

import keras
from keras import layers

from services.contracts.emotions import EMOTIONS
from services.contracts.model import FACE_SHAPE, INPUT_FACE, OUTPUT_PROBABILITIES
from training.config import AnyNetwork, Network, Pretrained
from training.models.efficientnet import build_efficientnet
from training.models.layers import BatchNormalization

STAGE_FILTERS = (32, 64, 128)
LSTM_UNITS = (128, 64)
DENSE_UNITS = 200
DROPOUT = 0.6
ROWS_LSTM = "rows_lstm"
"""Name of the LSTM over the rows of the feature map."""


def build_network(network: AnyNetwork, seed: int) -> keras.Model:
    """Return the untrained network.

    Input: float [n, 48, 48, 1] in [0, 1]. Output: float32 [n, 7], probabilities in the order of ``EMOTIONS``.
    """
    return build_efficientnet(network, seed) if isinstance(network, Pretrained) else _cnn_bilstm(network, seed)


def _cnn_bilstm(network: Network, seed: int) -> keras.Model:
    face = keras.Input(FACE_SHAPE, name=INPUT_FACE)
    features = face
    for filters, convolutions in zip(STAGE_FILTERS, network.convolutions, strict=True):
        features = _stage(features, filters * network.width, convolutions)
    sequence = _rows_as_sequence(features)
    # Unrolled: six steps cost less than a while loop, and Keras can't choose a cuDNN kernel for them.
    sequence = layers.Bidirectional(layers.LSTM(LSTM_UNITS[0], return_sequences=True, unroll=True, name=ROWS_LSTM))(
        sequence
    )
    summary = layers.Bidirectional(layers.LSTM(LSTM_UNITS[1], unroll=True))(sequence)
    hidden = layers.Dense(DENSE_UNITS, activation="relu")(summary)
    hidden = layers.Dropout(DROPOUT, seed=seed)(hidden)
    probabilities = layers.Dense(len(EMOTIONS), activation="softmax", dtype="float32", name=OUTPUT_PROBABILITIES)(
        hidden
    )
    return keras.Model(face, probabilities, name="cnn_bilstm")


def _stage(features: keras.KerasTensor, filters: int, convolutions: int) -> keras.KerasTensor:
    # Early pooling: later convolutions cost a quarter, and the layers this affords outweigh the loss of detail.
    features = layers.MaxPooling2D()(_convolution(features, filters))
    features = layers.ReLU()(BatchNormalization()(features))
    for _ in range((convolutions - 1) // 2):
        features = _residual(features, filters)
    return features


def _residual(features: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    residual = layers.ReLU()(BatchNormalization()(_convolution(features, filters)))
    residual = BatchNormalization()(_convolution(residual, filters))
    return layers.ReLU()(layers.Add()([residual, features]))


def _convolution(features: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    return layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(features)


def _rows_as_sequence(features: keras.KerasTensor) -> keras.KerasTensor:
    _, rows, columns, channels = features.shape
    return layers.Reshape((rows, columns * channels))(features)
