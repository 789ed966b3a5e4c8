"""The description of a network: sizes that must fit, the penalty, seeded first arrays."""

import json

import numpy as np
import pytest

from pellucid.architecture import Architecture, Penalty
from pellucid.errors import InputError, ShapeError
from pellucid.layers import Dense
from pellucid.losses import Huber, SquaredError, loss


@pytest.fixture
def net():
    return Architecture((Dense(4, 3, "tanh"), Dense(3, 5, "relu", bias=False), Dense(5, 2)), SquaredError())


def test_sizes_and_names(net):
    assert net.L == 3
    assert net.n == (4, 3, 5, 2)
    assert net.where(2) == "layer 2 (dense, relu)"
    assert hash(net) == hash(Architecture(net.layers, net.loss))


class TestRefused:
    def test_no_layers(self):
        with pytest.raises(InputError, match=r"Network: expected at least one layer, got none\. Start with Dense"):
            Architecture((), SquaredError())

    @pytest.mark.parametrize("layer", ["dense", 3, None, {"kind": "dense"}, np.ones(3)])
    def test_no_layer(self, layer):
        with pytest.raises(InputError, match=r"layer 2: expected a layer \(one of dense"):
            Architecture((Dense(2, 2), layer), SquaredError())

    def test_layers_that_do_not_fit(self):
        with pytest.raises(ShapeError) as caught:
            Architecture((Dense(4, 3), Dense(2, 1, "relu")), SquaredError())
        assert str(caught.value) == (
            "layer 2 (dense, relu): expected the 2 nodes that it reads from layer 1, got layer 1 with 3 nodes. "
            "Give layer 1 2 nodes, or build layer 2 with n_in=3."
        )

    def test_parameters(self, net):
        good = net.initial(0)
        net.check(good)
        with pytest.raises(ShapeError, match="parameters: expected arrays for 3 layers, got 2"):
            net.check(good[:2])
        with pytest.raises(ShapeError, match=r"layer 2 \(dense, relu\): expected the arrays w, got w, b"):
            net.check((good[0], {**good[1], "b": np.zeros(5)}, good[2]))
        with pytest.raises(ShapeError, match=r"layer 1 \(dense, tanh\): w: expected \(3, 4\), got \(4, 3\)"):
            net.check(({**good[0], "w": good[0]["w"].T}, good[1], good[2]))

    def test_unknown_kind_of_layer(self, net):
        stored = net.to_dict()
        stored["layers"][1]["kind"] = "magic"
        with pytest.raises(InputError, match=r"layer 2: expected a kind of layer .*, got 'magic'"):
            Architecture.from_dict(stored)


class TestFirstArrays:
    def test_shapes(self, net):
        first = net.initial(0)
        net.check(first)
        assert [array.dtype for layer in first for array in layer.values()] == [np.float64] * 5

    def test_the_same_seed_gives_the_same(self, net):
        for seed in (0, 7, np.random.SeedSequence(7), None):
            one = net.initial(seed)
            if seed is not None:
                np.testing.assert_array_equal(one[0]["w"], net.initial(seed)[0]["w"])  # the seed is not used up
        np.testing.assert_array_equal(net.initial(7)[2]["w"], net.initial(np.random.SeedSequence(7))[2]["w"])
        assert (net.initial(7)[0]["w"] != net.initial(8)[0]["w"]).any()

    def test_spawned_seeds_differ(self, net):
        one, other = np.random.SeedSequence(7).spawn(2)
        assert (net.initial(one)[0]["w"] != net.initial(other)[0]["w"]).any()
        np.testing.assert_array_equal(net.initial(one)[0]["w"], net.initial(one)[0]["w"])

    def test_layers_draw_from_streams_of_their_own(self):
        square = Architecture((Dense(3, 3), Dense(3, 3)), SquaredError())
        first, second = square.initial(0)
        assert (first["w"] != second["w"]).all()
        deeper = Architecture((Dense(3, 3), Dense(3, 3), Dense(3, 3)), SquaredError())
        np.testing.assert_array_equal(deeper.initial(0)[0]["w"], first["w"])  # a layer on top changes nothing below


class TestPenalty:
    parameters = ({"w": np.array([[1.0, -2.0]]), "b": np.array([100.0])}, {"w": np.array([[0.0], [3.0]])})

    def test_value_leaves_biases_out(self):
        assert Penalty(l2=0.1).R(self.parameters) == pytest.approx(0.1 * 14)
        assert Penalty(l1=0.1).R(self.parameters) == pytest.approx(0.1 * 6)
        assert Penalty(0.5, 2.0).R(self.parameters) == pytest.approx(0.5 * 14 + 2 * 6)
        assert Penalty().R(self.parameters) == 0

    def test_derivative(self):
        w = np.array([[1.0, -2.0, 0.0]])
        np.testing.assert_array_equal(Penalty(l2=0.25).dR_dw(w), [[0.5, -1, 0]])
        np.testing.assert_array_equal(Penalty(l1=0.25).dR_dw(w), [[0.25, -0.25, 0]])  # sign(0) = 0
        np.testing.assert_array_equal(Penalty(0.25, 0.25).dR_dw(w), [[0.75, -1.25, 0]])
        for penalty in (Penalty(0.3, 0.7), Penalty(0.3), Penalty(l1=0.7)):
            step = 1e-6
            moved = [penalty.R(({"w": np.array([[1.0, v]])},)) for v in (-2 + step, -2 - step)]
            assert penalty.dR_dw(w)[0, 1] == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-8)

    def test_under_jax(self):
        import jax

        penalty = Penalty(0.3, 0.7)
        with jax.enable_x64(True):
            R, dR_dw = jax.jit(lambda p: (penalty.R(p), penalty.dR_dw(p[0]["w"])))(self.parameters)
        assert float(R) == pytest.approx(penalty.R(self.parameters), rel=1e-14)
        np.testing.assert_allclose(np.asarray(dR_dw), penalty.dR_dw(self.parameters[0]["w"]), rtol=1e-14)

    def test_a_numpy_scalar_does_not_change_the_dtype(self):
        w = np.array([[1.0, -2.0]], np.float32)
        assert Penalty(np.float64(0.1), np.float64(0.1)).dR_dw(w).dtype == np.float32
        assert Penalty(np.float64(0.1), np.float64(0.1)).R(({"w": w},)).dtype == np.float32

    def test_whether_there_is_one(self):
        assert not Penalty().any
        assert Penalty(l2=1e-9).any
        assert Penalty(l1=1).any

    @pytest.mark.parametrize("name", ["l1", "l2"])
    @pytest.mark.parametrize("value", [-1, -0.1, float("nan"), float("inf"), np.float32(-1), "1", None, [0.1], True])
    def test_refused(self, name, value):
        with pytest.raises(InputError, match=f"penalty {name}: expected a finite number ≥ 0, got "):
            Penalty(**{name: value})


def test_survives_being_stored():
    net = Architecture((Dense(4, 3, "elu"), Dense(3, 2, "softmax", bias=False)), Huber(2.0), Penalty(0.1, 0.2))
    again = Architecture.from_dict(json.loads(json.dumps(net.to_dict())))
    assert again == net
    assert again.to_dict() == net.to_dict()
    assert again.loss == loss({"name": "huber", "kappa": 2.0})
