"""The description of a network: sizes that must fit, the penalty, seeded first arrays."""

import json

import numpy as np
import pytest

from pellucid.architecture import Architecture, Penalty
from pellucid.errors import InputError, ShapeError
from pellucid.layers import Dense, Input
from pellucid.losses import Huber, SquaredError, loss


@pytest.fixture
def net():
    return Architecture((Input(4), Dense(3, "tanh"), Dense(5, "relu", bias=False), Dense(2)), SquaredError())


def test_sizes_and_names(net):
    assert net.L == 3
    assert net.n == (4, 3, 5, 2)
    assert net.where(2) == "layer 2 (dense, relu)"
    assert hash(net) == hash(Architecture(net.layers, net.loss))


class TestRefused:
    def test_no_layers(self):
        with pytest.raises(
            InputError, match=r"Network: expected at least one layer, got none\. Write Input\(n_0\), Dense"
        ):
            Architecture((), SquaredError())
        with pytest.raises(InputError, match="Network: expected at least one layer, got none"):
            Architecture((Input(3),), SquaredError())

    @pytest.mark.parametrize("layer", ["dense", 3, None, {"kind": "dense"}, np.ones(3)])
    def test_no_layer(self, layer):
        with pytest.raises(InputError, match=r"layer 2: expected a layer \(one of dense, input\), got "):
            Architecture((Input(2), Dense(2), layer), SquaredError())

    @pytest.mark.parametrize("layers", [(Dense(4), Dense(1)), (Input(3), Dense(4), Input(4), Dense(1))])
    def test_input_is_layer_0_and_nowhere_else(self, layers):
        l = 0 if isinstance(layers[0], Dense) else 2
        with pytest.raises(InputError, match=f"layer {l}: expected Input as layer 0, and nowhere else, got ") as caught:
            Architecture(layers, SquaredError())
        assert str(caught.value).endswith("Start with the shape of one sample: Input(784), Dense(30), …")

    def test_layers_that_do_not_fit(self):
        with pytest.raises(ShapeError) as caught:
            Architecture((Input(4, 3), Dense(1, "relu")), SquaredError())
        assert str(caught.value) == "layer 1 (dense): expected one index below, got (4, 3). Flatten it first."

    @pytest.mark.parametrize(("l", "reads"), [(1, 1), (1, 2), (1, -2), (2, 2), (2, -3), (2, 7)])
    def test_layers_read_earlier_ones(self, l, reads):
        layers = [Input(4), Dense(3), Dense(2), Dense(1)]
        layers[l] = Dense(3, reads=reads)
        with pytest.raises(InputError) as caught:
            Architecture(tuple(layers), SquaredError())
        assert str(caught.value) == f"layer {l} (dense): expected to read layers 0 … {l - 1}, got ({reads},)."

    def test_a_file_that_says_how_many_are_below(self, net):
        stored = json.loads(json.dumps(net.to_dict()))
        stored["layers"] = [
            {**{k: v for k, v in layer.items() if k != "n"}, "n_in": below, "n_out": layer["n"]}
            for layer, below in zip(stored["layers"][1:], net.n, strict=False)
        ]
        assert Architecture.from_dict(stored) == net
        stored["layers"][1]["n_in"] = 4
        with pytest.raises(ShapeError, match=r"layer 2 \(dense, relu\): expected n_in 3, the nodes of layer 1, got 4"):
            Architecture.from_dict(stored)
        del stored["layers"][0]["n_in"]
        with pytest.raises(InputError, match="layer 0: expected Input as layer 0"):
            Architecture.from_dict(stored)

    def test_parameters(self, net):
        good = net.initial(0)
        net.check(good)
        with pytest.raises(ShapeError, match="parameters: expected arrays for layers 0 … 3, got 3"):
            net.check(good[:3])
        with pytest.raises(ShapeError, match=r"layer 0 \(input\): expected no arrays, got w\."):
            net.check(({"w": np.ones((4, 4))}, *good[1:]))
        with pytest.raises(ShapeError, match=r"layer 2 \(dense, relu\): expected the arrays w, got w, b"):
            net.check((*good[:2], {**good[2], "b": np.zeros(5)}, good[3]))
        with pytest.raises(ShapeError, match=r"layer 1 \(dense, tanh\): w: expected \(3, 4\), got \(4, 3\)"):
            net.check(({}, {**good[1], "w": good[1]["w"].T}, *good[2:]))

    def test_unknown_kind_of_layer(self, net):
        stored = net.to_dict()
        stored["layers"][2]["kind"] = "magic"
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
                np.testing.assert_array_equal(one[1]["w"], net.initial(seed)[1]["w"])  # the seed is not used up
        np.testing.assert_array_equal(net.initial(7)[3]["w"], net.initial(np.random.SeedSequence(7))[3]["w"])
        assert (net.initial(7)[1]["w"] != net.initial(8)[1]["w"]).any()

    def test_spawned_seeds_differ(self, net):
        one, other = np.random.SeedSequence(7).spawn(2)
        assert (net.initial(one)[1]["w"] != net.initial(other)[1]["w"]).any()
        np.testing.assert_array_equal(net.initial(one)[1]["w"], net.initial(one)[1]["w"])

    def test_layers_draw_from_streams_of_their_own(self):
        square = Architecture((Input(3), Dense(3), Dense(3)), SquaredError())
        _, first, second = square.initial(0)
        assert (first["w"] != second["w"]).all()
        deeper = Architecture((Input(3), Dense(3), Dense(3), Dense(3)), SquaredError())
        np.testing.assert_array_equal(deeper.initial(0)[1]["w"], first["w"])  # a layer on top changes nothing below


