"""Each activation against independent formulas, at ordinary and extreme inputs, on both array libraries."""

import cmath
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import scalar_functions
from pellucid.activations import ACTIVATIONS, ELU, GELU, SELU, Activation, LeakyReLU, ReLU, SiLU, Softmax, activation
from pellucid.errors import InputError
from pellucid.expressions import evaluate

NAMES = [name for name, g in ACTIVATIONS.items() if g.elementwise]
Z = np.array([-30.0, -4.5, -2.0, -1.0, -0.3, -1e-3, 1e-3, 0.2, 1.0, 2.5, 4.0, 30.0])


def exact(name, z):
    """g(z) and g′(z) with 100 digits."""
    g, derivative = scalar_functions.ACTIVATIONS[name]
    with mpmath.workdps(100):
        return [float(g(mpmath.mpf(v))) for v in z], [float(derivative(mpmath.mpf(v))) for v in z]


def test_the_table_is_complete():
    assert set(NAMES) == set(scalar_functions.ACTIVATIONS)
    assert len(ACTIVATIONS) == 13


@pytest.mark.parametrize("name", NAMES)
def test_values_and_derivatives(name):
    g = activation(name)
    value, derivative = exact(name, Z)
    # the tail of erfc, e^(−z²/2), turns a last bit of z into z² last bits of a
    assert np.all(np.abs(g.g(Z) - value) <= 1e-15 * np.maximum(10, Z**2) * np.abs(value))
    # a(1 − a) and 1 − a² lose digits where a is near 1: correct to the rounding of a, that is absolutely
    np.testing.assert_allclose(g.derivative(Z), derivative, rtol=1e-14, atol=2e-16)


@pytest.mark.parametrize("name", NAMES)
def test_small_values_keep_their_digits(name):
    z = np.array([-1e-10, 1e-10, 1e-200])
    value, _ = exact(name, z)
    np.testing.assert_allclose(activation(name).g(z), value, rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_complex_step_gives_the_derivative(name):
    g = activation(name)
    np.testing.assert_allclose(g.g(Z + 1e-30j).imag / 1e-30, g.derivative(Z), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("gelu", "silu")])
def test_derivative_from_output(name):
    g = activation(name)
    _, derivative = exact(name, Z)
    np.testing.assert_allclose(g.derivative_from_output(g.g(Z)), derivative, rtol=1e-14, atol=2e-16)


@pytest.mark.parametrize("g", [GELU(), SiLU()])
def test_the_output_does_not_determine_every_derivative(g):
    with pytest.raises(NotImplementedError):
        g.derivative_from_output(g.g(Z))


