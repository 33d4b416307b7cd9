"""The fused batch normalisation agrees with Keras' own."""

import keras
import numpy as np
import pytest

from training.models.layers import BatchNormalization


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_training_agrees_with_keras(dtype: str) -> None:
    batch = np.random.default_rng(2).normal(3, 2, (64, 6, 6, 4)).astype(np.float32)
    targets = np.random.default_rng(3).normal(0, 1, batch.shape).astype(np.float32)
    trained = []
    for kind in (BatchNormalization, keras.layers.BatchNormalization):
        layer = kind(dtype=dtype, momentum=0.5)
        model = keras.Sequential([layer])
        model.compile(keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError())
        model.fit(batch, targets, batch_size=64, epochs=3, verbose=0)
        trained.append([*layer.get_weights(), model.predict(batch, verbose=0)])
    tolerance = 1e-3 if dtype == "float32" else 2e-2
    for ours, keras_own in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, keras_own, atol=tolerance, rtol=tolerance)
