"""How layers unfold into one program, and what walks it: forward, again, and Pull with T any quantity."""

import pickle
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from pellucid.backward import Pull, backward
from pellucid.errors import InputError, ShapeError
from pellucid.factors import Through, Together
from pellucid.forward import again, forward
from pellucid.layers import Defined, Dense, Input, Layer
from pellucid.layers.base import numbered
from pellucid.losses import loss
from pellucid.operations import Applied, Contraction, Pointwise
from pellucid.program import Program, program


@dataclass(frozen=True)
class Sum(Layer):
    """a_j = the sum of two layers: a residual connection."""

    reads: tuple[int, ...]
    kind = "sum"

    def quantities(self, *below):
        return (Defined("a", Pointwise("x + y", "x y", "j,j->j"), (0, 1)),)


@dataclass(frozen=True)
class Squares(Layer):
    """s_jk = w_jk², z_j = Σ_k s_jk a_k; w is also read as it is where `twice`: z_j = Σ_k (s_jk a_k + w_jk a_k)."""

    n: int
    twice: bool = False
    kind, penalised = "squares", ("w",)

    def arrays(self, below):
        return {"w": (self.n, *below.shape)}

    def letters(self, below):
        return {"w": "jk"}

    def quantities(self, below):
        of_squares = (
            Defined("s", Pointwise("w**2", "w", "jk->jk"), ("w",)),
            Defined("z", Contraction("jk,k->j"), ("s", 0)),
        )
        if not self.twice:
            return of_squares
        return (
            *of_squares,
            Defined("v", Contraction("jk,k->j"), ("w", 0)),
            Defined("u", Pointwise("z + v", "z v", "j,j->j"), ("z", "v")),
        )


@dataclass(frozen=True)
class Factored(Layer):
    """z_j = Σ_k (Σ_m u_jm v_mk) a_k: weights that are a product of weights."""

    n: int
    kind = "factored"

    def arrays(self, below):
        return {"u": (self.n, 2), "v": (2, *below.shape)}

    def letters(self, below):
        return {"u": "jm", "v": "mk"}

    def quantities(self, below):
        return (
            Defined("w", Contraction("jm,mk->jk"), ("u", "v")),
            Defined("z", Contraction("jk,k->j"), ("w", 0)),
        )


def drawn(net: Program, seed=0):
    generator = np.random.default_rng(seed)
    return tuple({name: generator.normal(size=s) for name, s in net.shapes(l).items()} for l in range(net.L + 1))


RESIDUAL = (
    Input(3),
    Dense(4, "tanh"),
    Dense(4, "sigmoid"),
    Sum((1, 2)),
    Dense(2, "gelu", reads=0),
    Dense(4, reads=4),
    Sum((3, -1)),
)
NETS = {
    "dense": (Input(3), Dense(4, "tanh"), Dense(2, "softmax")),
    "residual": RESIDUAL,
    "squares": (Input(3), Squares(4), Dense(2)),
    "squares, w read twice": (Input(3), Dense(2, "tanh"), Squares(3, True), Dense(2, "softplus")),
    "factored": (Input(3), Factored(4), Dense(2, "tanh")),
}


@pytest.fixture(params=NETS)
def net(request):
    return program(NETS[request.param])


