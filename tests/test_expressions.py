"""Formulas as data: their values, their derivatives by rule, their form as JSON."""

import cmath
import json
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.activations import ACTIVATIONS, activation
from pellucid.expressions import (
    FUNCTIONS,
    Cases,
    Differential,
    Elementwise,
    Expression,
    Function,
    MatrixProduct,
    Negative,
    Number,
    Phi,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    SumOver,
    Symbol,
    Transpose,
    differentiate,
    evaluate,
    exp,
    from_dict,
    log,
    magnitude,
    parts,
    rebuilt,
    sign,
    sqrt,
    substitute,
    symbols_in,
    tanh,
    to_dict,
)
from pellucid.losses import LOSSES, loss

X, Y = Symbol("x"), Symbol("y")
NAMES = [name for name, g in ACTIVATIONS.items() if g.elementwise]

U, V = Symbol("u"), Symbol("v")  # JSON reads a bare x or y back as the network's

ONE_OF_EACH = [
    Number(2.5), U, Sum((U, V, Number(1))), Product((U, V)), Quotient(U, V), Power(U, Number(2)), Negative(U),
    Function("exp", U), Cases(U, V, Number(0)), SumOver("j", U * V), Rest(3), Rest(3, 0.5), Differential(U**2, "u"),
    Transpose(U), MatrixProduct((U, Transpose(V))), Elementwise((U, V)),
]  # fmt: skip


def test_formulas_are_typed_as_formulas():
    values = {"x": 3.0, "y": 4.0}
    for formula, value in [
        (X + Y, 7), (X + 1, 4), (1 + X, 4), (X - Y, -1), (X - 1, 2), (1 - X, -2), (X * Y, 12), (2 * X, 6), (X * 2, 6),
        (X / Y, 0.75), (X / 2, 1.5), (6 / X, 2), (X**2, 9), (-X, -3), ((X + Y) * 2, 14), (X - Y - 1, -2),
    ]:  # fmt: skip
        assert isinstance(formula, Expression)
        assert evaluate(formula, values) == value


@pytest.mark.parametrize(
    ("formula", "reference"),
    [
        (exp(X), math.exp), (log(X), math.log), (tanh(X), math.tanh), (sqrt(X), math.sqrt), (magnitude(X), abs),
        (Phi(X), lambda x: (1 + math.erf(x / math.sqrt(2))) / 2), (sign(X), lambda x: math.copysign(1, x)),
        (Cases(X - 1, X, Number(7)), lambda x: x if x > 1 else 7),
    ],
)  # fmt: skip
@pytest.mark.parametrize("x", [0.25, 1.0, 3.0])
def test_functions(formula, reference, x):
    assert evaluate(formula, {"x": x}) == pytest.approx(reference(x), rel=1e-15)


def test_other_numbers():
    assert evaluate((X + 1) / 3, {"x": Fraction(1, 2)}) == Fraction(1, 2)
    assert evaluate(exp(X), {"x": 1j}, cmath) == cmath.exp(1j)
    with mpmath.workdps(40):
        assert mpmath.almosteq(
            evaluate(Phi(X), {"x": mpmath.mpf(1)}, mpmath), mpmath.ncdf(1), rel_eps=mpmath.mpf("1e-38")
        )


def test_sign_and_cases_at_zero():
    assert evaluate(sign(X), {"x": 0.0}) == 0
    assert evaluate(sign(X), {"x": -2.0}) == -1
    assert evaluate(Cases(X, Number(1), Number(5)), {"x": 0.0}) == 5


@pytest.mark.parametrize(
    "formula", [Rest(3), SumOver("j", X), Transpose(X), MatrixProduct((X, Y)), Elementwise((X, Y))]
)
def test_what_has_no_value(formula):
    with pytest.raises(TypeError, match=f"{type(formula).__name__} has no value of its own"):
        evaluate(formula, {"x": 1.0, "y": 1.0})


def test_rest_with_numbers_has_its_value():
    assert evaluate(X + Rest(3, 0.5), {"x": 1.0}) == 1.5


class TestTrees:
    @pytest.mark.parametrize("formula", ONE_OF_EACH)
    def test_parts_and_rebuilt_are_inverse(self, formula):
        assert rebuilt(formula, parts(formula)) == formula

    def test_symbols_in(self):
        assert symbols_in((X + Y) / exp(-X) + Cases(Symbol("c"), X, Y)) == ("x", "y", "c")

    def test_substitute(self):
        formula = (X + Y) ** 2 / exp(X)
        assert substitute(formula, {"x": Number(1)}) == (Number(1) + Y) ** 2 / exp(Number(1))
        assert substitute(formula, {}) == formula
        swapped = substitute(formula, {"x": Y, "y": X})  # both at once, not one after the other
        assert swapped == (Y + X) ** 2 / exp(Y)


