import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.backward import backward, losses
from pellucid.errors import AddressError, InputError, ShapeError
from pellucid.explain.rerun import rerun
from pellucid.forward import forward
from pellucid.records import Records
from pellucid.symbols import Derivative

from .explain.networks import network, quantities, records, slope, unsure

equal = np.testing.assert_array_equal  # NaN is NaN: an output of exactly 0 or 1 can have an infinite loss


@settings(max_examples=30)
@given(records())
def test_values_are_those_of_the_forward_and_backward_pass(r):
    ahead = forward(r.program, r.parameters, r.x)
    back = backward(r.program, r.loss, ahead, r.targets)
    gradient = back.gradient()
    for l in range(1, r.L + 1):
        i, j, k = r.samples - 1, r.n[l] - 1, r.n[l - 1] - 1
        assert r.value(f"z[{l}][{j}]@{i}") == ahead.z[l][i, j]
        assert r.value(f"a[{l}][{j}]@{i}") == r.value(f"g[{l}][{j}]@{i}") == ahead.a[l][i, j]
        equal(r.value(f"delta[{l}][{j}]@{i}"), back.delta[l][i, j])
        equal(r.value(f"dC{i}/dz[{l}][{j}]"), back.delta[l][i, j])
        equal(r.value(f"dC{i}/da[{l}][{j}]"), back.dC_da[l][i, j])
        equal(r.value(f"dC{i}/dw[{l}][{j},{k}]"), back.factors[l]["w"].entry(i, j, k))
        np.testing.assert_allclose(r.value(f"dC/dw[{l}][{j},{k}]"), gradient[l]["w"][j, k], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(r.value(f"dC/dw[{l}]"), gradient[l]["w"], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(r.value(f"dC/dw[{l}][{j}]"), gradient[l]["w"][j], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(r.value(f"dC{i}/dw[{l}]"), back.factors[l]["w"].per_sample()[i], rtol=1e-14)
        np.testing.assert_array_equal(r.value(f"dC{i}/da[{l}]"), back.dC_da[l][i])
        np.testing.assert_array_equal(r.value(f"w[{l}]"), r.parameters[l]["w"])
        if "b" in r.parameters[l]:
            np.testing.assert_allclose(r.value(f"dC/db[{l}][{j}]"), gradient[l]["b"][j], rtol=1e-13, atol=1e-15)
            np.testing.assert_allclose(r.value(f"dC/db[{l}]"), gradient[l]["b"], rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(r.C, losses(r.program, r.loss, ahead, r.targets))
    equal(r.value("C"), r.C.mean())
    equal(r.value("dC0/dx[0]"), back.dC_da[0][0, 0])
    equal(r.value("dC0/da[0][0]"), back.dC_da[0][0, 0])


@settings(max_examples=40)
@given(records(), st.data())
def test_any_derivative_is_that_of_a_complex_step(r, data):
    """Every quantity by every other: also entries of Jacobians, zero ones, and the mean over the samples."""
    i = data.draw(st.integers(0, r.samples - 1))
    computed, variable = quantities(r, i)
    kinks = any(r.g(l).kinks for l in range(1, r.L + 1)) or r.loss.name in ("absolute_error", "huber")
    for by in data.draw(st.lists(st.sampled_from(variable), min_size=1, max_size=5)):
        for of in data.draw(st.lists(st.sampled_from([*computed, "C", "R"]), min_size=1, max_size=3)):
            address = f"d{of}/d{by}" if of in ("C", "R") else slope(of, by)
            d = r.address(address)
            assert isinstance(d, Derivative)
            v = float(r.value(by))
            sides = rerun(r, d.of, d.by, [v + 1e-180j, v - 1e-180j]).imag / [1e-180, -1e-180]
            assert kinks or of == "R" or sides[0] == pytest.approx(sides[1], rel=1e-13, nan_ok=True)
            scale = max(abs(sides).max(), 1e-3 if kinks else 1e-5)
            if not np.isclose(*sides, rtol=1e-10, atol=0):
                continue  # exactly at a kink, where the convention decides
            if np.isfinite(sides).all() and np.isfinite(r.value(address)):
                assert min(abs(sides - r.value(address))) < 1e-10 * scale + unsure(r, address), address


@settings(max_examples=20)
@given(records(dtype=np.float32))
def test_float32_weights_are_used_exactly(r):
    doubled = tuple({k: np.asarray(a, np.float64) for k, a in p.items()} for p in r.parameters)
    same = Records(r.architecture, doubled, r.x, r.y)
    equal(r.value("C"), same.value("C"))
    equal(r.value("dC0/dw[1][0,0]"), same.value("dC0/dw[1][0,0]"))


def test_large_float32_weights_are_never_copied_as_a_whole():
    import tracemalloc

    rng = np.random.default_rng(0)
    net = network([500, 6000, 3000, 5], ["tanh", "relu", "softmax"], "cross_entropy")
    w = tuple(
        {k: rng.normal(size=s).astype(np.float32) * 0.05 for k, s in net.program.shapes(l).items()}
        for l in range(net.L + 1)
    )
    exact = Records(
        net, tuple({k: a.astype(np.float64) for k, a in p.items()} for p in w), rng.normal(size=(1, 500)), [3]
    )
    tracemalloc.start()
    try:
        r = Records(net, w, exact.x, [3])
        found = r.value("dC0/dw[1][7,5]")
        assert tracemalloc.get_traced_memory()[1] < w[2]["w"].nbytes / 8
    finally:
        tracemalloc.stop()
    assert found == pytest.approx(exact.value("dC0/dw[1][7,5]"), rel=1e-11)
    assert found != 0


@pytest.fixture
def two():
    net = network([2, 3, 2], ["softmax", "sigmoid"], bias=False)
    return Records(net, net.initial(0), np.ones((2, 2)), np.ones((2, 2)))


@pytest.mark.parametrize("address, message", [
    ("b[1][0]", r"b\[1\]\[0\]: layer 1 \(dense, softmax\) has no biases"),
    ("g'[1][0]", "mixes its nodes, so g′ is a matrix"),
    ("dw[1][0,0]/dw[1][0,1]", "the network does not compute"),
    ("dy[0]/dw[1][0,1]", "the network does not compute"),
    ("ddelta[1][0]/dw[1][0,1]", "second derivative"),
    ("dC0/dC1", "expected w, b, z, a, g, x or y below the line"),
    ("da[2]/dw[1][0,1]", "is an array"),
    ("dC0/dz[1][0]@1", "samples do not mix"),
    ("C[2]", "there are 2 samples, so i runs over 0 … 1"),
    ("w+[1][0,0]", "depends on the optimiser"),
])  # fmt: skip
def test_what_has_no_value_is_refused(two, address, message):
    with pytest.raises(AddressError, match=message):
        two.value(address)


@pytest.mark.parametrize("x, y, error, message", [
    (np.ones((2, 3)), np.ones((2, 2)), ShapeError, r"x: expected \(n, 2\)"),
    (np.ones((0, 2)), np.ones((0, 2)), InputError, "x: expected at least one sample, got none"),
    (np.ones((2, 2)), np.ones((3, 2)), ShapeError, r"y: expected \(2, 2\) or 2 whole-number labels, got \(3, 2\)"),
    (np.ones((2, 2)), np.ones((2, 3)), ShapeError, "y: expected"),
    (np.ones((2, 2)), np.ones(2), ShapeError, "y: expected"),
    (np.ones((2, 2)), [0, 2], InputError, "expected labels 0 … 1, got 0 … 2"),
    (np.ones((2, 2)), [-1, 1], InputError, "expected labels 0 … 1"),
    ([["a", "b"]], [0], InputError, "expected numbers"),
])  # fmt: skip
def test_samples_must_fit(two, x, y, error, message):
    with pytest.raises(error, match=message):
        Records(two.architecture, two.parameters, x, y)


def test_one_sample_may_come_without_its_axis(two):
    assert Records(two.architecture, two.parameters, [1.0, 2.0], [0.0, 1.0]).samples == 1
    assert Records(two.architecture, two.parameters, [1.0, 2.0], 1).value("y[1]") == 1
    net = network([2, 1], ["linear"])
    assert Records(net, net.initial(0), np.ones((3, 2)), [1.5, 2.0, 3.0]).targets.shape == (3, 1)
    assert Records(net, net.initial(0), np.ones((3, 2)), [1, 2, 3]).value("y[0]@2") == 3


def test_a_record_stays_when_the_network_trains_on(two):
    parameters = tuple({k: np.array(a) for k, a in p.items()} for p in two.parameters)
    r = Records(two.architecture, parameters, two.x, two.y)
    parameters[2]["w"][:] = 0.0
    assert r.value("C0") == two.value("C0")
    assert r.value("w[2][0,0]") == two.value("w[2][0,0]")


@pytest.mark.parametrize("address", ["a[1]", "w[1]", "dC/dw[1]", "x", "y"])
def test_nobody_changes_a_record_through_what_it_gives(two, address):
    with pytest.raises(ValueError, match="read-only"):
        two.value(address)[...] = 1.0
