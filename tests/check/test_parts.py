"""The small parts: least squares, constants as expressions, patterns, numeric evidence."""

import numpy as np
import pytest

from pellucid.architecture import Architecture
from pellucid.check.constants import as_expression
from pellucid.check.evidence import central, complex_step, remainder_orders
from pellucid.check.least_squares import fit
from pellucid.check.patterns import pattern
from pellucid.check.problem import problem
from pellucid.layers import Dense, Input
from pellucid.losses import loss

RNG = np.random.default_rng(11)


def test_fit_finds_factor_and_constant():
    base, direction = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    assert fit(base, [base], 1e-12).factor == 1.0
    assert fit(-3 * base, [base], 1e-12).factor == pytest.approx(-3)
    assert fit(base + 0.1 * direction, [base], 1e-9) is None
    found = fit(base + 0.1 * direction, [base, direction], 1e-12)
    assert (found.factor, found.free) == (1.0, pytest.approx(0.1))
    found = fit(7 * (base + 0.1 * direction), [base, direction], 1e-12)
    assert (found.factor, found.free) == (pytest.approx(7), pytest.approx(0.1))
    found = fit(7 * base + 0.1 * direction, [base, direction], 1e-12, apart=True)
    assert (found.factor, found.free) == (pytest.approx(7), pytest.approx(0.1))
    assert fit(base + 1, [base], 1e-12, fixed=np.ones((3, 4))).factor == pytest.approx(1)


def test_fit_gives_nothing_for_other_shapes_or_what_is_not_finite():
    base = RNG.normal(size=(3, 4))
    assert fit(base, [base.T], 1e-9) is None
    assert fit(base, [base], 1e-9, fixed=np.ones((2, 2))) is None
    assert fit(base * np.nan, [base], 1e-9) is None
    assert fit(np.zeros((3, 4)), [base], 1e-9).factor == 0.0
    assert fit(np.zeros((3, 4)), [np.zeros((3, 4))], 1e-9).zero
    assert fit(base, [np.zeros((3, 4))], 1e-9) is None


def test_one_number_proves_only_a_round_constant():
    one = np.array([[2.0]])
    assert fit(one + 0.05 * 3, [one, np.array([[3.0]])], 1e-11).free == pytest.approx(0.05)
    assert fit(one + 0.0512345 * 3, [one, np.array([[3.0]])], 1e-11) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [(2, "2"), (0.5, "½"), (1 / 7, "1/n"), (7, "n"), (1 / 3, "1/n_L"), (3.5, "n/2"), (-7, "−n"), (0.7312, None)],
)
def test_constants_are_named(value, said):
    net = Architecture((Input(2), Dense(3)), loss("squared_error"))
    given = problem(net, net.initial(0), np.ones((7, 2)), np.ones((7, 3)))
    assert as_expression(value, given, 1) == said


R = RNG.normal(size=(4, 5)) + 3


def changed(**at):
    out = R.copy()
    for key, value in at.items():
        if key == "row":
            out[value] *= 1.5
        if key == "column":
            out[:, value] += 1
        if key == "entry":
            out[value] += 1
    return out


@pytest.mark.parametrize(
    ("yours", "kind"),
    [
        (changed(row=2), "one row"),
        (changed(column=1), "one column"),
        (changed(entry=(1, 3)), "one entry"),
        (1.3 * R, "constant ratio"),
        (R + 0.2, "constant shift"),
        (R * np.sign(RNG.normal(size=R.shape)), "sign only"),
        (R[::-1], "other order"),
        (R * np.arange(1, 5)[:, None], "ratio per row"),
        (R * np.arange(1, 6), "ratio per column"),
        (R + RNG.normal(size=R.shape), "random"),
        (R * np.nan, "not finite"),
        (R * 0, "zero"),
        (R * (1 + 1e-9 * RNG.normal(size=R.shape)), "small"),
    ],
)
def test_patterns(yours, kind):
    assert pattern(None, "w", 1, yours, R, "dC/dw[1]").kind == kind


def test_the_share_of_one_sample_is_seen():
    net = Architecture((Input(4), Dense(3, "tanh"), Dense(2)), loss("squared_error"))
    given = problem(net, net.initial(0), RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2)))
    right = given.gradients[0]["w"]
    yours = right + np.outer([0.3, -0.2, 0.5], given.x[4])
    found = pattern(given, "w", 1, yours, right, "dC/dw[1]")
    assert found.kind == "one sample"
    assert "sample 4" in found.text


def test_central_differences_reach_what_float64_allows():
    found = central(lambda h: np.sin(0.7 + h))
    assert found.value == pytest.approx(np.cos(0.7), rel=1e-9)
    assert abs(found.value - np.cos(0.7)) < 100 * found.error + 1e-10


def test_complex_step_is_exact():
    net = Architecture((Input(3), Dense(3, "gelu"), Dense(3, "softmax")), loss("cross_entropy"))
    given = problem(net, net.initial(0), RNG.normal(size=(5, 3)), np.array([0, 1, 2, 1, 0]))
    got = complex_step(given, ("w", 1), (2, 1))
    assert got == pytest.approx(given.gradients[0]["w"][2, 1], rel=1e-13)


def test_orders_of_the_remainder():
    orders = remainder_orders(lambda h: np.exp(np.sin(h)), [1.0, 0.99, 5.0])
    assert [round(o) for o in orders] == [2, 1, 1]
    assert remainder_orders(lambda h: 3.0 * h, [3.0]) == [None]  # linear: nothing is left
