"""gradcheck: any function with its own derivative, and the mistakes that it must see."""

import importlib.util
import json

import jax
import numpy as np
import pytest

from pellucid.activations import ACTIVATIONS, activation
from pellucid.architecture import Architecture, Penalty
from pellucid.check import check_gradients, gradcheck
from pellucid.check.problem import problem
from pellucid.errors import InputError, ShapeError
from pellucid.layers import Dense, Input
from pellucid.losses import loss

RNG = np.random.default_rng(2)
A = RNG.normal(size=(3, 4))
SIGNS = np.array([1.0, -2.0, 3.0, -0.5])


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


def single(x):
    return (np.float32(np.sum(np.float32(x) ** 3)), 3 * np.float32(x) ** 2)


def hidden_single(x):
    """Computed in float32, handed over as Python's float."""
    return float(single(x)[0]), single(x)[1].astype(float)


def noisy(x):
    """Float32 inside, float64 outside: no type tells."""
    return 0.3 * float(np.float32(np.tanh(np.float32(x))).sum()), 0.3 * (1 - np.tanh(x) ** 2)


@pytest.mark.parametrize("f", [single, hidden_single, noisy])
@pytest.mark.parametrize("x", [np.array([0.3, 1.7, -2.0]), np.array([3e-4, 0.1, 1.9]), np.linspace(-1, 1, 7)])
def test_steps_and_tolerance_follow_the_precision_of_the_answer(f, x):
    report = gradcheck(f, x)
    assert report.verdict == "right", str(report)
    off = gradcheck(lambda x: (f(x)[0], f(x)[1] * 1.01), x)
    assert off.verdict == "wrong", str(off)


@pytest.mark.parametrize("right", [True, False])
def test_a_custom_vjp_in_default_jax(right):
    """It answers in float32 whatever it is given."""

    @jax.custom_vjp
    def sine(x):
        return jax.numpy.sin(x)

    sine.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, g: (g * jax.numpy.cos(x) * (1 if right else 1.001),))
    report = gradcheck(sine, np.linspace(-3.2, 3.2, 9))
    assert report.ok == right, str(report)
    assert any("float32" in note for note in report.notes)


def test_no_verdict_where_rounding_hides_all():
    report = gradcheck(lambda x: (np.float32(1e9 + x.sum()), np.full(2, 7.0)), np.array([1.0, 2.0]))
    assert report.verdict == "can't tell"
    assert not report.ok
    assert "rounds away" in report.because
    assert str(report).startswith("Can't tell, because")
    large = gradcheck(lambda x: (1e9 + float(x.sum()), np.full(2, 7.0)), np.array([1.0, 2.0]))
    assert large.verdict == "wrong"
    assert all(e.error > 0 for e in large.entries)
    assert gradcheck(lambda x: (float("nan"), x), np.ones(2)).verdict == "can't tell"


def test_a_function_that_draws_random_numbers_is_no_function():
    rng = np.random.default_rng(0)
    for f in (
        lambda x: (float(np.sum(x * (rng.random(x.shape) < 0.5))), 7 * np.ones_like(x)),
        lambda x: (float(x.sum()), rng.random(x.shape)),
    ):
        report = gradcheck(f, np.ones(3))
        assert report.verdict == "can't tell"
        assert not report.ok
        assert "random numbers" in report.because


@pytest.mark.parametrize("off", [1.0, 2.0])
def test_a_function_that_changes_its_input_gets_copies(off):
    x = np.array([1.0, 2.0])

    def doubling(x):
        x *= 2
        return float(x @ x), 4 * off * x

    report = gradcheck(doubling, x)
    assert report.ok == (off == 1.0)
    assert any("in place" in note for note in report.notes)
    assert (x == [1.0, 2.0]).all()


class Several:
    """Two outputs; one entry of the pull-back may be off."""

    def __init__(self, off=1.0):
        self.off = off

    def __call__(self, x):
        return A @ x, np.sum(x**2)

    def vjp(self, x, v):
        return A.T @ v[0] + self.off * v[1] * 2 * x