class TestUnfolding:
    def test_order(self):
        net = program((Input(3), Dense(4, "tanh"), Dense(4, bias=False), Sum((1, 2))))
        names = [f"{slot.name}[{slot.l}]" for slot in net.slots]
        assert names == ["a[0]", "w[1]", "b[1]", "w[2]", "z[1]", "a[1]", "z[2]", "a[2]", "a[3]"]
        assert [slot.number for slot in net.slots] == list(range(9))
        assert net.arrays == ((1, "w"), (1, "b"), (2, "w"))
        assert net.outputs == [0, 5, 7, 8]
        assert [net.slots[r].number for r in net.slots[8].reads] == [5, 7]
        assert net.readers[5] == ((6, 1), (8, 0))
        assert net.first_reader[5] == 6 and net.first_reader[8] == 9
        assert [s.per_sample for s in net.slots] == [True, False, False, False, True, True, True, True, True]
        assert all(set(slot.reads) < set(range(slot.number)) for slot in net.steps)

    def test_sizes_and_letters(self):
        net = program(RESIDUAL)
        assert (net.L, net.n) == (6, (3, 4, 4, 4, 2, 4, 4))
        assert net.reads == [(), (0,), (1,), (1, 2), (0,), (4,), (3, 5)]
        w = net.slot(5, "w")
        assert w and (w.space.letters, w.space.shape) == ("jk", (4, 2))
        assert net.slot(0, "x") is net.slot(0, "a") is net.output(0)
        assert net.slot(3, "z") is None and net.slot(7, "a") is None and net.slot(-1, "a") is None
        assert net.shapes(4) == {"w": (2, 3), "b": (2,)} and net.shapes(0) == net.shapes(3) == {}
        assert [getattr(net.activation(l), "name", None) for l in range(7)] == [
            None, "tanh", "sigmoid", None, "gelu", "linear", None,
        ]  # fmt: skip

    def test_multiplications_of_dense_networks(self):
        for n in [(3, 4), (784, 30, 10), (5, 1, 7, 2), (1, 1)]:
            net = program((Input(n[0]), *(Dense(n_l, "tanh", bias=n_l > 1) for n_l in n[1:])))
            assert net.multiplications == tuple(a * b for a, b in pairwise(n))
            assert sum(net.multiplications) == sum(n[l] * n[l - 1] for l in range(1, len(n)))

    def test_equal_descriptions_are_one_program(self):
        first, second = Program(RESIDUAL), Program(tuple(RESIDUAL))
        assert first == second and hash(first) == hash(second) and first != Program(NETS["dense"]) and first != "dense"
        assert program(RESIDUAL) is program(RESIDUAL)
        assert pickle.loads(pickle.dumps(first)) == first

    def test_every_layer_is_read(self):
        with pytest.raises(InputError) as caught:
            Program((Input(4), Dense(3), Dense(2, reads=0)))
        assert str(caught.value) == (
            "layer 1 (dense): expected a later layer that reads it, got none. "
            "Leave it out, or let a later layer read it: reads=1."
        )
        with pytest.raises(InputError, match=r"layer 2 \(dense\): expected a later layer that reads it"):
            Program((Input(4), Dense(3), Dense(2), Dense(2, reads=-2)))

    @pytest.mark.parametrize("reads", [(1,), (2,), (-2,), (0, 1), (5, 0)])
    def test_layers_read_earlier_layers_only(self, reads):
        with pytest.raises(InputError, match=r"layer 1 \(sum\): expected to read layers 0 … 0, got \("):
            Program((Input(4), Sum(reads), Dense(1)))

    def test_layers_that_do_not_fit(self):
        with pytest.raises(ShapeError, match=r"layer 3 \(sum\): expected 4 places for j, got 3"):
            Program((Input(5), Dense(4), Dense(3), Sum((1, 2))))

    def test_numbers_of_layers(self):
        assert numbered("sum", (0, -1), 2) == (0, -1)
        with pytest.raises(InputError, match="sum: reads: expected the numbers of at most 2 layers, got "):
            numbered("sum", (0, 1, 2), 2)


def by_hand(parameters, x):
    """The residual network in plain NumPy."""
    from scipy.special import erf

    a1 = np.tanh(x @ parameters[1]["w"].T + parameters[1]["b"])
    a2 = 1 / (1 + np.exp(-(a1 @ parameters[2]["w"].T + parameters[2]["b"])))
    z4 = x @ parameters[4]["w"].T + parameters[4]["b"]
    a4 = z4 * (1 + erf(z4 / 2**0.5)) / 2
    return a1 + a2 + a4 @ parameters[5]["w"].T + parameters[5]["b"]


