import keras
import numpy as np
import pytest

from training.teacher import Ensemble

FACES = np.random.default_rng(1).random((3, 48, 48, 1), np.float32)


def left_half(answer: int) -> keras.Model:
    """A network that is the surer of one answer the brighter the left half of a face is."""
    face = keras.Input((48, 48, 1))
    brightness = keras.layers.GlobalAveragePooling2D()(keras.layers.Cropping2D(((0, 0), (0, 24)))(face))
    answers = keras.layers.Dense(7, activation="softmax", use_bias=False)
    network = keras.Model(face, answers(brightness))
    answers.set_weights([np.eye(7, dtype=np.float32)[answer : answer + 1] * 4])
    return network


def test_an_ensemble_says_what_its_networks_say_in_the_mean() -> None:
    first, third = left_half(0), left_half(2)
    said = Ensemble([first, left_half(1), third]).answer(FACES)
    mirrored = left_half(1).predict_on_batch(FACES[:, :, ::-1])
    expected = (first.predict_on_batch(FACES) + mirrored + third.predict_on_batch(FACES)) / 3
    assert said.dtype == np.float32
    np.testing.assert_allclose(said, expected, atol=1e-6)


def test_every_other_network_sees_the_mirror_image() -> None:
    lit = np.zeros((1, 48, 48, 1), np.float32)
    lit[:, :, :24] = 1
    said = Ensemble([left_half(0), left_half(1)]).answer(lit)
    assert said[0, 0] == pytest.approx((np.exp(4) / (np.exp(4) + 6) + 1 / 7) / 2, abs=1e-5)
    assert said[0, 1] == pytest.approx((1 / (np.exp(4) + 6) + 1 / 7) / 2, abs=1e-5)


def test_networks_are_told_apart_by_their_weights() -> None:
    assert Ensemble([left_half(0)]).digest == Ensemble([left_half(0)]).digest
    assert Ensemble([left_half(0), left_half(1)]).digest != Ensemble([left_half(1), left_half(0)]).digest
