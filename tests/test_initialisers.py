"""The first weights: seeded, with the spread that their names promise, chosen by the activation."""

import numpy as np
import pytest

from pellucid.activations import ACTIVATIONS, activation
from pellucid.errors import InputError
from pellucid.initialisers import INITIALISERS, Constant, Normal, Orthogonal, Uniform, initialiser

SHAPE = (300, 200)  # fan-out 300, fan-in 200
VARIANCES = {
    "glorot_uniform": 2 / 500, "glorot_normal": 2 / 500, "he_uniform": 2 / 200, "he_normal": 2 / 200,
    "lecun_uniform": 1 / 200, "lecun_normal": 1 / 200, "uniform": 0.1**2 / 12, "normal": 0.05**2, "orthogonal": 1 / 300,
    "zeros": 0, "constant": 0,
}  # fmt: skip


def draw(name, shape=SHAPE, seed=1):
    return initialiser(name, activation("tanh")).draw(shape, np.random.default_rng(seed))


def test_the_table_is_complete():
    assert set(VARIANCES) == set(INITIALISERS)


@pytest.mark.parametrize("name", list(INITIALISERS))
def test_shape_and_seed(name):
    w = draw(name)
    assert w.shape == SHAPE
    assert w.dtype == np.float64
    assert w.flags.c_contiguous
    np.testing.assert_array_equal(w, draw(name))
    assert name in ("zeros", "constant") or (w != draw(name, seed=2)).any()


@pytest.mark.parametrize("name", list(INITIALISERS))
def test_mean_and_variance(name):
    w = draw(name)
    assert w.var() == pytest.approx(VARIANCES[name], rel=0.03, abs=1e-300)  # 60,000 draws: about five deviations
    assert abs(w.mean()) <= 4 * np.sqrt(VARIANCES[name] / w.size)


@pytest.mark.parametrize("name", [name for name in INITIALISERS if "uniform" in name])
def test_uniform_draws_fill_their_interval(name):
    limit = np.sqrt(3 * VARIANCES[name])
    w = draw(name)
    assert 0.999 * limit < w.max() <= limit
    assert -limit <= w.min() < -0.999 * limit


@pytest.mark.parametrize("name", ["glorot_normal", "he_normal", "lecun_normal", "normal"])
def test_normal_draws_have_tails(name):
    outside = (abs(draw(name)) > 2 * np.sqrt(VARIANCES[name])).mean()
    assert outside == pytest.approx(0.0455, abs=0.005)


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7), (5, 2, 2), (1, 6), (6, 1)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal(shape, gain):
    w = Orthogonal(gain).draw(shape, np.random.default_rng(0))
    assert w.shape == shape
    w = w.reshape((shape[0], -1))
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, gain**2 * np.eye(min(w.shape)), atol=1e-14 * gain**2)


def test_orthogonal_draws_favour_no_direction():
    traces = [np.trace(Orthogonal().draw((3, 3), np.random.default_rng(seed))) for seed in range(400)]
    assert abs(np.mean(traces)) < 0.2  # the uniform distribution's mean is 0; the plain factor Q's is not


def test_constants():
    assert (Constant(0.25).draw((2, 3), np.random.default_rng(0)) == 0.25).all()
    w = Uniform(2.0, 3.0).draw(SHAPE, np.random.default_rng(0))
    assert 2 <= w.min() <= w.max() < 3
    w = Normal(5.0, 0.1).draw(SHAPE, np.random.default_rng(0))
    assert w.mean() == pytest.approx(5, abs=0.01)


class TestChoosing:
    @pytest.mark.parametrize("g", list(ACTIVATIONS))
    def test_by_the_activation(self, g):
        chosen = initialiser(None, activation(g)).name
        rectifiers = {"relu", "leaky_relu", "elu", "gelu", "silu", "softplus"}
        assert chosen == ("he_normal" if g in rectifiers else "lecun_normal" if g == "selu" else "glorot_uniform")

    def test_by_name_by_stored_form_or_itself(self):
        for name, kind in INITIALISERS.items():
            first = initialiser(name, activation("relu"))
            assert type(first) is kind
            assert initialiser(first, activation("relu")) is first
            assert initialiser({"name": name, **first.parameters}, activation("relu")) == first

    @pytest.mark.parametrize("given", ["xavier", "", 3, {}, ["zeros"]])
    def test_unknown(self, given):
        with pytest.raises(InputError, match=r"initialiser: expected one of constant, .*, zeros, got "):
            initialiser(given, activation("relu"))

    @pytest.mark.parametrize("value", [np.nan, np.inf, "0.5", None, [1], np.ones(2)])
    @pytest.mark.parametrize(("name", "constant"), [
        ("constant", "value"), ("uniform", "low"), ("uniform", "high"), ("normal", "mean"),
        ("normal", "standard_deviation"), ("orthogonal", "gain"),
    ])  # fmt: skip
    def test_constants_that_are_no_numbers(self, name, constant, value):
        with pytest.raises(InputError, match=f"{name}: {constant}: expected a finite number, got "):
            INITIALISERS[name](**{constant: value})

    def test_ranges(self):
        with pytest.raises(InputError, match="normal: standard_deviation: expected a finite number ≥ 0, got -1"):
            Normal(0.0, -1.0)
        with pytest.raises(InputError, match=r"uniform: expected low ≤ high, got \(2, 1\)"):
            Uniform(2, 1)
        assert (Uniform(1, 1).draw((2,), np.random.default_rng(0)) == 1).all()

    def test_constants_that_it_does_not_have(self):
        with pytest.raises(InputError, match="initialiser zeros: expected its own constants only"):
            initialiser({"name": "zeros", "value": 1}, activation("relu"))
