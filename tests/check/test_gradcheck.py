"""gradcheck: any function with its own derivative, and the mistakes that it must see."""

import importlib.util
import json

import jax
import numpy as np
import pytest

from pellucid.activations import ACTIVATIONS, activation
from pellucid.architecture import Architecture
from pellucid.check import check_gradients, gradcheck
from pellucid.check.problem import problem
from pellucid.errors import InputError, ShapeError
from pellucid.layers import Dense
from pellucid.losses import loss

RNG = np.random.default_rng(2)
A = RNG.normal(size=(3, 4))


def quadratic(x):
    return float(np.sum((A @ x) ** 2)), 2 * A.T @ (A @ x)


def without_two(x):
    return quadratic(x)[0], quadratic(x)[1] / 2


def two_arguments(w, x):
    return float(np.sum(np.tanh(w @ x))), ((1 - np.tanh(w @ x) ** 2)[:, None] * x, w.T @ (1 - np.tanh(w @ x) ** 2))


def one_wrong(w, x):
    value, (dw, dx) = two_arguments(w, x)
    dw = dw.copy()
    dw[1, 2] *= 1.001
    return value, (dw, dx)


class Linear:
    def __init__(self, right=True):
        self.right = right

    def forward(self, x):
        return A @ x

    def pull_back(self, x, v):
        return A.T @ v if self.right else A.T @ v + 0.01


@pytest.mark.parametrize(
    ("f", "args", "ok"),
    [
        (quadratic, RNG.normal(size=4), True),
        (without_two, RNG.normal(size=4), False),
        (two_arguments, (A, RNG.normal(size=4)), True),
        (one_wrong, (A, RNG.normal(size=4)), False),
        ((np.exp, np.exp), RNG.normal(size=5), True),
        ((np.exp, np.cos), RNG.normal(size=5), False),
        ((lambda x: x**3, lambda x: 3 * x**2), 1.7, True),
        ((lambda x: A @ x, lambda x: A), RNG.normal(size=4), True),  # a Jacobian
        ((lambda x: A @ x, lambda x: 1.01 * A), RNG.normal(size=4), False),
        (Linear(), RNG.normal(size=4), True),
        (Linear(False), RNG.normal(size=4), False),
        ((lambda x: np.sqrt(x), lambda x: 0.5 / np.sqrt(x)), np.array([1e-4, 1.0, 1e4]), True),
        ((lambda x: 1e8 * x**2, lambda x: 2e8 * x), np.array([1e-3, 2.0]), True),
    ],
)
def test_right_and_wrong(f, args, ok):
    report = gradcheck(f, args)
    assert report.ok == ok, str(report)
    assert report.verdict == ("right" if ok else "wrong")
    if report.order is not None:
        assert (report.order > 1.9) == ok  # between 1 and 2 where the error is small
    json.dumps(report.to_dict())


def test_the_wrong_entry_is_named():
    report = gradcheck(one_wrong, (A, RNG.normal(size=4)))
    assert report.entries[0].address == "argument 0 [1,2]"
    assert len(report.entries) == 1


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n != "softmax"])
def test_activations_are_right(name):
    assert gradcheck(activation(name), RNG.normal(size=6) * 2).ok


def test_the_adjoint_identity():
    assert gradcheck(Linear(), RNG.normal(size=4)).adjoint < 1e-8
    assert gradcheck(Linear(False), RNG.normal(size=4)).adjoint > 1e-4


@pytest.mark.parametrize(("slope", "verdict"), [(0, "kink"), (0.5, "kink"), (1, "kink"), (1.5, "wrong")])
def test_a_kink(slope, verdict):
    relu = (lambda x: np.maximum(x, 0), lambda x: np.where(x == 0, slope, x > 0))
    report = gradcheck(relu, np.array([0.0, 1.0, -2.0]))
    assert report.verdict.startswith(verdict)
    if verdict == "kink":
        assert report.ok
        assert len(report.entries[0].sides) == 2


def test_many_entries_are_drawn_and_it_is_said():
    report = gradcheck(lambda x: (float(x @ x), 2 * x), RNG.normal(size=3000))
    assert report.ok
    assert "2000 of 3000" in report.notes[0]


def test_what_has_no_derivative():
    with pytest.raises(InputError, match="value, gradient"):
        gradcheck(np.sin, np.ones(3))
    with pytest.raises(ShapeError, match="argument 0"):
        gradcheck(lambda x: (1.0, np.ones(2)), np.ones(3))


