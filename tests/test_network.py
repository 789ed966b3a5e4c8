"""The public object: addresses, verbs, what is refused, what it costs to import."""

import copy
import pickle
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import pellucid as pc
from pellucid.data import load_data
from pellucid.layers import Defined, Layer
from pellucid.operations import Contraction


def test_addresses_read_and_write():
    net = pc.Network(pc.Input(3), pc.Dense(4, "tanh"), pc.Dense(2, bias=False), seed=1)
    assert (net.L, net.n, net.n_parameters) == (2, (3, 4, 2), 3 * 4 + 4 + 8)
    net.w[2][1, 2] = 0.4
    assert net.w[2][1, 2] == 0.4
    net.w[1] = np.ones((4, 3))
    net.b[1] = [1, 2, 3, 4]
    np.testing.assert_array_equal(net.outputs([0, 0, 0]), np.tanh([[1, 2, 3, 4]]) @ net.w[2].T)
    assert net.g[1].name == "tanh" and net.g[0] is None
    assert repr(net) == "Network 3-4-2 (tanh, linear; squared_error; 24 parameters)"
    assert "b[1 … 2]: (4,), none" in repr(net.b)


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (lambda n: n.w[3], "w[3]: the layers with weights are 1 … 2, got 3."),
        (lambda n: n.w[0], "w[0]: the layers with weights are 1 … 2, got 0."),
        (lambda n: n.w["L"], "w[L]: the layers with weights are 1 … 2, got 'L'."),
        (lambda n: n.b[2], "b[2]: layer 2 (dense, linear) has no b."),
        (lambda n: n.w.__setitem__(1, np.ones((3, 4))), "w[1]: expected (4, 3), got (3, 4)."),
        (lambda n: n.w.__setitem__(1, np.full((4, 3), np.nan)), "w[1], row 0, column 0: expected a finite number, got nan."),
        (lambda n: pc.Network(), "Network: expected at least one layer, got none. Write Input(n_0), Dense(n_1), …."),
        (lambda n: pc.Network(pc.Input(3)), "Network: expected at least one layer, got none. Write Input(n_0), Dense(n_1), …."),
        (lambda n: pc.Network(3), "layer 0: expected a layer (one of dense, input), got 3."),
        (lambda n: pc.Network(pc.Input(2), 3), "layer 1: expected a layer (one of dense, input), got 3."),
        (lambda n: pc.Network(pc.Dense(3), pc.Dense(1)), "layer 0: expected Input as layer 0, and nowhere else, got Dense(n=3"),
        (lambda n: pc.Network(pc.Input(2), pc.Dense(3), pc.Input(3)), "layer 2: expected Input as layer 0, and nowhere else, got Input(shape=(3,)). Start with the shape of one sample, as in Input(784), Dense(30)."),
        (lambda n: pc.Network(pc.Input(2, 3), pc.Dense(3)), "layer 1 (dense): expected one index below, got (2, 3). Flatten it first."),
        (lambda n: pc.Network(pc.Input(2), pc.Dense(3, reads=1)), "layer 1 (dense): expected to read layers 0 … 0, got (1,)."),
        (lambda n: pc.Network(pc.Input(2), pc.Dense(3), pc.Dense(3, reads=3), pc.Dense(1)), "layer 2 (dense): expected to read layers 0 … 1, got (3,)."),
        (lambda n: pc.Network(pc.Input(2), pc.Dense(3, reads=-2)), "layer 1 (dense): expected to read layers 0 … 0, got (-2,)."),
        (lambda n: pc.Dense(3, reads=(0, 1)), "Dense: reads: expected the number of a layer, got (0, 1)."),
        (lambda n: pc.Dense(3, reads=1.5), "Dense: reads: expected the number of a layer, got 1.5."),
        (lambda n: pc.Dense(0), "Dense: n: expected a whole number ≥ 1, got 0."),
        (lambda n: pc.Dense(1.5), "Dense: n: expected a whole number ≥ 1, got 1.5."),
        (lambda n: pc.Dense(784, 30), "Dense(784, 30): expected the number of nodes, then the activation. Sizes below are inferred: write Input(784), Dense(30)."),
        (lambda n: pc.Input(0), "Input: expected a whole number ≥ 1, got 0."),
        (lambda n: pc.Dense(1, "sigmod"), "activation: expected one of elu, exponential, gelu"),
        (lambda n: pc.Dense(1, bias=3), "Dense: bias: expected True or False, got 3."),
        (lambda n: pc.mlp([3]), "mlp: sizes: expected the sizes of at least two layers"),
        (lambda n: pc.mlp("784"), "mlp: sizes: expected the sizes of at least two layers"),
        (lambda n: pc.mlp([3, 2], loss="mse"), "loss: expected one of absolute_error"),
        (lambda n: pc.mlp([3, 2], l2=-1), "penalty l2: expected a finite number ≥ 0, got -1."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), epochs=0), "epochs: expected a whole number ≥ 1, got 0."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), batch_size=2.5), "batch_size: expected a whole number ≥ 1, got 2.5."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), dtype="float16"), "dtype: expected float32 or float64, got 'float16'."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), backend="torch"), "backend: expected auto, numpy or jax, got 'torch'."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), validation=1.5), "validation: expected a share between 0 and 1"),
        (lambda n: n.fit(np.ones((1, 3)), np.ones((1, 2)), validation=0.5), "validation: expected at least two samples to hold some out, got 1."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), validation=3), "validation: expected a share between 0 and 1, or a pair (x, y), got 3."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), clip=-1), "clip: expected a finite number ≥ 0, got -1."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), monitor="acc"), "monitor: expected one of loss, got 'acc'."),
        (lambda n: n.fit(np.ones((2, 3))), "y: expected targets, got none. Call fit(x, y), or fit(dataset)."),
        (lambda n: n.fit(np.ones((2, 3)), np.ones((2, 2)), checkpoint="/no/such/folder/c"), "/no/such/folder"),
        (lambda n: n.predict(np.ones((2, 4))), "x: expected (n, 3): the network has 3 input nodes, got (2, 4)."),
        (lambda n: n.score(np.ones((2, 3)), np.ones((2, 3))), "y: expected 2 columns"),
    ],
)  # fmt: skip
def test_what_is_refused(wrong, sentence):
    net = pc.Network(pc.Input(3), pc.Dense(4, "tanh"), pc.Dense(2, bias=False), seed=1)
    before = [w.copy() for w in net.w]
    with pytest.raises(pc.PellucidError) as error:
        wrong(net)
    assert str(error.value).startswith(sentence)
    for w, old in zip(net.w, before, strict=True):
        np.testing.assert_array_equal(w, old)


