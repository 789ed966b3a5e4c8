"""The dense layer: its sums by hand, its pull-back as an adjoint, what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.activations import LeakyReLU, Sigmoid
from pellucid.errors import InputError
from pellucid.initialisers import Constant, HeNormal
from pellucid.layers import KINDS, Dense, Layer


def test_sums_by_hand():
    layer = Dense(2, 3)
    arrays = {"w": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), "b": np.array([0.5, 0.0, -0.5])}
    a = np.array([[1.0, 10.0], [2.0, 0.0]])
    np.testing.assert_array_equal(layer.z(arrays, a), [[21.5, 43, 64.5], [2.5, 6, 9.5]])
    delta = np.array([[1.0, 10.0, 100.0], [0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(layer.pull_back(arrays, delta), [[531, 642], [3, 4]])
    factors = layer.factors(a, delta)
    np.testing.assert_array_equal(factors["w"].per_sample()[0], [[1, 10], [10, 100], [100, 1000]])
    np.testing.assert_array_equal(factors["w"].mean(), [[0.5, 5], [6, 50], [50, 500]])
    np.testing.assert_array_equal(factors["b"].mean(), [0.5, 5.5, 50])


def test_without_biases():
    layer = Dense(2, 3, bias=False)
    assert layer.shapes() == {"w": (3, 2)}
    assert set(layer.initial(np.random.default_rng(0))) == {"w"}
    assert set(layer.factors(np.ones((1, 2)), np.ones((1, 3)))) == {"w"}
    np.testing.assert_array_equal(layer.z({"w": np.ones((3, 2))}, np.ones((1, 2))), [[2, 2, 2]])


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_pull_back_is_the_adjoint(n_in, n_out, n, seed):
    generator = np.random.default_rng(seed)
    layer = Dense(n_in, n_out)
    arrays = {name: generator.normal(size=shape) for name, shape in layer.shapes().items()}
    a, u = generator.normal(size=(2, n, n_in))
    v = generator.normal(size=(n, n_out))
    forward = layer.z(arrays, a + u) - layer.z(arrays, a)  # D z · u, exactly linear in a
    assert np.sum(forward * v) == pytest.approx(np.sum(u * layer.pull_back(arrays, v)), rel=1e-10, abs=1e-10)
    # and in the weights: ⟨D z · Δw, v⟩ = ⟨Δw, Σ_i ∂C_i/∂w⟩
    moved = {name: generator.normal(size=shape) for name, shape in layer.shapes().items()}
    forward = layer.z({name: arrays[name] + moved[name] for name in arrays}, a) - layer.z(arrays, a)
    gradient = {name: factors.per_sample().sum(axis=0) for name, factors in layer.factors(a, v).items()}
    expected = sum(np.sum(moved[name] * gradient[name]) for name in arrays)
    assert np.sum(forward * v) == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_it_is_a_layer():
    assert isinstance(Dense(2, 3), Layer)
    assert KINDS["dense"] is Dense
    assert not isinstance("dense", Layer)


def test_first_arrays():
    layer = Dense(4, 3, "relu")
    first = layer.initial(np.random.default_rng(5))
    assert {name: array.shape for name, array in first.items()} == layer.shapes() == {"w": (3, 4), "b": (3,)}
    assert all(array.dtype == np.float64 for array in first.values())
    assert not first["b"].any()
    assert first["w"].any()
    again = layer.initial(np.random.default_rng(5))
    np.testing.assert_array_equal(first["w"], again["w"])


class TestDescription:
    @pytest.mark.parametrize(
        "layer", [Dense(4, 3), Dense(2, 1, LeakyReLU(0.2), bias=False), Dense(1, 2, "elu", initialiser=Constant(0.5))]
    )
    def test_survives_being_stored(self, layer):
        import json

        again = Dense.from_dict(json.loads(json.dumps(layer.to_dict())))
        assert again == layer
        assert again.initialiser == layer.initialiser

    def test_defaults(self):
        layer = Dense(np.int64(4), 3, "sigmoid")
        assert (layer.n_in, layer.n_out, layer.activation, layer.bias) == (4, 3, Sigmoid(), True)
        assert type(layer.n_in) is int
        assert Dense(4, 3, "relu").initialiser == HeNormal()

    def test_the_origin_of_its_weights_does_not_make_it_another_layer(self):
        assert Dense(4, 3, initialiser="zeros") == Dense(4, 3, initialiser="orthogonal")
        assert hash(Dense(4, 3, initialiser="zeros")) == hash(Dense(4, 3, initialiser="orthogonal"))
        assert Dense(4, 3, "relu") != Dense(4, 3)
        assert Dense(4, 3, bias=False) != Dense(4, 3)


class TestRefused:
    @pytest.mark.parametrize("size", [0, -1, 2.0, 1.5, "3", None, True, [3], float("nan")])
    @pytest.mark.parametrize("name", ["n_in", "n_out"])
    def test_sizes(self, name, size):
        with pytest.raises(InputError, match=f"Dense: {name}: expected a whole number ≥ 1, got "):
            Dense(**{"n_in": 2, "n_out": 2, name: size})

    @pytest.mark.parametrize("bias", [0, 1, "yes", None])
    def test_bias(self, bias):
        with pytest.raises(InputError, match="Dense: bias: expected True or False, got "):
            Dense(2, 2, bias=bias)

    def test_activation_and_initialiser(self):
        with pytest.raises(InputError, match="activation: expected one of"):
            Dense(2, 2, "sigmoidal")
        with pytest.raises(InputError, match="initialiser: expected one of"):
            Dense(2, 2, initialiser="random")