def complex_step(formula, by, values):
    """The derivative of a formula without any rule: Im f(x + ih)/h, with analytic abs and comparisons of real parts."""
    found = {name: complex(value) for name, value in values.items()} | {by: complex(values[by], 1e-30)}
    functions = dict(FUNCTIONS)
    try:
        FUNCTIONS["abs"] = lambda m, x: x if x.real > 0 else -x
        FUNCTIONS["sign"] = lambda m, x: complex((x.real > 0) - (x.real < 0))
        return evaluate(real_conditions(formula, found), found, ComplexNumbers).imag / 1e-30
    finally:
        FUNCTIONS.update(functions)


def real_conditions(formula, values):
    """The formula with each case decided by the real part of its condition."""
    if isinstance(formula, Cases):
        positive = evaluate(real_conditions(formula.condition, values), values, ComplexNumbers).real > 0
        return real_conditions(formula.positive if positive else formula.otherwise, values)
    inside = parts(formula)
    return rebuilt(formula, tuple(real_conditions(part, values) for part in inside)) if inside else formula


class ComplexNumbers:
    """cmath with erfc."""

    exp, log, tanh, sqrt = cmath.exp, cmath.log, cmath.tanh, cmath.sqrt

    @staticmethod
    def erfc(x):
        from scipy.special import erfc

        return complex(erfc(x))


class TestDifferentiate:
    @pytest.mark.parametrize(
        "formula",
        [
            X**2, X**3, 1 / X, X * Y * X, exp(-X) * tanh(X), log(1 + exp(X)), sqrt(X**2 + 1), Phi(X) * Y, magnitude(X - 3),
            X / (1 + magnitude(X)), (X - Y) ** 2 / 2, Cases(X - 1, X**2, 3 * X), -X / Y, Y / X**2, -(X**2) - 3 * X,
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("by", ["x", "y"])
    @pytest.mark.parametrize("x", [0.4, 1.7])
    def test_rules(self, formula, by, x):
        values = {"x": x, "y": 0.3}
        found = evaluate(differentiate(formula, by), values)
        assert found == pytest.approx(complex_step(formula, by, values), rel=1e-13, abs=1e-15)
        assert evaluate(Differential(formula, by), values) == found

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("z", [-2.0, -0.3, 0.4, 3.0])
    def test_activations(self, name, z):
        g = activation(name)
        found = evaluate(differentiate(g.equation, "z"), {"z": z, **g.parameters})
        assert found == pytest.approx(float(g.derivative(np.array(z))), rel=1e-13)

    @pytest.mark.parametrize("name", list(LOSSES))
    @pytest.mark.parametrize(("a", "y"), [(0.3, 1.0), (0.7, 0.0), (0.4, 0.5), (0.2, 0.9)])
    def test_losses(self, name, a, y):
        C = loss(name)
        found = evaluate(differentiate(C.equation, "a"), {"a": a, "y": y, "n_L": 3, **C.parameters})
        expected = C.term_derivative(np.array([[a, 0, 0]]), np.array([[y, 0, 0]]))[0, 0]
        assert found == pytest.approx(float(expected), rel=1e-13)

    def test_terms_that_are_zero_are_left_out(self):
        assert differentiate(X + Y, "x") == Number(1)
        assert differentiate(Y**2, "x") == Number(0)
        assert differentiate(Number(3), "x") == Number(0)

    @pytest.mark.parametrize("formula", [Number(2) ** X, SumOver("j", X), MatrixProduct((X, Y)), X**Y])
    def test_without_a_rule_there_is_no_answer(self, formula):
        with pytest.raises(TypeError, match="no rule to differentiate this"):
            differentiate(formula, "x")

    @given(st.lists(st.sampled_from(["+", "*", "-", "exp", "tanh", "square"]), max_size=6), st.floats(-0.5, 0.5))
    def test_any_formula(self, steps, x):
        formula = X
        for place, step in enumerate(steps):
            other = Number(0.5 + place / 4)
            formula = {
                "+": formula + other, "*": formula * (X + other), "-": other - formula, "exp": exp(formula / 8),
                "tanh": tanh(formula), "square": formula**2,
            }[step]  # fmt: skip
        found = evaluate(differentiate(formula, "x"), {"x": x})
        assert found == pytest.approx(complex_step(formula, "x", {"x": x}), rel=1e-11, abs=1e-12)


class TestJson:
    @pytest.mark.parametrize("formula", ONE_OF_EACH)
    def test_survives(self, formula):
        assert from_dict(json.loads(json.dumps(to_dict(formula)))) == formula

    @pytest.mark.parametrize("name", NAMES)
    def test_equations_survive(self, name):
        g = activation(name)
        for formula in (g.equation, g.derivative_equation):
            assert from_dict(json.loads(json.dumps(to_dict(formula)))) == formula

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
    def test_numbers_that_json_lacks(self, value):
        text = json.dumps(to_dict(Number(value) + Rest(2, value)), allow_nan=False)
        again = from_dict(json.loads(text))
        assert str(again) == str(Number(value) + Rest(2, value))