@pytest.mark.parametrize("name", NAMES)
def test_pull_back_is_the_product_with_the_derivative(name, generator):
    g = activation(name)
    z, dC_da = generator.normal(size=(4, 3)), generator.normal(size=(4, 3))
    np.testing.assert_allclose(g.pull_back(z, g.g(z), dC_da), dC_da * g.derivative(z), rtol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_equations_equal_the_code(name):
    g = activation(name)
    for z in [*Z.tolist(), 0.0]:
        values = {"z": z, **g.parameters}
        a = evaluate(g.equation, values)
        assert a == pytest.approx(float(g.g(np.array(z))), rel=1e-14, abs=1e-13)
        derivative = evaluate(g.derivative_equation, {**values, "a": a})
        assert derivative == pytest.approx(float(g.derivative(np.array(z))), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_inputs_stay_finite(name, dtype):
    g, z = activation(name), np.array([-1e4, -1e3, -90, 90, 1e3, 1e4], dtype)
    with np.errstate(over="ignore"):  # e^(−z) = ∞ gives the right limit; e^z itself is the ∞ that its dtype has
        a, derivative = g.g(z), g.derivative(z)
        value, expected = (np.asarray(v).astype(dtype) for v in exact(name, z.tolist()))
    assert name == "exponential" or (np.isfinite(a).all() and np.isfinite(derivative).all())
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(a, value, rtol=tolerance, atol=100 * np.finfo(dtype).tiny)
    np.testing.assert_allclose(derivative, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_float32_stays_float32(name):
    g, z = activation(name), np.linspace(-3, 3, 12, dtype=np.float32).reshape(4, 3)
    a = g.g(z)
    assert a.dtype == np.float32
    assert g.pull_back(z, a, np.ones_like(a)).dtype == np.float32
    if g.elementwise:
        assert g.derivative(z).dtype == np.float32


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_jax_under_jit_gives_what_numpy_gives(name, generator):
    import jax

    g, z = activation(name), generator.normal(size=(4, 3)) * 3
    dC_da = generator.normal(size=(4, 3))
    with jax.enable_x64(True):
        a, delta = jax.jit(lambda z, d: (g.g(z), g.pull_back(z, g.g(z), d)))(z, dC_da)
        assert a.dtype == delta.dtype == np.float64
    np.testing.assert_allclose(np.asarray(a), g.g(z), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(np.asarray(delta), g.pull_back(z, g.g(z), dC_da), rtol=1e-12, atol=1e-15)
    single = jax.jit(g.g)(z.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(np.asarray(single), g.g(z.astype(np.float32)), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_a_nan_stays_one(name):
    a = activation(name).g(np.array([[math.nan, 1.0]]))
    assert np.isnan(a[0, 0])
    assert name == "softmax" or not np.isnan(a[0, 1])


@pytest.mark.parametrize(
    ("g", "at_zero"),
    [
        (ReLU(), 0), (LeakyReLU(0.3), 0.3), (ELU(0.7), 0.7), (SELU(), 1.0507009873554805 * 1.6732632423543772),
        (activation("softsign"), 1), (activation("linear"), 1), (activation("exponential"), 1), (activation("tanh"), 1), (activation("sigmoid"), 0.25),
    ],
)  # fmt: skip
def test_derivative_at_zero(g, at_zero):
    for zero in (0.0, -0.0):
        z = np.array([[zero]])
        assert g.derivative(z) == at_zero
        assert g.pull_back(z, g.g(z), np.array([[5.0]])) == 5.0 * at_zero


def test_kinks_are_where_the_derivative_jumps():
    for name in NAMES:
        g = activation(name)
        below, above = g.derivative(np.array([-1e-9, 1e-9]))
        assert (0.0 in g.kinks) == (abs(above - below) > 1e-3 or name == "elu")  # elu's jump is 1 − α, and α is 1


@given(st.floats(-30, 30))
def test_symmetries(z):
    sigmoid, tanh, softplus = (activation(name).g for name in ("sigmoid", "tanh", "softplus"))
    z = np.array(z)
    assert sigmoid(z) + sigmoid(-z) == pytest.approx(1, abs=1e-15)
    assert tanh(z) == -tanh(-z)
    assert softplus(z) - softplus(-z) == pytest.approx(z, abs=1e-14)
    assert 2 * sigmoid(2 * z) - 1 == pytest.approx(tanh(z), abs=1e-15)


class TestSoftmax:
    def test_values(self):
        a = Softmax().g(np.array([[0.0, math.log(3)], [1000.0, 1000.0]]))
        np.testing.assert_allclose(a, [[0.25, 0.75], [0.5, 0.5]], rtol=1e-15)

    def test_rows_sum_to_one_and_a_shift_changes_nothing(self, generator):
        z = generator.normal(size=(6, 4)) * 10
        a = Softmax().g(z)
        np.testing.assert_allclose(a.sum(axis=-1), 1, rtol=1e-15)
        np.testing.assert_allclose(Softmax().g(z + 100), a, rtol=1e-12)

    def test_extreme_inputs(self):
        np.testing.assert_array_equal(Softmax().g(np.array([[-1000.0, 1000.0, 0.0]])), [[0, 1, 0]])

    def test_jacobian(self, generator):
        z = generator.normal(size=(3, 4))
        a = Softmax().g(z)
        for j in range(4):  # the derivative of every output in z_j
            step = np.zeros(4, complex)
            step[j] = 1e-30j
            expected = Softmax().g(z + step).imag / 1e-30
            np.testing.assert_allclose(Softmax().jacobian_column(z, a, j), expected, rtol=1e-13, atol=1e-16)
            for i in range(3):  # and as any activation that mixes has it from its pull-back
                column = Activation.jacobian_column(Softmax(), z[i : i + 1], a[i : i + 1], j)
                np.testing.assert_allclose(column, expected[i : i + 1], rtol=1e-13, atol=1e-16)

    def test_pull_back_is_the_sum_over_the_jacobian(self, generator):
        z, dC_da = generator.normal(size=(3, 4)), generator.normal(size=(3, 4))
        a = Softmax().g(z)
        jacobian = np.stack([Softmax().jacobian_column(z, a, i) for i in range(4)], axis=-1)
        expected = np.einsum("nj,nji->ni", dC_da, jacobian)
        np.testing.assert_allclose(Softmax().pull_back(z, a, dC_da), expected, rtol=1e-13, atol=1e-16)

    def test_pull_back_is_the_adjoint(self, generator):
        z, u, v = generator.normal(size=(3, 5, 4))
        a = Softmax().g(z)
        forward = Softmax().g(z + 1e-30j * u).imag / 1e-30  # J u
        assert np.sum(forward * v) == pytest.approx(np.sum(u * Softmax().pull_back(z, a, v)), rel=1e-12)

    def test_jacobian_under_jax(self, generator):
        import jax

        z = generator.normal(size=(3, 4))
        a = Softmax().g(z)
        with jax.enable_x64(True):
            for j in range(4):
                found = jax.jit(lambda z, a, j=j: Softmax().jacobian_column(z, a, j))(z, a)
                np.testing.assert_allclose(np.asarray(found), Softmax().jacobian_column(z, a, j), rtol=1e-14)


class TestChoosing:
    def test_by_name_by_stored_form_or_itself(self):
        for name, kind in ACTIVATIONS.items():
            g = activation(name)
            assert type(g) is kind
            assert activation(g) is g
            assert activation({"name": name, **g.parameters}) == g
            assert hash(activation(name)) == hash(g)

    @pytest.mark.parametrize("given", ["relu6", "ReLU", "", None, 3, {}, {"slope": 1}, ["relu"], {"name": ["relu"]}])
    def test_unknown(self, given):
        with pytest.raises(InputError, match=r"activation: expected one of elu, exponential, gelu, .*, tanh, got "):
            activation(given)

    def test_constants_that_it_does_not_have(self):
        with pytest.raises(InputError, match=r"activation relu: expected its own constants only, got \{'slope': 1\}\."):
            activation({"name": "relu", "slope": 1})

    @pytest.mark.parametrize("slope", [0, -0.1, math.nan, math.inf, "0.1", None, True, [0.1], 1j, np.ones(2)])
    def test_leaky_relu_needs_a_slope(self, slope):
        with pytest.raises(InputError, match=r"leaky_relu: expected a slope > 0, got .*\. Use relu for a slope of 0\."):
            LeakyReLU(slope)

    def test_a_numpy_scalar_does_not_change_the_dtype(self):
        z = np.array([-1.0, 1.0], np.float32)
        for g in (LeakyReLU(np.float64(0.1)), ELU(np.float64(0.1))):
            assert g.g(z).dtype == g.derivative(z).dtype == np.float32
        assert type(LeakyReLU(np.float32(0.5)).slope) is float

    @pytest.mark.parametrize("alpha", [0, -1.0, math.nan, math.inf, "1", None])
    def test_elu_needs_an_alpha(self, alpha):
        with pytest.raises(InputError, match="elu: expected alpha > 0"):
            ELU(alpha)


def test_scalar_functions_take_complex_numbers_and_fractions():
    for name in NAMES:
        g, derivative = scalar_functions.ACTIVATIONS[name]
        for z in (-1.5, 0.75):
            step = g(complex(z, 1e-30)).imag / 1e-30
            assert step == pytest.approx(derivative(z), rel=1e-14)
    g, derivative = scalar_functions.ACTIVATIONS["softsign"]
    assert g(Fraction(-1, 2)) == Fraction(-1, 3)
    assert derivative(Fraction(-1, 2)) == Fraction(4, 9)
    with pytest.raises(InputError, match="Fraction: expected only rational activations and losses"):
        scalar_functions.ACTIVATIONS["tanh"][0](Fraction(1, 2))
    assert scalar_functions.sigma(-1000.0) == 0
    assert scalar_functions.exp(1j) == cmath.exp(1j)