class TestPenalty:
    net = Architecture((Input(2), Dense(1), Dense(2, bias=False)), SquaredError())
    parameters = ({}, {"w": np.array([[1.0, -2.0]]), "b": np.array([100.0])}, {"w": np.array([[0.0], [3.0]])})

    def test_value_leaves_biases_out(self):
        weights = list(self.net.penalised(self.parameters))
        assert [w.shape for w in weights] == [(1, 2), (2, 1)]
        assert Penalty(l2=0.1).R(weights) == pytest.approx(0.1 * 14)
        assert Penalty(l1=0.1).R(weights) == pytest.approx(0.1 * 6)
        assert Penalty(0.5, 2.0).R(weights) == pytest.approx(0.5 * 14 + 2 * 6)
        assert Penalty().R(weights) == 0

    def test_derivative(self):
        w = np.array([[1.0, -2.0, 0.0]])
        np.testing.assert_array_equal(Penalty(l2=0.25).dR_dw(w), [[0.5, -1, 0]])
        np.testing.assert_array_equal(Penalty(l1=0.25).dR_dw(w), [[0.25, -0.25, 0]])  # sign(0) = 0
        np.testing.assert_array_equal(Penalty(0.25, 0.25).dR_dw(w), [[0.75, -1.25, 0]])
        for penalty in (Penalty(0.3, 0.7), Penalty(0.3), Penalty(l1=0.7)):
            step = 1e-6
            moved = [penalty.R([np.array([[1.0, v]])]) for v in (-2 + step, -2 - step)]
            assert penalty.dR_dw(w)[0, 1] == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-8)

    def test_under_jax(self):
        import jax

        penalty = Penalty(0.3, 0.7)
        with jax.enable_x64(True):
            R, dR_dw = jax.jit(lambda p: (penalty.R(list(self.net.penalised(p))), penalty.dR_dw(p[1]["w"])))(
                self.parameters
            )
        assert float(R) == pytest.approx(penalty.R(list(self.net.penalised(self.parameters))), rel=1e-14)
        np.testing.assert_allclose(np.asarray(dR_dw), penalty.dR_dw(self.parameters[1]["w"]), rtol=1e-14)

    def test_a_numpy_scalar_does_not_change_the_dtype(self):
        w = np.array([[1.0, -2.0]], np.float32)
        assert Penalty(np.float64(0.1), np.float64(0.1)).dR_dw(w).dtype == np.float32
        assert Penalty(np.float64(0.1), np.float64(0.1)).R([w]).dtype == np.float32

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
    net = Architecture((Input(4), Dense(3, "elu"), Dense(2, "softmax", bias=False)), Huber(2.0), Penalty(0.1, 0.2))
    again = Architecture.from_dict(json.loads(json.dumps(net.to_dict())))
    assert again == net
    assert again.to_dict() == net.to_dict()
    assert again.loss == loss({"name": "huber", "kappa": 2.0})
