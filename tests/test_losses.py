"""Each loss against independent formulas; labels; the fused forms against the long way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import scalar_functions
from pellucid.activations import ACTIVATIONS, Sigmoid, Softmax, activation
from pellucid.errors import InputError
from pellucid.expressions import evaluate
from pellucid.losses import LOSSES, AbsoluteError, Huber, SquaredError, fused, loss, targets

NUMBERS = [name for name, kind in LOSSES.items() if not kind.classes and not kind.counts]
CLASSES = [name for name, kind in LOSSES.items() if kind.classes]
A = np.array([[0.1, 0.7, 0.2], [0.9, 0.05, 0.05], [0.3, 0.3, 0.4]])
TARGETS = {
    False: np.array([[1.5, -0.2, 0.0], [0.9, 2.0, 0.5], [-3.0, 0.25, 0.4]]),
    True: np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.2, 0.5, 0.3]]),
    "counts": np.array([[0.0, 1.0, 3.0], [2.0, 0.0, 0.5], [40.0, 7.0, 0.0]]),
}


def targets_of(C):
    """Targets in the domain of a loss."""
    return TARGETS["counts" if C.counts else C.classes]


def by_loops(name, a, y):
    term, derivative = scalar_functions.LOSSES[name]
    a, y, n_L = a.tolist(), y.tolist(), len(a[0])
    C = [sum(term(a_j, y_j, n_L) for a_j, y_j in zip(a_i, y_i, strict=True)) for a_i, y_i in zip(a, y, strict=True)]
    dC_da = [
        [derivative(a_j, y_j, n_L) for a_j, y_j in zip(a_i, y_i, strict=True)] for a_i, y_i in zip(a, y, strict=True)
    ]
    return C, dC_da


def test_the_table_is_complete():
    assert set(LOSSES) == set(scalar_functions.LOSSES)
    assert len(LOSSES) == 8


@pytest.mark.parametrize("name", list(LOSSES))
def test_values_and_derivatives(name):
    C = loss(name)
    y = targets_of(C)
    value, derivative = by_loops(name, A, y)
    assert C.C(A, y).shape == (3,)
    np.testing.assert_allclose(C.C(A, y), value, rtol=1e-14)
    np.testing.assert_allclose(C.dC_da(A, y), derivative, rtol=1e-14)


def test_constants_by_hand():
    a, y = np.array([[3.0, 5.0]]), np.array([[1.0, 2.0]])
    by_hand = {  # residuals 2 and 3
        "squared_error": (13, [4, 6]), "half_squared_error": (6.5, [2, 3]), "mean_squared_error": (6.5, [2, 3]),
        "absolute_error": (5, [1, 1]), "huber": (1.5 + 2.5, [1, 1]),
    }  # fmt: skip
    assert set(by_hand) == set(NUMBERS)
    for name, (value, derivative) in by_hand.items():
        assert loss(name).C(a, y) == value
        assert loss(name).dC_da(a, y).tolist() == [derivative]
    half = np.array([[0.5, 0.25]])
    assert loss("cross_entropy").C(half, np.array([[0.0, 1.0]])) == pytest.approx(math.log(4))
    assert loss("binary_cross_entropy").C(half, np.array([[0.0, 1.0]])) == pytest.approx(math.log(2) + math.log(4))
    assert loss("binary_cross_entropy").dC_da(half, np.array([[0.0, 1.0]])).tolist() == [[2, -4]]
    assert loss("poisson").C(half, np.array([[0.0, 1.0]])) == pytest.approx(0.5 + math.log(4) - 1 + 0.25)
    assert loss("poisson").dC_da(half, np.array([[0.0, 1.0]])).tolist() == [[1, -3]]


@pytest.mark.parametrize("name", list(LOSSES))
def test_complex_step_gives_the_derivative(name):
    C = loss(name)
    y = np.where(targets_of(C) == A, 0.6, targets_of(C))  # away from the kinks
    for j in range(3):
        step = np.zeros(3, complex)
        step[j] = 1e-30j
        np.testing.assert_allclose(C.C(A + step, y).imag / 1e-30, C.dC_da(A, y)[:, j], rtol=1e-13)


@pytest.mark.parametrize("name", list(LOSSES))
def test_equations_equal_the_code(name):
    C = loss(name)
    y = targets_of(C)
    for index in np.ndindex(A.shape):
        values = {"a": float(A[index]), "y": float(y[index]), "n_L": 3, **C.parameters}
        assert evaluate(C.equation, values) == pytest.approx(float(C.term(A, y)[index]), rel=1e-14)
        assert evaluate(C.derivative_equation, values) == pytest.approx(
            float(C.term_derivative(A, y)[index]), rel=1e-14
        )


@pytest.mark.parametrize("name", list(LOSSES))
def test_float32_stays_float32(name):
    C = loss(name)
    a, y = A.astype(np.float32), targets_of(C).astype(np.float32)
    assert C.C(a, y).dtype == C.dC_da(a, y).dtype == np.float32
    assert C.C(a, np.array([0, 2, 1])).dtype == C.dC_da(a, np.array([0, 2, 1])).dtype == np.float32


@pytest.mark.parametrize("name", list(LOSSES))
def test_jax_under_jit_gives_what_numpy_gives(name):
    import jax

    C = loss(name)
    with jax.enable_x64(True):
        for y in (targets_of(C), np.array([2, 0, 1], np.uint8)):
            value, derivative = jax.jit(lambda a, y: (C.C(a, y), C.dC_da(a, y)))(A, y)
            assert value.dtype == derivative.dtype == np.float64
            np.testing.assert_allclose(np.asarray(value), C.C(A, y), rtol=1e-13)
            np.testing.assert_allclose(np.asarray(derivative), C.dC_da(A, y), rtol=1e-13)


class TestKinks:
    def test_absolute_error(self):
        assert AbsoluteError().dC_da(np.array([[1.0, 2.0, 0.0]]), np.array([[1.0, 1.0, 1.0]])).tolist() == [[0, 1, -1]]

    @pytest.mark.parametrize("kappa", [0.5, 1.0, 3.0])
    def test_huber_is_smooth_where_its_pieces_meet(self, kappa):
        C, y = Huber(kappa), np.zeros((1, 2))
        edge = np.array([[kappa, -kappa]])
        assert C.C(edge, y) == kappa**2
        assert C.dC_da(edge, y).tolist() == C.dC_da(edge * (1 + 1e-12), y).tolist() == [[kappa, -kappa]]
        np.testing.assert_allclose(C.C(edge * 3, y), 2 * kappa * (3 * kappa - kappa / 2))


class TestLabels:
    @pytest.mark.parametrize("name", list(LOSSES))
    @pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint8, np.float64])
    def test_equal_one_hot_rows(self, name, dtype):
        labels, C = np.array([2, 0, 1], dtype), loss(name)
        rows = np.eye(3)[[2, 0, 1]]
        np.testing.assert_array_equal(C.C(A, labels), C.C(A, rows))
        np.testing.assert_array_equal(C.dC_da(A, labels), C.dC_da(A, rows))

    @pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
    def test_more_classes_than_the_dtype_has_numbers(self, dtype):
        rows = targets(np.array([1, 100], dtype), np.zeros((2, 700)))
        assert rows.sum(axis=1).tolist() == [1, 1]
        assert rows.argmax(axis=1).tolist() == [1, 100]

    def test_one_output_node_has_the_number_itself_as_its_target(self):
        np.testing.assert_array_equal(targets(np.array([0, 1, 1]), np.zeros((3, 1))), [[0.0], [1.0], [1.0]])
        np.testing.assert_array_equal(SquaredError().C(np.array([[2.0], [3.0]]), np.array([1.5, 1.0])), [0.25, 4.0])

    def test_booleans(self):
        np.testing.assert_array_equal(targets(np.array([True, False]), np.zeros((2, 2))), [[0.0, 1.0], [1.0, 0.0]])


CHANCES = [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")]
FUSED = [*CHANCES, ("exponential", "poisson")]


class TestFused:
    def test_which(self):
        found = [(g, C) for g in ACTIVATIONS for C in LOSSES if fused(activation(g), loss(C))]
        assert sorted(found) == sorted(FUSED)

    @pytest.mark.parametrize(("g", "C"), FUSED)
    @pytest.mark.parametrize("seed", range(5))
    def test_equals_the_long_way(self, g, C, seed):
        generator = np.random.default_rng(seed)
        g, C = activation(g), loss(C)
        form, z = fused(g, C), generator.normal(size=(20, 4)) * 3
        a = g.g(z)
        for y in (
            np.eye(4)[generator.integers(0, 4, 20)],
            generator.dirichlet(np.ones(4), 20),
            generator.random((20, 4)),
        ):
            np.testing.assert_allclose(form.C(z, y), C.C(a, y), rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(form.delta(a, y), g.pull_back(z, a, C.dC_da(a, y)), rtol=1e-12, atol=1e-14)
        labels = generator.integers(0, 4, 20)
        np.testing.assert_array_equal(form.C(z, labels), form.C(z, np.eye(4)[labels]))
        np.testing.assert_array_equal(form.delta(a, labels), form.delta(a, np.eye(4)[labels]))

    @pytest.mark.parametrize(("g", "C"), FUSED)
    def test_delta_is_the_derivative_of_C(self, g, C, generator):
        form, z, y = fused(activation(g), loss(C)), generator.normal(size=(5, 3)), generator.random((5, 3))
        delta = form.delta(activation(g).g(z), y)  # the targets of a sample do not sum to 1 here
        for j in range(3):
            step = np.zeros(3, complex)
            step[j] = 1e-30j
            np.testing.assert_allclose(form.C(z + step, y).imag / 1e-30, delta[:, j], rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_extreme_logits(self, dtype):
        z = np.array([[1000.0, -1000.0], [-1000.0, 1000.0], [1000.0, 1000.0], [-1000.0, -1000.0]], dtype)
        y = np.array([[0.0, 1.0]] * 4, dtype)
        form = fused(Softmax(), loss("cross_entropy"))
        np.testing.assert_allclose(form.C(z, y), [2000, 0, math.log(2), math.log(2)], rtol=1e-4)
        np.testing.assert_array_equal(form.delta(Softmax().g(z), y), [[1, -1], [0, 0], [0.5, -0.5], [0.5, -0.5]])
        form = fused(Sigmoid(), loss("binary_cross_entropy"))
        np.testing.assert_array_equal(form.C(z, y), [2000, 0, 1000, 1000])
        with np.errstate(over="ignore"):
            a = Sigmoid().g(z)
        np.testing.assert_array_equal(form.delta(a, y), [[1, -1], [0, 0], [1, 0], [0, -1]])
        assert form.C(z, y).dtype == form.delta(a, y).dtype == dtype

    @pytest.mark.parametrize("scale", [1, 30, 1000])
    def test_extreme_logits_under_jax(self, scale, generator):
        import jax

        z, labels = (generator.normal(size=(6, 3)) * scale), generator.integers(0, 3, 6)
        for g, C in CHANCES:
            form, g = fused(activation(g), loss(C)), activation(g)
            with jax.enable_x64(True):
                value, delta = jax.jit(lambda z, y: (form.C(z, y), form.delta(g.g(z), y)))(z, labels)  # noqa: B023
            with np.errstate(over="ignore"):
                np.testing.assert_allclose(np.asarray(value), form.C(z, labels), rtol=1e-12, atol=1e-13 * scale)
                np.testing.assert_allclose(np.asarray(delta), form.delta(g.g(z), labels), rtol=1e-12, atol=1e-15)

    @given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=5), st.integers(0, 4))
    def test_always_finite(self, z, label):
        z, y = np.array([z]), np.array([label % len(z)])
        for g, C in CHANCES:
            g, form = activation(g), fused(activation(g), loss(C))
            with np.errstate(over="ignore"):
                C_0, delta = form.C(z, y), form.delta(g.g(z), y)
            assert np.isfinite(C_0).all()
            assert C_0 >= -1e-11
            assert (abs(delta) <= 1).all()

    def test_the_long_way_breaks_where_the_fused_form_does_not(self):
        z, y = np.array([[0.0, 1000.0]]), np.array([0])
        with np.errstate(divide="ignore"):
            assert loss("cross_entropy").C(Softmax().g(z), y) == math.inf
        assert fused(Softmax(), loss("cross_entropy")).C(z, y) == 1000


class TestPoisson:
    @pytest.mark.parametrize("xp", ["numpy", "jax"])
    def test_half_the_deviance_of_scikit_learn(self, xp, generator):
        import jax
        from sklearn.metrics import mean_poisson_deviance

        z, y = generator.normal(size=(30, 1)) * 2, generator.poisson(2.0, (30, 1)).astype(float)
        form, C = fused(activation("exponential"), loss("poisson")), loss("poisson")
        expected = mean_poisson_deviance(y, np.exp(z)) / 2
        with jax.enable_x64(True):
            jit = jax.jit if xp == "jax" else lambda f: f
            short, long = jit(lambda z, y: (form.C(z, y), C.C(activation("exponential").g(z), y)))(z, y)
        assert np.asarray(short).mean() == pytest.approx(expected, rel=1e-13)
        assert np.asarray(long).mean() == pytest.approx(expected, rel=1e-13)

    def test_no_digits_are_lost_near_the_target(self):
        """At z = log y + d the loss is y(e^d − 1 − d); the long way takes numbers of the size of y log y apart."""
        import mpmath

        form = fused(activation("exponential"), loss("poisson"))
        y = np.array([[1e6], [1e6], [3.0], [1e-3]])
        z = np.log(y) + np.array([[1e-3], [-2e-2], [1e-2], [0.5]])
        with mpmath.workdps(60):
            exact = [float(v * (mpmath.log(v) - u - 1) + mpmath.exp(u)) for v, u in
                     ((mpmath.mpf(v), mpmath.mpf(u)) for v, u in zip(y[:, 0], z[:, 0], strict=True))]  # fmt: skip
        np.testing.assert_allclose(form.C(z, y), exact, rtol=1e-11)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_far_below_zero_it_stays_finite(self, dtype):
        form, z = fused(activation("exponential"), loss("poisson")), np.array([[-1000.0, -1000.0]], dtype)
        C = form.C(z, np.array([[2.0, 0.0]], dtype))
        np.testing.assert_allclose(C, [2 * math.log(2) + 2000 - 2], rtol=1e-6)
        assert C.dtype == dtype
        np.testing.assert_array_equal(form.delta(np.exp(z), np.array([[2.0, 0.0]], dtype)), [[-2, 0]])

    def test_a_right_output_costs_nothing(self):
        y = np.array([[3.0, 0.5, 0.0]])
        assert loss("poisson").C(y, y) == 0
        np.testing.assert_array_equal(loss("poisson").dC_da(y, y), [[0, 0, 1]])


@pytest.mark.parametrize("name", CLASSES)
def test_a_sure_and_right_output_costs_nothing(name):
    a = y = np.array([[0.0, 1.0, 0.0]])
    assert loss(name).C(a, y) == 0
    assert np.isfinite(loss(name).dC_da(a, y)).all()


class TestChoosing:
    def test_by_name_by_stored_form_or_itself(self):
        for name, kind in LOSSES.items():
            C = loss(name)
            assert type(C) is kind
            assert loss(C) is C
            assert loss({"name": name, **C.parameters}) == C

    @pytest.mark.parametrize("given", ["mse", "", None, 3, {}, {"kappa": 1}, ["huber"]])
    def test_unknown(self, given):
        with pytest.raises(InputError, match=r"loss: expected one of absolute_error, .*, squared_error, got "):
            loss(given)

    def test_constants(self):
        with pytest.raises(
            InputError, match=r"loss squared_error: expected its own constants only, got \{'kappa': 1\}\."
        ):
            loss({"name": "squared_error", "kappa": 1})

    @pytest.mark.parametrize("kappa", [0, -1, math.nan, math.inf, "1", None])
    def test_huber_needs_a_kappa(self, kappa):
        with pytest.raises(InputError, match="huber: expected kappa > 0"):
            Huber(kappa)
