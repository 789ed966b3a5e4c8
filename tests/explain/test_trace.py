import numpy as np
import pytest

from pellucid.backward import backward
from pellucid.errors import AddressError
from pellucid.explain import Trace
from pellucid.forward import forward

from .networks import network


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    net = network([3, 4, 2], ["tanh", "softmax"], "cross_entropy")
    return net, net.initial(1), rng.normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])


@pytest.fixture
def t(sample):
    return Trace(*sample)


def test_its_arrays_are_those_of_the_passes(sample, t):
    net, parameters, x, y = sample
    ahead = forward(net.program, parameters, x)
    back = backward(net.program, net.loss, ahead, y)
    gradient = back.gradient()
    assert (t.L, t.n, len(t)) == (2, (3, 4, 2), 5)
    for l in (1, 2):
        np.testing.assert_array_equal(t.z[l], ahead.z[l])
        np.testing.assert_array_equal(t.a[l], ahead.a[l])
        np.testing.assert_array_equal(t.delta[l], back.delta[l])
        np.testing.assert_array_equal(t.dC_da[l], back.dC_da[l])
        np.testing.assert_array_equal(t.dC_dw[l], gradient[l]["w"])
        np.testing.assert_array_equal(t.dC_db[l], gradient[l]["b"])
        np.testing.assert_array_equal(t.per_sample_dC_dw(l), back.factors[l]["w"].per_sample())
        np.testing.assert_array_equal(t.per_sample_dC_db(l), back.factors[l]["b"].per_sample())
    np.testing.assert_array_equal(t.a[0], x)
    np.testing.assert_array_equal(t.dC_da[0], back.dC_da[0])
    assert t["C0"] == t.C[0]
    assert t["C"] == t.C.mean()
    assert t.y.shape == (5, 2)
    assert [z.shape for z in t.z] == [(5, 4), (5, 2)]
    assert repr(t) == "Trace of 5 samples through 3-4-2"
    assert repr(t.z) == "z[1 … 2]"


def test_numbers_and_arrays_by_address(t):
    assert t["a[1][3]@4"] == t.a[1][4, 3]
    assert t["dC/dw[2][1,2]"] == pytest.approx(t.dC_dw[2][1, 2], rel=1e-14)
    assert t[r"\frac{\partial C_0}{\partial w_{12}^{(L)}}"] == t.per_sample_dC_dw(2)[0, 1, 2]
    np.testing.assert_array_equal(t["a[1]@2"], t.a[1][2])


@pytest.mark.parametrize("l", [0, 3, -1, "2", 1.0])
def test_layers_that_are_not_there(t, l):
    with pytest.raises(AddressError, match="the layers that have it are 1 … 2"):
        t.z[l]
    with pytest.raises(AddressError, match="the layers that have it are 1 … 2"):
        t.per_sample_dC_dw(l)


def test_no_bias_no_derivative():
    net = network([1, 1], ["linear"], bias=False)
    with pytest.raises(AddressError, match="has no b"):
        Trace(net, net.initial(0), [[1.0]], [[1.0]]).dC_db[1]


def test_its_verbs(t):
    assert t.explain("dC0/dw[1][0,1]", terms=None, depth=2).value == t["dC0/dw[1][0,1]"]
    assert t.paths("dC0/dw[1][0,1]", 1).count == 2
    assert t.nudge("w[1][0,1]", 0.1).derivative == t["dC0/dw[1][0,1]"]
    assert t.update("w[1][0,1]", learning_rate=1.0).value == t["w[1][0,1]"] - t["dC/dw[1][0,1]"]


def test_nobody_changes_a_record_through_it(t):
    for array in (t.z[1], t.a[0], t.delta[2], t.C, t.y, t["a[1]"], t.dC_dw[1]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0
