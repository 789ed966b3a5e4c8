"""The plain loops by hand; exactness; what they refuse. Their agreement with everything else is in tests/oracles."""

import ast
import math
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest

from pellucid import scalar, scalar_functions
from pellucid.errors import InputError, ShapeError
from pellucid.scalar import C, Network, backward, convert, forward, gradient, network, update

F = Fraction


@pytest.fixture
def net():
    return Network(
        w=[None, [[F(1, 2), F(-1, 3)], [F(2), F(1, 4)]], [[F(1), F(-1, 2)]]],
        b=[None, [F(0), F(1, 5)], None],
        g=[None, "softsign", "linear"],
    )


def test_forward_by_hand(net):
    record = forward(net, [F(1), F(3)])
    assert record.z == [None, [F(-1, 2), F(59, 20)], [F(-1, 3) - F(59, 158)]]
    assert record.a == [[1, 3], [F(-1, 3), F(59, 79)], [F(-1, 3) - F(59, 158)]]
    assert C(net, record, [F(0)]) == (F(1, 3) + F(59, 158)) ** 2


def test_backward_by_hand(net):
    record = forward(net, [F(1), F(3)])
    back = backward(net, record, [F(0)])
    top = 2 * record.a[2][0]
    assert back.dC_da[2] == back.delta[2] == [top]
    assert back.dC_dw[2] == [[top * F(-1, 3), top * F(59, 79)]]
    assert back.dC_db[2] is None
    assert back.dC_da[1] == [top, -top / 2]
    assert back.delta[1] == [top * F(4, 9), -top / 2 * F(20, 79) ** 2]
    assert back.dC_dw[1] == [[back.delta[1][0], 3 * back.delta[1][0]], [back.delta[1][1], 3 * back.delta[1][1]]]
    assert back.dC_db[1] == back.delta[1]
    assert back.dC_da[0] == [back.delta[1][0] / 2 + 2 * back.delta[1][1], -back.delta[1][0] / 3 + back.delta[1][1] / 4]


def test_softmax_and_labels():
    net = Network(w=[None, [[1.0], [2.0], [0.0]]], b=[None, None], g=[None, "softmax"], loss="cross_entropy")
    record = forward(net, [math.log(2)])
    assert record.a[1] == pytest.approx([2 / 7, 4 / 7, 1 / 7])
    assert C(net, record, 1) == pytest.approx(math.log(7 / 4))
    assert backward(net, record, 1).delta[1] == pytest.approx([2 / 7, 4 / 7 - 1, 1 / 7])
    assert backward(net, record, [0, 1, 0]).delta[1] == backward(net, record, 1).delta[1]
    assert forward(net, [1e3]).a[1] == [0, 1, 0]


def test_gradient_is_the_mean_or_a_weighted_sum(net):
    x, y = [[F(1), F(3)], [F(-2), F(1)], [F(0), F(1, 7)]], [[F(0)], [F(1)], [F(2)]]
    backs = [backward(net, forward(net, x_i), y_i) for x_i, y_i in zip(x, y, strict=True)]
    dC_dw, dC_db = gradient(net, x, y)
    assert dC_dw[1][1][0] == sum(back.dC_dw[1][1][0] for back in backs) / 3
    assert dC_db[1][0] == sum(back.dC_db[1][0] for back in backs) / 3
    assert dC_db[2] is None
    assert isinstance(dC_dw[1][1][0], Fraction)
    s = [F(1, 2), F(1, 2), F(0)]
    dC_dw, _ = gradient(net, x, y, s)
    assert dC_dw[1][1][0] == (backs[0].dC_dw[1][1][0] + backs[1].dC_dw[1][1][0]) / 2


def test_update_leaves_the_old_network_alone(net):
    dC_dw, dC_db = gradient(net, [[F(1), F(3)]], [[F(0)]])
    after = update(net, dC_dw, dC_db, F(1, 10))
    assert after.w[1][0][1] == F(-1, 3) - dC_dw[1][0][1] / 10
    assert after.b[1][1] == F(1, 5) - dC_db[1][1] / 10
    assert after.b[2] is None
    assert net.w[1][0][1] == F(-1, 3)
    assert C(after, forward(after, [F(1), F(3)]), [F(0)]) < C(net, forward(net, [F(1), F(3)]), [F(0)])


def test_mpmath_keeps_its_digits():
    net = Network(w=[None, [[0.5]]], b=[None, [0.25]], g=[None, "gelu"], loss="huber")
    with mpmath.workdps(40):
        exact = convert(net, mpmath.mpf)
        record = forward(exact, [mpmath.mpf(1)])
        assert abs(record.a[1][0] - mpmath.mpf("0.75") * mpmath.ncdf(mpmath.mpf("0.75"))) < mpmath.mpf("1e-38")
        derivative = backward(exact, record, [mpmath.mpf(0)]).dC_db[1][0]
        z = mpmath.mpf("0.75")
        assert abs(derivative - record.a[1][0] * (mpmath.ncdf(z) + z * mpmath.npdf(z))) < mpmath.mpf("1e-38")


