"""Checks of networks with layers of one's own: right values, bounds and verdicts come from the operations."""

from dataclasses import dataclass

import numpy as np
import pytest

import pellucid as pc
from pellucid.check.bounds import UNIT32, bounds
from pellucid.check.problem import problem
from pellucid.layers import Defined, Layer
from pellucid.operations import Contraction, Pointwise


@dataclass(frozen=True)
class Squares(Layer):
    """z_j = Σ_k w_jk² a_k, scaled by γ_j."""

    n: int
    kind, penalised = "squares", ("w",)

    def arrays(self, below):
        return {"w": (self.n, *below.shape), "gamma": (self.n,)}

    def letters(self, below):
        return {"w": "jk", "gamma": "j"}

    def quantities(self, below):
        return (
            Defined("s", Pointwise("w**2", "w", "jk->jk"), ("w",)),
            Defined("z", Contraction("jk,k->j"), ("s", 0)),
            Defined("a", Pointwise("gamma * tanh(z)", "gamma z", "j,j->j"), ("gamma", "z")),
        )


@dataclass(frozen=True)
class Sum(Layer):
    reads: tuple = ()
    kind = "sum"

    def quantities(self, *below):
        return (Defined("a", Pointwise("x + y", "x y", "j,j->j"), (0, 1)),)


@pytest.fixture(params=["mean", "sum", "per_sample"])
def given(request):
    net = pc.Network(
        pc.Input(3), pc.Dense(4, "tanh"), Squares(4), Sum(reads=(1, 2)), pc.Dense(2, "softmax"), loss="cross_entropy",
        l2=0.1, seed=0,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, 6)
    p = problem(net.architecture, net.parameters, x, y, reduction=request.param)
    right = {f"d{name}{l}": array for l, layer in enumerate(p.gradients, 1) for name, array in layer.items()}
    return net, x, y, request.param, p, right


def test_right_gradients_are_right(given):
    net, x, y, reduction, _, right = given
    assert set(right) == {"dw1", "db1", "dw2", "dgamma2", "dw4", "db4"}
    assert pc.check(net, x, y, right, reduction=reduction).verdict == "right"
    single = {name: array.astype(np.float32) for name, array in right.items()}
    assert pc.check(net, x, y, single, reduction=reduction).ok


@pytest.mark.parametrize("name, address", [("dw2", "dC/dw[2]"), ("dgamma2", "dC/dgamma[2]"), ("db1", "dC/db[1]")])
def test_one_wrong_array_is_found(given, name, address):
    net, x, y, reduction, _, right = given
    wrong = right | {name: right[name] * (1 + 1e-3)}
    report = pc.check(net, x, y, wrong, reduction=reduction)
    assert not report.ok
    assert report.first_wrong == address
    assert [q.address for q in report.quantities if q.verdict == "wrong"] == [address]


def test_float32_lies_within_the_bounds(given):
    """The same passes in float32 stay within the balls of its rounding, and not within a thousandth of them."""
    net, x, y, reduction, _, _ = given
    single = tuple({k: v.astype(np.float32) for k, v in layer.items()} for layer in net.parameters)
    q = problem(net.architecture, single, x.astype(np.float32), y, reduction=reduction)
    coarse = type(q)(q.architecture, single, q.x.astype(np.float32), q.y.astype(np.float32), reduction)
    exact = problem(net.architecture, single, x.astype(np.float32), y, reduction=reduction)
    balls = bounds(exact, UNIT32).balls
    for l, layer in enumerate(coarse.gradients, 1):
        for name, array in layer.items():
            assert array.dtype == np.float32
            assert balls[name, l].holds(array).all(), (name, l)
            assert np.median(balls[name, l].radius) < 1e-3 * np.max(abs(balls[name, l].middle))


def test_names_that_are_none_are_refused(given):
    net, x, y, _, _, right = given
    with pytest.raises(pc.InputError, match="expected the names of the network's arrays: dw1, db1, dw2, dgamma2"):
        pc.check(net, x, y, right | {"dbeta2": right["dgamma2"]})