def test_poisson_learns_rates_and_refuses_what_it_cannot_use(generator):
    x = generator.normal(size=(300, 2))
    y = generator.poisson(np.exp(1 + 0.5 * x[:, 0]))
    net = pc.mlp([2, 1], "exponential", loss="poisson")
    for backend in ("numpy", "jax"):
        net.fit(x, y, epochs=60, optimiser="adam", learning_rate=0.02, backend=backend, progress=False)
        np.testing.assert_allclose([*net.w[1][0], *net.b[1]], [0.5, 0, 1], atol=0.15)
    with pytest.raises(pc.InputError, match=r"y, row 1, column 0: poisson expects targets ≥ 0, got -2"):
        net.fit(x[:2], [1, -2])
    data = load_data((x, y), task="regression")
    with pytest.raises(pc.InputError, match=r"poisson expects targets in their own units.* scale_target=False"):
        net.fit(data)
    net.fit(load_data((x, y), task="regression", scale_target=False), epochs=2, progress=False)


def test_outputs_that_may_be_below_zero_are_refused_for_poisson(generator):
    """As with cross-entropy: the logarithm of a number below 0 is none."""
    net = pc.mlp([2, 1], "linear", loss="poisson")
    with pytest.raises(pc.InputError, match=r"poisson expects outputs of exponential"):
        net.fit(generator.normal(size=(60, 2)), np.ones(60), epochs=3, progress=False)


