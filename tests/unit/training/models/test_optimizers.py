import keras
import numpy as np
import pytest

from training.models.optimizers import ConvMuon, TrapezoidalSchedule


def updated(shape: tuple[int, ...], layer: str = "hidden") -> np.ndarray:
    """Return the change that one step makes to a layer's variable, divided by the learning rate."""
    with keras.name_scope(layer):
        variable = keras.Variable(np.zeros(shape), name="kernel")
    gradient = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    optimizer = ConvMuon(0.01, weight_decay=0.0, adam_weight_decay=0.0, exclude_layers=["probabilities"])
    optimizer.apply([gradient], [variable])
    return np.asarray(variable.numpy()) / -0.01


@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (64, 24), (12, 40)])
def test_the_update_of_a_kernel_is_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = updated(shape).reshape(-1, shape[-1])
    strengths = np.linalg.svd(matrix, compute_uv=False) / (0.2 * np.sqrt(max(matrix.shape)))
    assert strengths.min() > 0.5
    assert strengths.max() < 1.5


@pytest.mark.parametrize(("shape", "layer"), [((16,), "hidden"), ((8, 7), "probabilities")])
def test_vectors_and_excluded_layers_are_updated_by_adam(shape: tuple[int, ...], layer: str) -> None:
    assert np.abs(updated(shape, layer)) == pytest.approx(1, abs=1e-3)


def rates(total: int) -> list[float]:
    schedule = TrapezoidalSchedule(0.4, warmup_steps=4, decay_steps=5, total_steps=total)
    return [float(schedule(step)) for step in range(total)]


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    assert rates(13) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.32, 0.24, 0.16, 0.08])


def test_the_length_of_the_run_only_affects_the_decay() -> None:
    assert rates(13)[:8] == rates(30)[:8]