def test_several_outputs_and_which_is_wrong():
    assert gradcheck(Several(), RNG.normal(size=4)).verdict == "right"
    report = gradcheck(Several(0.5), RNG.normal(size=4))
    assert {e.address.split(" by")[0] for e in report.entries} == {"output 1"}
    assert "exactly half" in report.because
    wrong = A.copy()
    wrong[2, 1] *= 2
    report = gradcheck((lambda x: A @ x, lambda x: wrong), RNG.normal(size=4))
    assert [e.address for e in report.entries] == ["output [2] by [1]"]
    assert report.entries[0].yours == pytest.approx(2 * A[2, 1])
    assert report.entries[0].found == pytest.approx(A[2, 1])


@pytest.mark.parametrize(("change", "text"), [
    (lambda dw, dx: (dw / 2, dx / 2), "Every derivative is exactly half"),
    (lambda dw, dx: (dw, -dx), "In argument 1 every derivative is what it should be with the sign reversed"),
    (lambda dw, dx: (dw / 3, dx), "In argument 0 every derivative is 1/3 of what it should be; 3 is axis 0"),
    (lambda dw, dx: (0 * dw, 0 * dx), "Every derivative is 0"),
    (lambda dw, dx: (dw * 2.345, dx), "In argument 0 every derivative is 2.345 times"),
    (lambda dw, dx: (dw * np.array([[1], [3], [1]]), dx), "Only row 1 of argument 0 is wrong"),
    (lambda dw, dx: (dw, dx[::-1]), "argument 1 has the right numbers in other places"),
    (lambda dw, dx: (abs(dw), dx), "signs are not"),
    (lambda dw, dx: (dw + 0.1, dx), "off by the same 0.1"),
])  # fmt: skip
def test_what_a_wrong_gradient_looks_like(change, text):
    report = gradcheck(lambda w, x: (two_arguments(w, x)[0], change(*two_arguments(w, x)[1])), (A, SIGNS))
    assert report.verdict == "wrong"
    assert text in report.because
    assert text in str(report)


def test_the_order_of_the_remainder_agrees_with_the_verdict():
    """One small wrong entry beside large right ones."""
    x = np.array([1e3, 2e3, 1e-3])
    report = gradcheck(lambda x: (float(np.sum(x**3)), 3 * x**2 + np.array([0, 0, 1.0])), x)
    assert report.verdict == "wrong"
    assert report.order is None or report.order < 1.5


def test_custom_vjp_by_its_own_rule():
    @jax.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3 * x**2,))
    assert gradcheck(cube, np.array([0.5, 2.0])).ok
    cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * x**2,))
    assert not gradcheck(cube, np.array([0.5, 2.0])).ok


def test_a_network_as_a_custom_vjp():
    net = Architecture((Input(3), Dense(4, "tanh"), Dense(2)), loss("squared_error"))
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

    net = Architecture((Input(3), Dense(4, "tanh"), Dense(2)), loss("squared_error"))
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

    net = Architecture((Input(3), Dense(4, "relu"), Dense(3, "softmax")), loss("cross_entropy"))
    x, y = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 2, 1, 0])
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    assert check_gradients(net, net.initial(0), x, y, model).verdict == "right"