def test_labels_of_any_kind_come_back(generator):
    x = generator.normal(size=(60, 2))
    y = np.where(x[:, 0] > 0.4, "high", np.where(x[:, 0] < -0.4, "low", "middle"))
    net = pc.mlp([2, 16, 3], "tanh", output="softmax", loss="cross_entropy")
    net.fit(x, y, epochs=200, optimiser="adam", learning_rate=0.02)
    assert net.classes == ("high", "low", "middle")
    assert set(net.predict(x)) <= set(net.classes)
    assert net.score(x, y) == np.mean(net.predict(x) == y) > 0.9


@pytest.mark.parametrize("classes", [("no", "yes"), (3, 7), (False, True), None])
def test_a_saved_network_predicts_the_same(classes, tmp_path, generator):
    x = generator.normal(size=(40, 3))
    y = x @ [[1.0], [2.0], [3.0]] if classes is None else np.asarray(classes)[(x[:, 0] > 0).astype(int)]
    last = {} if classes is None else {"output": "sigmoid", "loss": "binary_cross_entropy"}
    net = pc.mlp([3, 4, 1], "tanh", **last)
    net.fit(x, y, epochs=3)
    again = pc.load(net.save(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.predict(x), net.predict(x))
    assert again.predict(x).dtype == net.predict(x).dtype
    assert again.history["loss"] == net.history["loss"] and repr(again) == repr(net)


def test_evaluate_is_the_mean_loss(generator):
    x, y = generator.normal(size=(9000, 3)), generator.integers(0, 2, 9000)
    net = pc.mlp([3, 2], output="softmax", loss="cross_entropy")
    a = net.outputs(x)
    figures = net.evaluate(x, y, ["accuracy", "f1_score"])
    assert figures["loss"] == pytest.approx(-np.log(a[np.arange(9000), y]).mean(), rel=1e-12)
    assert figures["accuracy"] == np.mean(a.argmax(1) == y)


def test_importing_pellucid_brings_no_heavy_library():
    code = "import sys, pellucid; print([m for m in ('jax', 'sklearn', 'polars', 'scipy', 'rich', 'typer', 'optax', 'safetensors') if m in sys.modules])"  # fmt: skip
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_all_public_names_exist():
    assert len(pc.__all__) == len(set(pc.__all__))
    for name in pc.__all__:
        assert getattr(pc, name).__doc__


def test_a_copy_has_weights_of_its_own():
    net = pc.mlp([2, 3, 1])
    other = copy.copy(net)
    other.w[1][0, 0] = 7.0
    assert net.w[1][0, 0] != 7.0
    assert copy.deepcopy(net).w[1].tobytes() == net.w[1].tobytes() and other.classes is None


def test_what_a_network_gives_can_be_pickled():
    net, x, y = pc.mlp([2, 3, 1]), np.ones((2, 2)), np.zeros((2, 1))
    net.fit(x, y, epochs=1)
    t = net.trace(x, y)
    for thing in (
        net,
        net.history,
        t,
        t.explain("dC0/dw[1][0,0]"),
        t.paths("dC0/dw[1][0,0]"),
        t.nudge("w[1][0,0]", 0.1),
    ):
        assert str(pickle.loads(pickle.dumps(thing))) == str(thing)
    again = pickle.loads(pickle.dumps(t))
    assert again["dC0/dw[1][0,0]"] == t["dC0/dw[1][0,0]"]
    assert again.delta[1].tobytes() == t.delta[1].tobytes()


@pytest.mark.parametrize("name", ["learning_rate", "clip", "tolerance", "epochs"])
def test_a_number_beyond_all_floats_is_refused(name):
    with pytest.raises(pc.InputError, match=name):
        pc.mlp([2, 1]).fit(np.ones((2, 2)), np.zeros((2, 1)), **{name: 10**400})


def test_half_precision_is_refused():
    with pytest.raises(pc.InputError, match=r"expected float32 or float64, got <class 'numpy.float16'>"):
        pc.mlp([2, 1]).fit(np.ones((2, 2)), np.zeros((2, 1)), dtype=np.float16)


# ── networks as text, arrays by name, samples of several axes ─────────────────────────────────────


def test_a_network_from_text_is_the_same_as_from_layers():
    text = "input 4 | dense 5 tanh bias=no | dense n=3 activation=softmax"
    net = pc.network(text, loss="cross_entropy", l2=0.1, seed=3)
    same = pc.Network(
        pc.Input(4), pc.Dense(5, "tanh", bias=False), pc.Dense(3, "softmax"), loss="cross_entropy", l2=0.1, seed=3
    )
    assert net.architecture == same.architecture
    for l in (1, 2):
        np.testing.assert_array_equal(net.w[l], same.w[l])


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "layers: expected a text such as 'input 784 | dense 30 sigmoid | dense 10'"),
        (3, "layers: expected a text such as"),
        ("input 4", "Network: expected at least one layer"),
        ("dense 4", "layer 0: expected Input as layer 0"),
        ("input 4 | dens 3", "layer 1: expected a kind of layer (one of"),
        ("input 4 || dense 3", "layer 1: expected a kind of layer"),
        ("input 4 | dense 3 size=2", "layer 1 (dense): expected arguments among"),
        ("input 4 | dense 3 relu6", "layer 1 (dense 3 relu6): activation: expected one of"),
        ("input 4 | dense 1 relu yes zeros 2 5", "layer 1 (dense): expected at most"),
    ],
)
def test_a_text_that_says_no_network(text, sentence):
    with pytest.raises(pc.InputError) as error:
        pc.network(text)
    assert sentence in str(error.value)