def test_layers_that_read_several_layers():
    net = program(RESIDUAL)
    parameters, x = drawn(net), np.random.default_rng(1).normal(size=(5, 3))
    record = forward(net, parameters, x)
    np.testing.assert_allclose(record.output, by_hand(parameters, x), rtol=1e-13)
    assert record.z[3] is None and record.a[3].shape == (5, 4)
    np.testing.assert_array_equal(record.a[3], record.a[1] + record.a[2])


def total(net, parameters, x, y, C="squared_error"):
    """C_i of each sample, also for complex numbers."""
    return loss(C).C(forward(net, parameters, x).output, y)


def test_gradients_are_differences(net):
    """Every weight's and input's derivative, sample by sample, where layers are read twice and weights are computed."""
    parameters, generator = drawn(net, 3), np.random.default_rng(2)
    x, y = generator.normal(size=(3, 3)), generator.normal(size=(3, net.n[-1]))
    back = backward(net, loss("squared_error"), forward(net, parameters, x), y)
    s = np.array([0.2, 0.5, 0.3])
    for l, arrays in enumerate(parameters):
        for name, array in arrays.items():
            factors, each = back.factors[l][name], np.empty((3, *array.shape))
            for at in np.ndindex(array.shape):
                moved = [dict(layer) for layer in parameters]
                moved[l][name] = array.astype(complex)
                moved[l][name][at] += 1e-30j
                each[(slice(None), *at)] = total(net, tuple(moved), x, y).imag / 1e-30
            np.testing.assert_allclose(factors.per_sample(), each, rtol=1e-11, atol=1e-12)
            np.testing.assert_allclose(factors.mean(), each.mean(axis=0), rtol=1e-11, atol=1e-12)
            np.testing.assert_allclose(back.gradient(s)[l][name], np.tensordot(s, each, 1), rtol=1e-11, atol=1e-12)
            rows = each.reshape((3, -1))
            np.testing.assert_allclose(factors.inner(), rows @ rows.T, rtol=1e-11, atol=1e-12)
            np.testing.assert_allclose(factors.squared_norms(), (rows**2).sum(axis=1), rtol=1e-11, atol=1e-12)
            last = tuple(n - 1 for n in array.shape)
            np.testing.assert_allclose(factors.entry(1, *last), each[(1, *last)], rtol=1e-11, atol=1e-12)
    for k in range(3):
        moved = x.astype(complex)
        moved[:, k] += 1e-30j
        np.testing.assert_allclose(
            back.dC_da[0][:, k], total(net, parameters, moved, y).imag / 1e-30, rtol=1e-11, atol=1e-12
        )