@needs_torch
class TestTorch:
    X, W = np.random.default_rng(0).normal(size=(4, 3)), np.random.default_rng(1).normal(size=(2, 3))
    Y = np.random.default_rng(2).normal(size=(4, 2))

    def two(self, factor):
        import torch

        class Two(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, w):
                ctx.save_for_backward(x, w)
                return x @ w.T, (x**2).sum()

            @staticmethod
            def backward(ctx, g, h):
                x, w = ctx.saved_tensors
                return g @ w + factor * h * x, g.T @ x

        return Two

    @pytest.mark.parametrize("apply", [False, True])
    @pytest.mark.parametrize("tensors", [False, True])
    def test_a_function_with_several_outputs(self, apply, tensors):
        import torch

        make = torch.tensor if tensors else np.copy
        for factor, ok in ((2, True), (1, False)):
            f = self.two(factor)
            report = gradcheck(f.apply if apply else f, (make(self.X), make(self.W)))
            assert report.ok == ok, str(report)
        assert report.entries[0].address.startswith("output 1 by argument 0")
        assert "exactly half" in report.because

    def model(self, factor=1.0):
        import torch

        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.one, self.two = torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)

            def forward(self, x, y):
                a = self.two(torch.tanh(self.one(x)))
                return factor * torch.nn.functional.mse_loss(a, y, reduction="sum") / len(x)

        return Model()

    def test_a_module_of_x_and_y(self):
        net = Architecture((Input(3), Dense(4, "tanh"), Dense(2)), loss("squared_error"))
        assert check_gradients(net, net.initial(1), self.X, self.Y, self.model()).verdict == "right"
        report = check_gradients(net, net.initial(1), self.X, self.Y, self.model(0.5))
        assert report.mistakes[0].slug == "factor-two-missing"
        assert gradcheck(self.model(), (self.X, self.Y)).ok

    def test_a_module_that_takes_labels(self):
        import torch

        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.one, self.two = torch.nn.Linear(3, 4), torch.nn.Linear(4, 3)

            def forward(self, x, y):
                return torch.nn.functional.cross_entropy(self.two(torch.relu(self.one(x))), y, reduction="mean")

        net = Architecture((Input(3), Dense(4, "relu"), Dense(3, "softmax")), loss("cross_entropy"), Penalty(l2=0.1))
        assert check_gradients(net, net.initial(1), self.X, np.array([0, 1, 2, 1]), Model()).verdict == "right"
        assert gradcheck(Model(), (torch.tensor(self.X), torch.tensor([0, 1, 2, 1]))).ok

    @pytest.mark.parametrize("apply", [False, True])
    def test_a_function_that_returns_the_loss_and_more(self, apply):
        import torch

        class Loss(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, y, W1, W2, b1, b2):
                a1 = torch.tanh(x @ W1.T + b1)
                ctx.save_for_backward(x, y, W2, a1, a1 @ W2.T + b2)
                return ((a1 @ W2.T + b2 - y) ** 2).sum() / len(x), a1 * 1

            @staticmethod
            def backward(ctx, g, h):
                x, y, W2, a1, a2 = ctx.saved_tensors
                d2 = 2 * g * (a2 - y) / len(x)
                d1 = (d2 @ W2 + h) * (1 - a1**2)
                return None, None, d1.T @ x, d2.T @ a1, d1.sum(0), d2.sum(0)

        net = Architecture((Input(3), Dense(4, "tanh"), Dense(2)), loss("squared_error"))
        candidate = Loss.apply if apply else Loss
        assert check_gradients(net, net.initial(1), self.X, self.Y, candidate).verdict == "right"

    def test_functions_of_tensors_and_float32(self):
        import torch

        class Single(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return torch.tanh(x.float())

            @staticmethod
            def backward(ctx, g):
                return g * (1 - torch.tanh(ctx.saved_tensors[0]) ** 2)

        report = gradcheck(Single, self.X)
        assert report.ok
        assert any("float32" in note for note in report.notes)
        assert gradcheck(lambda a: torch.sin(a).sum(), torch.tensor([1.0, 2.0])).ok
        assert "exactly half" in gradcheck((torch.sin, lambda a: torch.cos(a) / 2), torch.tensor([1.0, 2.0])).because
        assert gradcheck(torch.nn.Dropout(), self.X).verdict == "can't tell"

    def test_what_returns_neither(self):
        import torch

        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2), torch.nn.ReLU())
        net = Architecture((Input(3), Dense(4, "tanh"), Dense(2)), loss("squared_error"))
        with pytest.raises(InputError, match="a or z of the output layer, or the loss"):
            check_gradients(net, net.initial(1), self.X, self.Y, model)


@pytest.mark.skipif(bool(importlib.util.find_spec("torch")), reason="PyTorch is installed")
def test_without_torch_it_is_said():
    from pellucid.check.frameworks import torch
    from pellucid.errors import MissingDependencyError

    with pytest.raises(MissingDependencyError, match="PyTorch"):
        torch()


def test_gradients_of_the_library_itself():
    """The whole backward pass of a network against differences, through gradcheck."""
    net = Architecture((Input(3), Dense(4, "gelu"), Dense(2, "softmax")), loss("cross_entropy"))
    x, y = RNG.normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])
    shapes = [(l, name, v.shape) for l, layer in enumerate(net.initial(0)) for name, v in layer.items()]

    def value(*arrays):
        parameters = ({}, {}, {})
        for (l, name, _), v in zip(shapes, arrays, strict=True):
            parameters[l][name] = v
        given = problem(net, parameters, x, y)
        return float(given.objective(parameters)), tuple(given.gradients[l - 1][name] for l, name, _ in shapes)

    assert gradcheck(value, tuple(net.initial(0)[l][name] for l, name, _ in shapes)).ok