def test_custom_vjp_by_its_own_rule():
    @jax.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3 * x**2,))
    assert gradcheck(cube, np.array([0.5, 2.0])).ok
    cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * x**2,))
    assert not gradcheck(cube, np.array([0.5, 2.0])).ok


def test_a_network_as_a_custom_vjp():
    net = Architecture((Dense(3, 4, "tanh"), Dense(4, 2)), loss("squared_error"))
    parameters = net.initial(1)
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))

    def fwd(parameters, x, y):
        a1 = np.tanh(x @ parameters[1]["w"].T + parameters[1]["b"])
        a2 = a1 @ parameters[2]["w"].T + parameters[2]["b"]
        return ((a2 - y) ** 2).sum() / len(x), (parameters, x, y, a1, a2)

    def bwd(factor, kept, g):
        parameters, x, y, a1, a2 = kept
        d2 = factor * g * (a2 - y) / len(x)
        d1 = d2 @ parameters[2]["w"] * (1 - a1**2)
        return ({"w": d1.T @ x, "b": d1.sum(0)}, {"w": d2.T @ a1, "b": d2.sum(0)}), None, None

    @jax.custom_vjp
    def mean_loss(parameters, x, y):
        return fwd(parameters, x, y)[0]

    mean_loss.defvjp(fwd, lambda kept, g: bwd(2, kept, g))
    assert check_gradients(net, parameters, x, y, mean_loss).verdict == "right"
    mean_loss.defvjp(fwd, lambda kept, g: bwd(1, kept, g))
    assert check_gradients(net, parameters, x, y, mean_loss).mistakes[0].slug == "factor-two-missing"


needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch isn't installed")


@needs_torch
def test_a_torch_module_with_its_own_backward():
    import torch

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.tanh(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * (1 - torch.tanh(x) ** 2)

    class Forgetful(Square):
        @staticmethod
        def backward(ctx, g):
            return g

    class Model(torch.nn.Module):
        def __init__(self, act):
            super().__init__()
            self.one, self.two, self.act = torch.nn.Linear(3, 4), torch.nn.Linear(4, 2), act

        def forward(self, x):
            return self.two(self.act.apply(self.one(x)))

    net = Architecture((Dense(3, 4, "tanh"), Dense(4, 2)), loss("squared_error"))
    parameters = net.initial(1)
    x, y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
    assert check_gradients(net, parameters, x, y, Model(Square)).verdict == "right"
    report = check_gradients(net, parameters, x, y, Model(Forgetful))
    assert report.mistakes[0].slug == "missing-activation-derivative"
    assert gradcheck(Square, RNG.normal(size=4)).ok
    assert not gradcheck(Forgetful, RNG.normal(size=4)).ok

    class Whole(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w1, b1, w2, b2):
            a1 = torch.tanh(x @ w1.T + b1)
            ctx.save_for_backward(x, w2, a1)
            return a1 @ w2.T + b2

        @staticmethod
        def backward(ctx, g):
            x, w2, a1 = ctx.saved_tensors
            d1 = (g @ w2) * (1 - a1**2)
            return None, d1.T @ x, d1.sum(0), g.T @ a1, g.sum(0)

    assert check_gradients(net, parameters, x, y, Whole).verdict == "right"


@needs_torch
def test_a_torch_model_that_ends_before_the_softmax():
    import torch

    net = Architecture((Dense(3, 4, "relu"), Dense(4, 3, "softmax")), loss("cross_entropy"))
    x, y = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 2, 1, 0])
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    assert check_gradients(net, net.initial(0), x, y, model).verdict == "right"


@pytest.mark.skipif(bool(importlib.util.find_spec("torch")), reason="PyTorch is installed")
def test_without_torch_it_is_said():
    from pellucid.check.frameworks import torch
    from pellucid.errors import MissingDependencyError

    with pytest.raises(MissingDependencyError, match="PyTorch"):
        torch()


def test_gradients_of_the_library_itself():
    """The whole backward pass of a network against differences, through gradcheck."""
    net = Architecture((Dense(3, 4, "gelu"), Dense(4, 2, "softmax")), loss("cross_entropy"))
    x, y = RNG.normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])
    shapes = [(l, name, v.shape) for l, layer in enumerate(net.initial(0)) for name, v in layer.items()]

    def value(*arrays):
        parameters = ({}, {})
        for (l, name, _), v in zip(shapes, arrays, strict=True):
            parameters[l][name] = v
        given = problem(net, parameters, x, y)
        return float(given.objective(parameters)), tuple(given.gradients[l][name] for l, name, _ in shapes)

    assert gradcheck(value, tuple(net.initial(0)[l][name] for l, name, _ in shapes)).ok