def test_complex_step_goes_through():
    net = Network(w=[None, [[0.5]], [[2.0]]], b=[None, [0.25], [0.0]], g=[None, "gelu", "tanh"], loss="absolute_error")
    moved = Network(w=[None, [[complex(0.5, 1e-30)]], [[2.0]]], b=net.b, g=net.g, loss=net.loss)
    slope = C(moved, forward(moved, [3.0]), [-1.0]).imag / 1e-30
    assert slope == pytest.approx(backward(net, forward(net, [3.0]), [-1.0]).dC_dw[1][0][0], rel=1e-14)


def test_default_constants_stay_exact_beside_fractions():
    net = Network(w=[None, [[F(-1)]]], b=[None, None], g=[None, "leaky_relu"], loss={"name": "huber", "kappa": 0.1})
    record = forward(net, [F(2)])
    assert record.a[1] == [-2 * F(0.01)]  # the very number that the float 0.01 is
    back = backward(net, record, [F(3)])
    assert back.dC_da[1] == [-F(0.1)]
    assert back.delta[1] == [-F(0.1) * F(0.01)]


class TestRefused:
    def test_fractions_without_a_rational_function(self):
        net = Network(w=[None, [[F(1)]]], b=[None, None], g=[None, "sigmoid"])
        with pytest.raises(InputError, match="Fraction: expected only rational activations and losses, got Fraction"):
            forward(net, [F(1)])

    @pytest.mark.parametrize("C_name", ["cross_entropy", "binary_cross_entropy"])
    def test_outputs_without_a_logarithm(self, C_name):
        net = Network(w=[None, [[1.0]]], b=[None, None], g=[None, "linear"], loss=C_name)
        for pass_ in (C, backward):
            with pytest.raises(InputError, match="cross-entropy: expected outputs between 0 and 1, got -1"):
                pass_(net, forward(net, [-1.0]), [1.0])

    def test_poisson_needs_outputs_above_zero(self):
        net = Network(w=[None, [[1.0]]], b=[None, None], g=[None, "linear"], loss="poisson")
        for pass_ in (C, backward):
            with pytest.raises(InputError, match="poisson: expected outputs above 0, got -1"):
                pass_(net, forward(net, [-1.0]), [2.0])

    def test_lists_that_do_not_fit(self):
        with pytest.raises(ShapeError, match=r"w\[2\]\[0\]: expected 1 weights, got 2"):
            Network(w=[None, [[1]], [[1, 2]]], b=[None, None, None], g=[None, "relu", "relu"])
        with pytest.raises(ShapeError, match=r"b\[1\]: expected 1 biases, got 2"):
            Network(w=[None, [[1]]], b=[None, [1, 2]], g=[None, "relu"])
        with pytest.raises(ShapeError, match="expected lists w, b and g of one length"):
            Network(w=[None, [[1]]], b=[None], g=[None, "relu"])
        net = Network(w=[None, [[1, 2]]], b=[None, None], g=[None, "relu"])
        with pytest.raises(ShapeError, match="x: expected 2 numbers, got 3"):
            forward(net, [1, 2, 3])
        with pytest.raises(ShapeError, match="y: expected 1 targets, got 2"):
            C(net, forward(net, [1, 2]), [1, 2])
        with pytest.raises(ShapeError, match=r"gradient: .*, got 1 samples, 2 targets"):
            gradient(net, [[1, 2]], [[1], [2]])
        with pytest.raises(ShapeError, match=r"gradient: .*, got 0 samples, 0 targets"):
            gradient(net, [], [])

    def test_unknown_names(self):
        with pytest.raises(InputError, match=r"layer 1: expected one of elu, .*, softmax, .*, got 'step'"):
            Network(w=[None, [[1]]], b=[None, None], g=[None, "step"])
        with pytest.raises(InputError, match=r"loss: expected one of .*, got 'mse'"):
            Network(w=[None, [[1]]], b=[None, None], g=[None, "relu"], loss="mse")

    def test_other_layers(self):
        with pytest.raises(InputError, match="layer 1: expected a dense layer"):
            network({"layers": [{"kind": "convolution"}], "loss": "huber"}, [{}])


def test_it_stands_alone():
    """Beside the standard library only the errors; scipy's erfc of complex numbers where it is called."""
    found = set()
    for module in (scalar, scalar_functions):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                found.add("." * node.level + (node.module or ""))
            elif isinstance(node, ast.Import):
                found.update(name.name for name in node.names)
    assert {name for name in found if name.startswith(".")} == {".errors", ".scalar_functions"}
    assert not {"numpy", "jax", "scipy", "mpmath"} & found
