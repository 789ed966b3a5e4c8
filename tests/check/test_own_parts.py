"""A loss and an activation of one's own are checked as the library's are: verdicts, names, sentences."""

import numpy as np
import pytest

import pellucid as pc
from pellucid.activations import Activation, FromZ
from pellucid.formulas import Formula
from pellucid.losses import Loss


class Quartic(Loss):
    name = "quartic"
    equation, derivative_equation = Formula("(a - y) ** 4"), Formula("4 * (a - y) ** 3")

    def term(self, a, y):
        return (a - y) ** 4

    def term_derivative(self, a, y):
        return 4 * (a - y) ** 3


class Lopsided(Loss):
    """Not a function of a − y alone."""

    name = "lopsided"
    equation, derivative_equation = Formula("a ** 2 - a * y"), Formula("2 * a - y")

    def term(self, a, y):
        return a**2 - a * y

    def term_derivative(self, a, y):
        return 2 * a - y


class Cubed(FromZ):
    name = "cubed"
    equation, derivative_equation = Formula("z**3"), Formula("3 * z**2")

    def g(self, z):
        return z**3

    def derivative(self, z):
        return 3 * z**2


class Centred(Activation):
    """Mixes its nodes, as softmax does."""

    name, elementwise = "centred", False
    equation, derivative_equation = Formula("z"), Formula("1")

    def g(self, z):
        return z - z.mean(axis=-1, keepdims=True)

    def pull_back(self, z, a, dC_da):
        return dC_da - dC_da.mean(axis=-1, keepdims=True)


X, Y = np.random.default_rng(0).normal(size=(6, 3)), np.random.default_rng(1).normal(size=(6, 2))
NETS = [
    pc.mlp([3, 4, 2], "tanh", output=output, loss=loss, seed=1)
    for loss in (Quartic(), Lopsided())
    for output in ("linear", "softmax", Cubed(), Centred())
] + [pc.mlp([3, 4, 2], g, loss="squared_error", seed=1) for g in (Cubed(), Centred())]


@pytest.mark.parametrize("net", NETS, ids=str)
def test_right_is_right_and_wrong_is_named(net):
    t = net.trace(X, Y)
    right = {f"d{kind}{l}": getattr(t, f"dC_d{kind}")[l] for l in (1, 2) for kind in "wb"}
    assert pc.check(net, X, Y, right).verdict == "right"
    twice = pc.check(net, X, Y, {name: 2 * v for name, v in right.items()})
    assert twice.mistakes[0].slug == "factor-two-extra"
    summed = pc.check(net, X, Y, right | {"db2": 6 * right["db2"]})
    assert summed.mistakes[0].slug == "bias-not-divided"
    nonsense = pc.check(net, X, Y, right | {"dw1": right["dw1"] ** 2 + 0.3})
    assert nonsense.verdict == "wrong"
    assert nonsense.mistakes == ()
    assert str(nonsense)


@pytest.mark.parametrize(("loss", "slug"), [(Quartic(), "wrong-sign"), (Lopsided(), "target-and-output-swapped")])
def test_target_and_output_exchanged(loss, slug):
    net = pc.mlp([3, 2], loss=loss, seed=1)
    a = net.outputs(X)
    d = net.loss.term_derivative(Y, a) * a * (1 - a)
    report = pc.check(net, X, Y, {"dW1": d.T @ X / 6, "db1": d.mean(0)})
    assert slug in {m.slug for m in report.mistakes}
