"""The pass with places for mistakes is the right pass where there is none."""

import numpy as np
import pytest

from pellucid.architecture import Architecture, Penalty
from pellucid.backward import backward
from pellucid.check.passes import run
from pellucid.check.problem import problem
from pellucid.forward import forward
from pellucid.layers import Dense, Input
from pellucid.losses import LOSSES, loss


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("bias", [True, False])
def test_without_an_edit_it_equals_backward(name, output, bias):
    net = Architecture((Input(3), Dense(4, "tanh", bias), Dense(5, "gelu", bias), Dense(3, output, bias)), loss(name))
    generator = np.random.default_rng(1)
    parameters = net.initial(2)
    x, y = generator.normal(size=(6, 3)), generator.integers(0, 3, 6)
    given = problem(net, parameters, x, y)
    done = run(given)
    back = backward(net.program, net.loss, forward(net.program, parameters, x), y)
    for l in range(1, 4):
        assert (done.delta[l] == back.delta[l]).all()
        assert (done.dC_da[l] == back.dC_da[l]).all()
        assert (done.w[l] == back.gradient()[l]["w"]).all()
        assert not bias or (done.b[l] == back.gradient()[l]["b"]).all()


@pytest.mark.parametrize("reduction", ["mean", "sum", "per_sample"])
def test_reductions_and_penalty(reduction):
    net = Architecture((Input(3), Dense(4, "tanh"), Dense(2)), loss("squared_error"), Penalty(l2=0.1, l1=0.2))
    generator = np.random.default_rng(1)
    given = problem(net, net.initial(0), generator.normal(size=(5, 3)), np.ones((5, 2)), reduction=reduction)
    done = run(given)
    for l in (1, 2):
        assert np.allclose(done.w[l], given.gradients[l - 1]["w"], rtol=1e-14)
        assert np.allclose(done.b[l], given.gradients[l - 1]["b"], rtol=1e-14)
