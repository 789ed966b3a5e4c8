"""The forward pass: its record, its sums by plain loops, the same lines on JAX."""

import numpy as np
import pytest

from pellucid import scalar
from pellucid.activations import ACTIVATIONS
from pellucid.architecture import Architecture
from pellucid.forward import forward
from pellucid.layers import Dense, Input
from pellucid.losses import loss
from pellucid.program import program

from .oracles.cases import random_case


def test_record_is_indexed_by_the_layer():
    net = Architecture((Input(4), Dense(3, "tanh"), Dense(2)), loss("squared_error"))
    x = np.ones((5, 4))
    record = forward(net.program, net.initial(0), x)
    assert record.z[0] is None
    assert record.a[0] is x
    assert [a.shape for a in record.a] == [(5, 4), (5, 3), (5, 2)]
    assert [z.shape for z in record.z[1:]] == [(5, 3), (5, 2)]
    np.testing.assert_array_equal(record.a[1], np.tanh(record.z[1]))
    np.testing.assert_array_equal(record.a[2], record.z[2])


@pytest.mark.parametrize("g", list(ACTIVATIONS))
@pytest.mark.parametrize("bias", [True, False])
def test_equals_plain_loops(g, bias):
    case = random_case(g, "squared_error", 4, bias)
    record = forward(case.architecture.program, case.parameters, case.x)
    net = scalar.network(case.architecture.to_dict(), case.parameters)
    for i, x_i in enumerate(case.x.tolist()):
        expected = scalar.forward(net, x_i)
        for l in range(1, net.L + 1):
            np.testing.assert_allclose(record.z[l][i], expected.z[l], rtol=1e-13, atol=1e-14)
            np.testing.assert_allclose(record.a[l][i], expected.a[l], rtol=1e-13, atol=1e-14)


def test_samples_do_not_mix():
    case = random_case("softmax", "squared_error", 3, bias=True)
    net = case.architecture
    together = forward(net.program, case.parameters, case.x)
    for i in range(len(case.x)):
        alone = forward(net.program, case.parameters, case.x[i : i + 1])
        for a, a_i in zip(together.a, alone.a, strict=True):
            np.testing.assert_allclose(a[i : i + 1], a_i, rtol=1e-13)


@pytest.mark.parametrize("g", list(ACTIVATIONS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jit_gives_what_numpy_gives(g, dtype):
    import jax

    case = random_case(g, "squared_error", 3, bias=True)
    net = case.architecture
    parameters, x = jax.tree.map(lambda array: array.astype(dtype), (case.parameters, case.x))
    record = forward(net.program, parameters, x)
    with jax.enable_x64(dtype == np.float64):
        on_device = jax.jit(lambda p, x: forward(net.program, p, x).a)(parameters, x)
    tolerance = 30 * np.finfo(dtype).eps
    for a, expected in zip(on_device, record.a, strict=True):
        assert a.dtype == expected.dtype == dtype
        np.testing.assert_allclose(np.asarray(a), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("g", list(ACTIVATIONS))
def test_extreme_inputs_bring_no_warning(g):
    net = program((Input(2), Dense(2, g), Dense(2, g)))
    parameters = ({}, {"w": np.eye(2) * 1e3, "b": np.zeros(2)}, {"w": np.eye(2), "b": np.zeros(2)})
    record = forward(net, parameters, np.array([[1.0, -1.0], [1e3, -1e3]]))
    assert g == "exponential" or all(np.isfinite(a).all() for a in record.a)  # e^1000 is no float64


def test_missing_layers_are_not_passed_over():
    with pytest.raises(IndexError):
        forward(
            program((Input(2), Dense(2), Dense(2))),
            (
                {},
                {"w": np.eye(2), "b": np.zeros(2)},
            ),
            np.ones((1, 2)),
        )