@dataclass(frozen=True)
class Grid(Layer):
    """z_f = Σ_tj gamma_ftj a_tj: reads rows and columns, with an array of another name than w."""

    n: int
    kind, penalised = "grid", ("gamma",)

    def arrays(self, below):
        return {"gamma": (self.n, *below.shape)}

    def letters(self, below):
        return {"gamma": "f" + below.letters}

    def quantities(self, below):
        return (Defined("z", Contraction(f"f{below.letters},{below.letters}->f"), ("gamma", 0)),)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_samples_of_several_axes_train_and_predict(generator, backend):
    x = generator.normal(size=(40, 3, 2))
    y = np.tensordot(x, [[1.0, -1.0], [0.5, 2.0], [0.0, 1.0]], 2)[:, None]
    flat, nets = x.reshape(40, 6), []
    for given in (x, flat, Rows(flat, y)):
        net = pc.Network(pc.Input(3, 2), Grid(1), seed=1)
        assert net.shape == (3, 2)
        told = (given,) if given is not x and given is not flat else (given, y)
        history = net.fit(*told, epochs=40, batch_size=8, learning_rate=0.05, shuffle=False, backend=backend, dtype="float64",
                          validation=(x[:5], y[:5]))  # fmt: skip
        assert history["validation_loss"][-1] < 1e-2 < history["loss"][0]
        nets.append(net)
    for net in nets[1:]:
        np.testing.assert_allclose(net.arrays["gamma"][1], nets[0].arrays["gamma"][1], rtol=1e-9)
    np.testing.assert_allclose(nets[0].predict(x[0]), nets[0].predict(flat)[:1], rtol=1e-12)
    assert nets[0].evaluate(x, y)["loss"] == nets[0].evaluate(flat, y)["loss"]
    with pytest.raises(pc.ShapeError, match=r"x: expected \(n, 3, 2\): a sample's shape is \(3, 2\), got \(4, 5\)"):
        nets[0].predict(np.ones((4, 5)))


def test_arrays_of_any_name():
    net = pc.Network(pc.Input(3, 2), Grid(4), pc.Dense(2), seed=1)
    assert list(net.arrays) == ["gamma", "w", "b"]
    net.arrays["gamma"][1] = np.ones((4, 3, 2))
    assert net.arrays["gamma"][1].sum() == 24 and net.arrays["w"][2] is net.w[2]
    assert "gamma[1 … 2]: (4, 3, 2), none" in repr(net.arrays)
    with pytest.raises(pc.AddressError, match=r"'beta': expected an array of this network, one of b, gamma, w"):
        net.arrays["beta"]
    with pytest.raises(pc.AddressError, match=r"w\[1\]: layer 1 \(grid\) has no w"):
        net.w[1]


class Rows:
    """A stream of rows in memory."""

    classes = None

    def __init__(self, x, y):
        self.x, self.y, self.n, self.n_inputs = x, y, len(x), x.shape[1]

    def read(self, start, stop):
        return self.x[start:stop], self.y[start:stop]
