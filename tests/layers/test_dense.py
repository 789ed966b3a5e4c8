"""The dense layer: its sums by hand, its pull-back as an adjoint, what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.activations import LeakyReLU, Sigmoid
from pellucid.errors import InputError, ShapeError
from pellucid.initialisers import Constant, HeNormal
from pellucid.layers import KINDS, Dense, Layer
from pellucid.spaces import Space


def below(n):
    """A layer of n nodes, as the one above sees it."""
    return Space("j", (n,))


def step(layer):
    """The operation that z of a dense layer is."""
    return layer.quantities(below(1))[0].operation


def test_sums_by_hand():
    z = step(Dense(3))
    arrays = {"w": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), "b": np.array([0.5, 0.0, -0.5])}
    a = np.array([[1.0, 10.0], [2.0, 0.0]])
    x = (arrays["w"], a, arrays["b"])
    np.testing.assert_array_equal(z.value(*x), [[21.5, 43, 64.5], [2.5, 6, 9.5]])
    delta = np.array([[1.0, 10.0, 100.0], [0.0, 1.0, 0.0]])
    np.testing.assert_array_equal(z.pull_back(1, x, None, delta), [[531, 642], [3, 4]])
    factors = {"w": z.factors(0, x, None, delta), "b": z.factors(2, x, None, delta)}
    np.testing.assert_array_equal(factors["w"].per_sample()[0], [[1, 10], [10, 100], [100, 1000]])
    np.testing.assert_array_equal(factors["w"].mean(), [[0.5, 5], [6, 50], [50, 500]])
    np.testing.assert_array_equal(factors["b"].mean(), [0.5, 5.5, 50])


def test_without_biases():
    layer = Dense(3, bias=False)
    assert layer.arrays(below(2)) == {"w": (3, 2)}
    assert layer.letters(below(2)) == {"w": "jk"}
    assert set(layer.initial(np.random.default_rng(0), below(2))) == {"w"}
    z, a = layer.quantities(below(2))
    assert (z.name, z.reads, a.name, a.reads) == ("z", ("w", 0), "a", ("z",))
    np.testing.assert_array_equal(step(layer).value(np.ones((3, 2)), np.ones((1, 2))), [[2, 2, 2]])


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_pull_back_is_the_adjoint(n_in, n_out, n, seed):
    generator = np.random.default_rng(seed)
    layer = Dense(n_out)
    arrays = {name: generator.normal(size=shape) for name, shape in layer.arrays(below(n_in)).items()}
    operation = step(layer)

    def z(arrays, a):
        return operation.value(arrays["w"], a, arrays["b"])

    a, u = generator.normal(size=(2, n, n_in))
    v = generator.normal(size=(n, n_out))
    x = (arrays["w"], a, arrays["b"])
    forward = z(arrays, a + u) - z(arrays, a)  # D z · u, exactly linear in a
    assert np.sum(forward * v) == pytest.approx(np.sum(u * operation.pull_back(1, x, None, v)), rel=1e-10, abs=1e-10)
    # and in the weights: ⟨D z · Δw, v⟩ = ⟨Δw, Σ_i ∂C_i/∂w⟩
    moved = {name: generator.normal(size=shape) for name, shape in layer.arrays(below(n_in)).items()}
    forward = z({name: arrays[name] + moved[name] for name in arrays}, a) - z(arrays, a)
    gradient = {name: operation.factors(m, x, None, v).per_sample().sum(axis=0) for name, m in (("w", 0), ("b", 2))}
    expected = sum(np.sum(moved[name] * gradient[name]) for name in arrays)
    assert np.sum(forward * v) == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_it_is_a_layer():
    assert isinstance(Dense(3), Layer)
    assert KINDS["dense"] is Dense
    assert not isinstance("dense", Layer)


def test_first_arrays():
    layer = Dense(3, "relu")
    first = layer.initial(np.random.default_rng(5), below(4))
    assert {name: array.shape for name, array in first.items()} == layer.arrays(below(4)) == {"w": (3, 4), "b": (3,)}
    assert all(array.dtype == np.float64 for array in first.values())
    assert not first["b"].any()
    assert first["w"].any()
    again = layer.initial(np.random.default_rng(5), below(4))
    np.testing.assert_array_equal(first["w"], again["w"])


class TestDescription:
    @pytest.mark.parametrize(
        "layer",
        [
            Dense(3),
            Dense(1, LeakyReLU(0.2), bias=False),
            Dense(2, "elu", initialiser=Constant(0.5)),
            Dense(2, reads=-2),
        ],
    )
    def test_survives_being_stored(self, layer):
        import json

        again = Dense.from_dict(json.loads(json.dumps(layer.to_dict())))
        assert again == layer
        assert again.initialiser == layer.initialiser

    def test_defaults(self):
        layer = Dense(np.int64(3), "sigmoid")
        assert (layer.n, layer.activation, layer.bias, layer.reads) == (3, Sigmoid(), True, ())
        assert type(layer.n) is int
        assert Dense(3, reads=np.int64(1)).reads == Dense(3, reads=[1]).reads == (1,)
        assert Dense(3, "relu").initialiser == HeNormal()

    def test_the_origin_of_its_weights_does_not_make_it_another_layer(self):
        assert Dense(3, initialiser="zeros") == Dense(3, initialiser="orthogonal")
        assert hash(Dense(3, initialiser="zeros")) == hash(Dense(3, initialiser="orthogonal"))
        assert Dense(3, "relu") != Dense(3)
        assert Dense(3, bias=False) != Dense(3)


class TestRefused:
    @pytest.mark.parametrize("size", [0, -1, 2.0, 1.5, "3", None, True, [3], float("nan")])
    def test_sizes(self, size):
        with pytest.raises(InputError, match="Dense: n: expected a whole number ≥ 1, got "):
            Dense(size)

    @pytest.mark.parametrize("n_out", [30, np.int64(30)])
    def test_sizes_below_and_above(self, n_out):
        with pytest.raises(InputError) as caught:
            Dense(784, n_out)
        assert str(caught.value) == (
            "Dense(784, 30): expected the number of nodes, then the activation. "
            "Sizes below are inferred: write Input(784), Dense(30)."
        )

    @pytest.mark.parametrize("reads", [None, "below", 1.5, True, (0, 1), (0.5,), ("a",), (True,), [[1]]])
    def test_reads(self, reads):
        with pytest.raises(InputError, match="Dense: reads: expected the number of a layer, got "):
            Dense(2, reads=reads)

    def test_several_indices_below(self):
        with pytest.raises(ShapeError, match=r"Dense: expected one index below, got \(2, 3\)\. Flatten it first"):
            Dense(2).arrays(Space("tj", (2, 3)))

    @pytest.mark.parametrize("bias", [0, 1, "yes", None])
    def test_bias(self, bias):
        with pytest.raises(InputError, match="Dense: bias: expected True or False, got "):
            Dense(2, bias=bias)

    def test_activation_and_initialiser(self):
        with pytest.raises(InputError, match="activation: expected one of"):
            Dense(2, "sigmoidal")
        with pytest.raises(InputError, match="initialiser: expected one of"):
            Dense(2, initialiser="random")
