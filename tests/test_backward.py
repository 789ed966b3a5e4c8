"""The backward pass: every ∂C_i/∂a, δ and gradient of its record, beside the comparison of tests/oracles."""

import copy

import numpy as np
import pytest

from pellucid import scalar
from pellucid.activations import ACTIVATIONS
from pellucid.architecture import Architecture, Penalty
from pellucid.backward import backward, losses
from pellucid.forward import forward
from pellucid.layers import Dense, Input
from pellucid.losses import LOSSES, loss
from pellucid.program import program

from .oracles.cases import Case, random_case


def both(case: Case, **options):
    net = case.architecture
    record = forward(net.program, case.parameters, case.x)
    return record, backward(net.program, net.loss, record, case.y, **options)


@pytest.mark.parametrize("g", list(ACTIVATIONS))
@pytest.mark.parametrize("C", ["squared_error", "binary_cross_entropy"])
def test_every_number_equals_plain_loops(g, C):
    case = random_case(g, C, 4, bias=True)
    _, back = both(case)
    net = scalar.network(case.architecture.to_dict(), case.parameters)
    for i, (x_i, y_i) in enumerate(zip(case.x.tolist(), case.y.tolist(), strict=True)):
        expected = scalar.backward(net, scalar.forward(net, x_i), y_i)
        for l in range(net.L + 1):
            np.testing.assert_allclose(back.dC_da[l][i], expected.dC_da[l], rtol=1e-11, atol=1e-13)
            if l > 0:
                np.testing.assert_allclose(back.delta[l][i], expected.delta[l], rtol=1e-11, atol=1e-13)
                w, b = back.factors[l]["w"], back.factors[l]["b"]
                np.testing.assert_allclose(w.per_sample()[i], expected.dC_dw[l], rtol=1e-11, atol=1e-13)
                np.testing.assert_allclose(b.per_sample()[i], expected.dC_db[l], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("C", list(LOSSES))
def test_derivative_in_the_input_is_the_adjoint_of_the_forward_pass(C, generator):
    """⟨∂C_i/∂x, u⟩ is the derivative of C_i along u, taken by a complex step through the forward pass."""
    case = random_case("softmax", C, 3, bias=True)
    net, u = case.architecture, generator.normal(size=case.x.shape)
    _, back = both(case)
    moved = forward(net.program, case.parameters, case.x + 1e-30j * u)
    along = losses(net.program, net.loss, moved, case.y).imag / 1e-30
    np.testing.assert_allclose(np.sum(back.dC_da[0] * u, axis=1), along, rtol=1e-11, atol=1e-15)


def test_dC_da_exists_where_the_derivative_of_g_is_zero():
    net = program((Input(1), Dense(1, "relu"), Dense(1)))
    parameters = ({}, {"w": np.array([[1.0]]), "b": np.array([0.0])}, {"w": np.array([[3.0]]), "b": np.array([0.0])})
    for x in (-2.0, 0.0):  # off, and at the kink
        record = forward(net, parameters, np.array([[x]]))
        back = backward(net, loss("squared_error"), record, np.array([[-1.0]]))
        assert back.dC_da[1] == 6  # 2(0 + 1) · 3
        assert back.delta[1] == 0
        assert back.gradient()[1]["w"] == 0


def test_shapes_and_what_can_be_left_out():
    case = random_case("sigmoid", "binary_cross_entropy", 3, bias=True)
    _, back = both(case)
    widths = case.architecture.n
    assert [array.shape for array in back.dC_da] == [(5, n_l) for n_l in widths]
    assert back.delta[0] is None
    assert [array.shape for array in back.delta[1:]] == [(5, n_l) for n_l in widths[1:]]
    assert back.factors[0] == {}
    _, without = both(case, to_input=False, to_output=False)
    assert without.dC_da[0] is None
    assert without.dC_da[-1] is None
    for layer, same in zip(back.gradient(), without.gradient(), strict=True):
        for name in layer:
            np.testing.assert_array_equal(layer[name], same[name])


def test_the_pass_changes_nothing():
    case = random_case("tanh", "squared_error", 3, bias=True)
    before = copy.deepcopy((case.parameters, case.x, case.y))
    _, back = both(case)
    back.gradient()
    after = (case.parameters, case.x, case.y)
    for old, new in zip(before[0], after[0], strict=True):
        for name in old:
            np.testing.assert_array_equal(old[name], new[name])
    np.testing.assert_array_equal(before[1], after[1])
    np.testing.assert_array_equal(before[2], after[2])


class TestSampleWeights:
    @pytest.fixture
    def case(self):
        return random_case("tanh", "huber", 3, bias=True)

    def test_are_shares_of_the_sum(self, case):
        s = np.array([0.1, 0.0, 0.4, 0.3, 0.2])
        _, back = both(case)
        for l, layer in enumerate(back.gradient(s)):
            for name, gradient in layer.items():
                expected = sum(s_i * g_i for s_i, g_i in zip(s, back.factors[l][name].per_sample(), strict=True))
                np.testing.assert_allclose(gradient, expected, rtol=1e-12)

    def test_a_double_weight_is_a_sample_that_occurs_twice(self, case):
        _, back = both(case)
        rows = [0, 1, 1, 2, 3, 4]
        _, twice = both(Case(case.architecture, case.parameters, case.x[rows], case.y[rows]))
        for layer, expected in zip(back.gradient(np.array([1, 2, 1, 1, 1]) / 6), twice.gradient(), strict=True):
            for name in layer:
                np.testing.assert_allclose(layer[name], expected[name], rtol=1e-12)

    def test_plain_loops_agree(self, case):
        s = [0.1, 0.0, 0.4, 0.3, 0.2]
        _, back = both(case)
        net = scalar.network(case.architecture.to_dict(), case.parameters)
        dC_dw, dC_db = scalar.gradient(net, case.x.tolist(), case.y.tolist(), s)
        for l, layer in enumerate(back.gradient(np.array(s))[1:], 1):
            np.testing.assert_allclose(layer["w"], dC_dw[l], rtol=1e-12)
            np.testing.assert_allclose(layer["b"], dC_db[l], rtol=1e-12)


@pytest.mark.parametrize("penalty", [Penalty(l2=0.1), Penalty(l1=0.2), Penalty(0.1, 0.2)])
def test_the_penalty_is_kept_apart(penalty):
    """∂(C + R)/∂w = ∂C/∂w + ∂R/∂w, by central differences; biases have no share in R."""
    case = random_case("tanh", "squared_error", 2, bias=True)
    net = case.architecture
    _, back = both(case)
    for l, layer in enumerate(back.gradient()):
        for name, array in case.parameters[l].items():
            total = layer[name] + (penalty.dR_dw(array) if name == "w" else 0)
            for index in np.ndindex(array.shape):

                def objective(h, l=l, name=name, array=array, index=index):
                    moved = array.copy()
                    moved[index] += h
                    parameters = list(case.parameters)
                    parameters[l] = {**parameters[l], name: moved}
                    record = forward(net.program, parameters, case.x)
                    return np.mean(losses(net.program, net.loss, record, case.y)) + penalty.R(
                        list(net.penalised(parameters))
                    )

                slope = (objective(6e-6) - objective(-6e-6)) / 1.2e-5
                assert total[index] == pytest.approx(slope, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize(("g", "C"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")])
def test_the_fused_form_and_labels(g, C):
    case = random_case(g, C, 3, bias=True)
    net = case.architecture
    labels = np.array([0, 2, 1, 1, 0])
    case = Case(net, case.parameters, case.x, np.eye(3)[labels])
    record, back = both(case)
    _, long_way = both(case, stable=False)
    np.testing.assert_allclose(back.delta[-1], long_way.delta[-1], rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(back.delta[-1], record.a[-1] - case.y)  # δ = a − y
    np.testing.assert_allclose(
        losses(net.program, net.loss, record, case.y),
        losses(net.program, net.loss, record, case.y, stable=False),
        rtol=1e-13,
    )
    by_label = backward(net.program, net.loss, record, labels)
    for l in range(1, 4):
        np.testing.assert_array_equal(by_label.delta[l], back.delta[l])


@pytest.mark.parametrize(("g", "C"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits(g, C, dtype):
    """±1000: without a warning, finite, and not zero where the output is wrong."""
    net = program((Input(2), Dense(2, g)))
    parameters = ({}, {"w": np.eye(2, dtype=dtype) * 1000, "b": np.zeros(2, dtype)})
    x, y = np.array([[1, -1], [1, -1]], dtype), np.array([0, 1])
    record = forward(net, parameters, x)
    np.testing.assert_array_equal(losses(net, loss(C), record, y), [0, 2000])
    back = backward(net, loss(C), record, y)
    np.testing.assert_array_equal(back.delta[1], [[0, 0], [1, -1]])
    np.testing.assert_array_equal(back.gradient()[1]["w"], [[0.5, -0.5], [-0.5, 0.5]])
    assert back.gradient()[1]["w"].dtype == dtype


@pytest.mark.parametrize(("g", "C"), [("tanh", "squared_error"), ("softmax", "cross_entropy"), ("gelu", "huber")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jit_gives_what_numpy_gives(g, C, dtype):
    import jax

    case = random_case(g, C, 4, bias=True)
    net = case.architecture
    parameters, x, y = jax.tree.map(lambda array: array.astype(dtype), (case.parameters, case.x, case.y))

    def gradient(parameters, x, y):
        record = forward(net.program, parameters, x)
        back = backward(net.program, net.loss, record, y, to_input=False)
        return back.gradient(), losses(net.program, net.loss, record, y)

    expected, C_i = gradient(parameters, x, y)
    with jax.enable_x64(dtype == np.float64):
        on_device, on_device_C_i = jax.jit(gradient)(parameters, x, y)
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(np.asarray(on_device_C_i), C_i, rtol=tolerance)
    assert C_i.dtype == on_device_C_i.dtype == dtype
    for layer, layer_expected in zip(on_device, expected, strict=True):
        for name, array in layer.items():
            assert array.dtype == layer_expected[name].dtype == dtype
            scale = np.max(np.abs(layer_expected[name]))
            np.testing.assert_allclose(np.asarray(array), layer_expected[name], rtol=tolerance, atol=tolerance * scale)


def test_equal_first_weights_stay_equal():
    """What happens if all weights start equal? The nodes of a layer get equal gradients, for ever."""
    net = Architecture((Input(3), Dense(4, "tanh", initialiser="constant"), Dense(1)), loss("squared_error"))
    parameters = ({}, {"w": np.full((4, 3), 0.3), "b": np.zeros(4)}, {"w": np.full((1, 4), 0.3), "b": np.zeros(1)})
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.ones((6, 1))
    w = backward(net.program, net.loss, forward(net.program, parameters, x), y).gradient()[1]["w"]
    assert w.any()
    np.testing.assert_allclose(w, np.broadcast_to(w[:1], w.shape), rtol=1e-14)


@pytest.mark.parametrize("C", list(LOSSES))
def test_a_small_step_lowers_the_loss(C):
    case = random_case("sigmoid", C, 3, bias=True)
    net = case.architecture
    record, back = both(case)
    moved = tuple(
        {name: array - 1e-3 * gradient[name] for name, array in arrays.items()}
        for arrays, gradient in zip(case.parameters, back.gradient(), strict=True)
    )
    after = losses(net.program, net.loss, forward(net.program, moved, case.x), case.y).mean()
    assert after < losses(net.program, net.loss, record, case.y).mean()
