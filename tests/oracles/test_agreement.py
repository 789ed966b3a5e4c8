"""Explicit backpropagation, on NumPy and on JAX, equals every reference, for every combination."""

from fractions import Fraction

import numpy as np
import pytest

from pellucid.activations import ACTIVATIONS, ELU, LeakyReLU
from pellucid.backward import backward
from pellucid.forward import forward
from pellucid.losses import LOSSES, Huber

from .cases import COMBINATIONS, RATIONAL_ACTIVATIONS, RATIONAL_LOSSES, WIDTHS, Case, dyadic, fractions, random_case
from .references import EXACT, ORACLES, scalar_fractions


def backpropagation(case: Case, *, stable: bool = True):
    """Pellucid's own mean gradient on NumPy."""
    net = case.architecture
    record = forward(net.program, case.parameters, case.x)
    return backward(net.program, net.loss, record, case.y, stable=stable, to_input=False).gradient()


def backpropagation_jax(case: Case):
    """The same lines on JAX arrays in float64."""
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        on_device = jax.tree.map(jnp.asarray, (case.parameters, case.x, case.y))
        gradient = backpropagation(Case(case.architecture, *on_device))
    return [{name: np.asarray(array) for name, array in layer.items()} for layer in gradient]


def assert_close(gradient, reference, tolerance):
    for l, (layer, expected) in enumerate(zip(gradient, reference, strict=True)):
        assert set(layer) == set(expected)
        for name in layer:
            assert layer[name].shape == expected[name].shape
            assert layer[name].dtype == np.float64
            off = np.max(np.abs(layer[name] - expected[name]))
            scale = np.max(np.abs(expected[name]))
            assert off <= tolerance * scale, f"layer {l} {name}: {off} beside {scale}"


def assert_equal(gradient, reference):
    for layer, expected in zip(gradient, reference, strict=True):
        assert set(layer) == set(expected)
        for name in layer:
            assert layer[name].shape == expected[name].shape
            assert (layer[name] == expected[name]).all()


@pytest.mark.parametrize(("g", "C", "L", "bias"), COMBINATIONS)
def test_every_combination(g, C, L, bias):
    case = random_case(g, C, L, bias)
    reference, tolerance = ORACLES["jax.grad"]
    expected = reference(case)
    assert_close(backpropagation(case), expected, tolerance)
    assert_close(backpropagation(case, stable=False), expected, tolerance)
    assert_close(backpropagation_jax(case), expected, tolerance)
    reference, tolerance = ORACLES["scalar"]
    assert_close(backpropagation(case), reference(case), tolerance)


@pytest.mark.parametrize("oracle", [name for name in ORACLES if name not in ("jax.grad", "scalar")])
@pytest.mark.parametrize(("g", "C"), [(g, C) for g in ACTIVATIONS for C in LOSSES])
def test_every_oracle(oracle, g, C):
    """The slower references, on the combinations of activation and loss in three layers."""
    case = random_case(g, C, 3, bias=True)
    reference, tolerance = ORACLES[oracle]
    assert_close(backpropagation(case), reference(case), tolerance)


@pytest.mark.parametrize(("hidden", "g", "C"), [
    ("tanh", "softmax", "cross_entropy"), ("relu", "softmax", "cross_entropy"), ("softmax", "linear", "huber"),
    ("gelu", "sigmoid", "binary_cross_entropy"), (LeakyReLU(0.3), ELU(0.5), Huber(0.2)), ("selu", "linear", Huber(2.0)),
])  # fmt: skip
def test_mixed_layers_and_constants(hidden, g, C):
    case = random_case(g, C, 4, bias=True, hidden=hidden)
    for reference, tolerance in ORACLES.values():
        assert_close(backpropagation(case), reference(case), tolerance)
    assert_close(backpropagation_jax(case), backpropagation(case), 1e-12)


RATIONAL = [
    (g, C, L, bias) for g in RATIONAL_ACTIVATIONS for C in RATIONAL_LOSSES for L in WIDTHS for bias in (True, False)
]


@pytest.mark.parametrize(("g", "C", "L", "bias"), RATIONAL)
def test_exactly_on_fractions(g, C, L, bias):
    """Rational functions on fractions: the NumPy code (on arrays of Fraction) and the plain loops give the very same
    numbers, and so do dual numbers, which have no backward pass. No tolerance."""
    case = dyadic(g, C, L, bias)
    expected = backpropagation(fractions(case))
    for number in (number for layer in expected for array in layer.values() for number in array.flat):
        assert isinstance(number, Fraction) or (4 * number).is_integer()  # a mean of four signs or zeros is a float
    for reference in EXACT.values():
        assert_equal(reference(case), expected)


@pytest.mark.parametrize(("g", "C", "L", "bias"), [case for case in RATIONAL if case[0] != "softsign"])
def test_exactly_in_float64(g, C, L, bias):
    """Where no operation rounds, float64 on NumPy and JAX gives those numbers to the last bit. (Softsign divides.)"""
    case = dyadic(g, C, L, bias)
    expected = scalar_fractions(case)
    assert_equal(backpropagation(case), expected)
    assert_equal(backpropagation_jax(case), expected)
    assert any(array.any() for layer in expected for array in layer.values())  # not all zero