def test_what_training_leaves_out_changes_nothing(net):
    parameters, generator = drawn(net, 3), np.random.default_rng(2)
    x, y = generator.normal(size=(3, 3)), generator.normal(size=(3, net.n[-1]))
    record = forward(net, parameters, x)
    whole = backward(net, loss("huber"), record, y)
    lean = backward(net, loss("huber"), record, y, to_input=False, to_output=False)
    assert lean.dC_da[0] is None and whole.dC_da[0].shape == (3, 3)
    for one, other in zip(whole.gradient(), lean.gradient(), strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_gradients_under_jax(net):
    import jax

    parameters, generator = drawn(net, 3), np.random.default_rng(2)
    x, y = generator.normal(size=(3, 3)), generator.normal(size=(3, net.n[-1]))

    def gradient(parameters, x, y):
        return backward(net, loss("squared_error"), forward(net, parameters, x), y).gradient()

    with jax.enable_x64(True):
        found = jax.jit(gradient)(parameters, x, y)
        automatic = jax.grad(lambda p: total(net, p, x, y).mean())(parameters)
    expected = gradient(parameters, x, y)
    for one, other, third in zip(*map(jax.tree.leaves, (found, expected, automatic)), strict=True):
        np.testing.assert_allclose(np.asarray(one), other, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(np.asarray(third), other, rtol=1e-12, atol=1e-13)


def test_how_factors_of_computed_weights_are_kept():
    net = program(NETS["squares, w read twice"])
    parameters, x = drawn(net), np.ones((2, 3))
    back = backward(net, loss("squared_error"), forward(net, parameters, x), np.ones((2, 2)))
    both = back.factors[2]["w"]
    assert isinstance(both, Together) and {type(f) for f in both.places} == {Through, type(back.factors[1]["w"])}


def test_pull_from_any_quantity(net):
    """T a single number of z or a: its derivative by every quantity of the same sample, by differences with `again`."""
    parameters, x = drawn(net, 5), np.random.default_rng(6).normal(size=(2, 3))
    record = forward(net, parameters, x)
    for T in net.steps:
        if not T.per_sample:
            continue
        seed = np.zeros((2, *T.space.shape))
        seed[:, -1] = 1.0
        pull = Pull(record, {T.number: seed}, T.number)
        for by in (net.slots[0], *net.steps):
            if not by.per_sample:
                continue
            found = pull.of(by.number)
            for k in range(by.space.size):
                moved = record.values[by.number].astype(complex)
                moved[:, k] += 1e-30j
                if by.number <= T.number:
                    after = again(net, record.values, {by.number: moved}).values[T.number]
                    slope = np.imag(after[:, -1]) / 1e-30
                else:
                    slope = np.zeros(2)
                np.testing.assert_allclose(
                    np.zeros(2) if found is None else found[:, k],
                    slope,
                    rtol=1e-11,
                    atol=1e-13,
                    err_msg=f"{T.name}[{T.l}] by {by.name}[{by.l}]",
                )
        for number, (l, name) in enumerate(net.arrays, 1):
            along = np.random.default_rng(number).normal(size=parameters[l][name].shape)
            after = again(net, record.values, {number: parameters[l][name] + 1e-30j * along}).values[T.number]
            slope = np.imag(after[:, -1]) / 1e-30
            factors = pull.factors(number)
            found = np.zeros(2) if factors is None else np.tensordot(factors.per_sample(), along, along.ndim)
            np.testing.assert_allclose(found, slope, rtol=1e-11, atol=1e-13)
            assert (factors is None) == (not slope.any())


class TestAgain:
    def test_only_what_depends_is_computed(self):
        net = program(RESIDUAL)
        parameters, x = drawn(net), np.random.default_rng(1).normal(size=(2, 3))
        before = forward(net, parameters, x)
        slot = net.slot(4, "z")
        assert slot
        after = again(net, before.values, {slot.number: before.values[slot.number] + 0.5})
        for step in net.steps:
            same = after.values[step.number] is before.values[step.number]
            assert same == ((step.l, step.name) not in {(4, "z"), (4, "a"), (5, "z"), (5, "a"), (6, "a")})
        assert before.values[slot.number] is not after.values[slot.number]
        np.testing.assert_array_equal(before.output, forward(net, parameters, x).output)  # the old record stands

    def test_a_changed_weight_is_the_pass_with_it(self, net):
        parameters, x = drawn(net), np.random.default_rng(1).normal(size=(2, 3))
        before = forward(net, parameters, x)
        for number, (l, name) in enumerate(net.arrays, 1):
            moved = [dict(layer) for layer in parameters]
            moved[l][name] = parameters[l][name] + 0.25
            after = again(net, before.values, {number: moved[l][name]})
            for one, other in zip(after.values, forward(net, tuple(moved), x).values, strict=True):
                np.testing.assert_array_equal(one, other)

    def test_a_given_quantity_is_not_computed_again(self):
        net = program(NETS["dense"])
        parameters, x = drawn(net), np.ones((1, 3))
        before = forward(net, parameters, x)
        z, w = net.names[1]["z"], net.names[1]["w"]
        after = again(net, before.values, {z: np.zeros((1, 4)), w: parameters[1]["w"] + 1})
        np.testing.assert_array_equal(after.values[z], np.zeros((1, 4)))
        np.testing.assert_array_equal(after.a[1], np.zeros((1, 4)))


def test_operations_of_dense():
    z, a = program(NETS["dense"]).steps[:2]
    assert z.operation == Contraction("jk,k->j", bias=True) and isinstance(a.operation, Applied)
