"""Every entry point of the networks: what can't be used is refused in a sentence, and the weights stay as they were."""

import numpy as np
import pytest

import pellucid as pc
from pellucid import store
from pellucid.errors import shown
from tests.bad_input.judging import refuse

X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.arange(12) % 2
DATES = np.array(["2020-01-01"] * 12, dtype="M8[D]")


def classifier() -> pc.Network:
    return pc.mlp([3, 4, 2], "tanh", output="softmax", loss="cross_entropy")


def regressor() -> pc.Network:
    return pc.mlp([3, 4, 1], "tanh", output="linear")


def with_value(row, column, value):
    x = X.copy()
    x[row, column] = value
    return x


INPUTS = {
    "None": (None, []),
    "a number": (5, []),
    "text": ("text", []),
    "bytes": (b"x", []),
    "a set": ({1, 2}, []),
    "a mapping": ({"a": 1}, []),
    "a generator": ((i for i in range(3)), ["<generator object"]),
    "a function": (len, []),
    "no rows": ([], []),
    "an empty row": ([[]], []),
    "no samples": (X[:0], ["at least one sample"]),
    "one number": (np.array(1.0), []),
    "too few columns": (X[:, :2], ["(n, 3)", "3 input nodes", "(12, 2)"]),
    "three dimensions": (np.zeros((2, 2, 2)), ["(2, 2, 2)"]),
    "NaN": (with_value(1, 2, np.nan), ["row 1, column 2", "nan"]),
    "infinity": (with_value(3, 0, -np.inf), ["row 3, column 0", "-inf"]),
    "objects": (np.array([[None] * 3] * 12), ["row 0, column 0", "None"]),
    "an object among numbers": (np.array([[1, 2, len]] * 12, dtype=object), ["row 0, column 2"]),
    "rows of different lengths": ([[1, 2, 3], [1, 2]], []),
    "complex numbers": (X + 1j, ["real numbers"]),
    "dates": (np.stack([DATES] * 3, axis=1), ["real numbers"]),
    "text in an array": (np.array([["a"] * 3] * 12), ["expected numbers, got text"]),
    "a structured array": (np.zeros(12, dtype=[("a", float)]), []),
}


@pytest.mark.parametrize(("x", "fragments"), INPUTS.values(), ids=INPUTS)
@pytest.mark.parametrize(
    "verb",
    [
        lambda net, x: net.fit(x, Y, epochs=1, progress=False),
        lambda net, x: net.fit(X, Y, epochs=1, progress=False, validation=(x, Y)),
        lambda net, x: net.predict(x),
        lambda net, x: net.outputs(x),
        lambda net, x: net.evaluate(x, Y),
        lambda net, x: net.score(x, Y),
    ],
    ids=["fit", "validation", "predict", "outputs", "evaluate", "score"],
)
def test_inputs(verb, x, fragments):
    net = classifier()
    before = [w.copy() for w in net.w]
    refuse(lambda: verb(net, x), fragments)
    assert all((new == old).all() for new, old in zip(net.w, before, strict=True))


LABELS = {
    "None": (None, []),
    "a number": (1, []),
    "a word": ("abc", []),
    "empty": ([], []),
    "too few": (Y[:5], ["12 targets", "(5,)"]),
    "too many": (np.arange(30) % 2, ["12 targets", "(30,)"]),
    "NaN": (np.where(Y, np.nan, 1.0), ["row 1", "nan"]),
    "infinity": (np.where(Y, np.inf, 1.0), ["row 1", "inf"]),
    "one class only": (np.zeros(12, int), ["two classes"]),
    "one class only, of text": (["a"] * 12, ["two classes", "'a'"]),
    "more classes than nodes": (np.arange(12) % 3, ["3 (0, 1, 2)", "output layer with 3 nodes"]),
    "objects": (np.array([None] * 12), ["row 0", "None"]),
    "text and numbers": (np.array(["a", 1] * 6, dtype=object), ["row 0"]),
    "fractions": (X[:, 0], []),
    "too wide": (np.zeros((12, 5)), ["2 columns", "(12, 5)"]),
    "rows that do not sum to 1": (np.ones((12, 2)), ["row 0", "sum to 1"]),
    "complex numbers": (Y * 1j, ["real numbers"]),
    "dates": (DATES, ["real numbers"]),
    "rows of different lengths": ([[1], [1, 2]] * 6, []),
    "three dimensions": (np.zeros((12, 2, 2)), []),
    "a mapping": ({1: 2}, []),
}


@pytest.mark.parametrize(("y", "fragments"), LABELS.values(), ids=LABELS)
def test_targets(y, fragments):
    refuse(lambda: classifier().fit(X, y, epochs=1, progress=False), fragments)


NUMBERS = {
    "NaN": (np.where(Y, np.nan, 1.0), ["row 1", "nan"]),
    "more words than a node can tell apart": (["a", "b", "c"] * 4, ["expected 2 classes for 1 output node, got 3"]),
    "too few": (X[:5, 0], ["12 targets"]),
    "too wide": (np.zeros((12, 5)), ["1 columns"]),
    "objects": (np.array([len] * 12), ["row 0"]),
}


@pytest.mark.parametrize(("y", "fragments"), NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("verb", ["fit", "score", "evaluate"])
def test_targets_that_are_numbers(verb, y, fragments):
    more = {"epochs": 1, "progress": False} if verb == "fit" else {}
    refuse(lambda: getattr(regressor(), verb)(X, y, **more), fragments)


OPTIONS = {
    "epochs": [0, -1, "a", 1.5, None, True],
    "batch_size": [0, -3, "a", 2.5, True],
    "optimiser": ["magic", 5, None, "", object, "_x", "chain", "apply_updates"],
    "learning_rate": [-1, np.nan, "a", np.inf, True],
    "schedule": ["x", 5],
    "clip": [-1, np.nan, "a", True],
    "validation": [0, 0.0, 1.0, 1.5, -0.1, "a", True, (X,), (X, Y[:3]), (X[:, :2], Y)],
    "metrics": ["magic", 5, [5], None, ["accuracy", None], "mean_poisson_deviance"],
    "patience": [0, -1, "a", 1.5],
    "tolerance": [-1, "a", np.nan, None],
    "monitor": ["x", 5],
    "sample_weight": [[-1] * 12, [np.nan] * 12, [1] * 3, [0] * 12, "a", 5, [[1]] * 12, ["a"] * 12],
    "class_weight": ["x", 5, {7: 1}, {0: -1}, {0: "a"}, [1, 2]],
    "seed": [-1, 1.5, "a"],
    "dtype": ["int8", 5, None, "float16", int],
    "backend": ["cuda", 5, None],
    "checkpoint": ["/no/such/folder/x", 5, "/", "a\0b"],
    "checkpoint_every": [0, "a"],
    "resume": [True],
    "on_epoch": [5],
}
CASES = [(name, value) for name, values in OPTIONS.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=[f"{name}={shown(value, 30)}" for name, value in CASES])
def test_options_of_fit(name, value):
    refuse(lambda: classifier().fit(X, Y, **{"epochs": 2, "progress": False, name: value}), [])


BUILDING = {
    "no nodes": (lambda: pc.Dense(0), ["Dense: n:", "≥ 1", "0"]),
    "no input": (lambda: pc.Input(0), ["Input", "≥ 1", "0"]),
    "input without a size": (lambda: pc.Input(), ["Input", "≥ 1"]),
    "input that is a shape in a tuple": (lambda: pc.Input((2, 3)), ["Input", "(2, 3)"]),
    "sizes below and above": (lambda: pc.Dense(784, 30), ["Dense(784, 30)", "write Input(784), Dense(30)"]),
    "sizes below and above, of NumPy": (lambda: pc.Dense(784, np.int64(30)), ["write Input(784), Dense(30)"]),
    "reads two layers": (lambda: pc.Dense(1, reads=(0, 1)), ["reads", "(0, 1)"]),
    "reads nothing": (lambda: pc.Dense(1, reads=None), ["reads", "None"]),
    "reads by name": (lambda: pc.Dense(1, reads="below"), ["reads", "'below'"]),
    "reads half a layer": (lambda: pc.Dense(1, reads=(0.5,)), ["reads", "0.5"]),
    "reads True": (lambda: pc.Dense(1, reads=True), ["reads", "True"]),
    "negative size": (lambda: pc.Dense(-1), ["Dense: n:", "-1"]),
    "size and a half": (lambda: pc.Dense(1.5), ["1.5"]),
    "size as text": (lambda: pc.Dense("3"), ["'3'"]),
    "unknown activation": (lambda: pc.Dense(1, "relu6"), ["'relu6'", "leaky_relu"]),
    "activation that is a number": (lambda: pc.Dense(1, 5.5), ["activation", "5.5"]),
    "bias as text": (lambda: pc.Dense(1, bias="yes"), ["True or False"]),
    "unknown initialiser": (lambda: pc.Dense(1, initialiser="x"), ["he_normal"]),
    "initialiser with text": (lambda: pc.Dense(1, initialiser={"name": "constant", "value": "a"}), ["'a'"]),
    "slope as text": (lambda: pc.LeakyReLU("a"), ["slope"]),
    "negative slope": (lambda: pc.LeakyReLU(-1), ["-1", "Use relu"]),
    "alpha that is NaN": (lambda: pc.ELU(np.nan), ["nan"]),
    "kappa as text": (lambda: pc.Huber("a"), ["kappa"]),
    "kappa 0": (lambda: pc.Huber(0), ["kappa"]),
    "learning rate as text": (lambda: pc.SGD("a"), ["learning_rate", "'a'"]),
    "momentum 2": (lambda: pc.SGD(0.1, 2), ["[0, 1)"]),
    "Nesterov without momentum": (lambda: pc.SGD(0.1, nesterov=True), ["momentum=0.9"]),
    "beta as text": (lambda: pc.Adam(beta_1="a"), ["beta_1"]),
    "beta 1": (lambda: pc.Adam(beta_2=1), ["beta_2"]),
    "epsilon 0": (lambda: pc.Adam(epsilon=0), ["epsilon"]),
    "unknown factory": (lambda: pc.Optax(factory="magic").transformation, ["magic"]),
    "no layer": (lambda: pc.Network(), ["at least one layer"]),
    "layer that is a number": (lambda: pc.Network(5), ["expected a layer"]),
    "layers in a list": (lambda: pc.Network([pc.Input(1), pc.Dense(1)]), ["expected a layer"]),
    "layers that do not fit": (
        lambda: pc.Network(pc.Input(2, 4), pc.Dense(3), pc.Dense(1)),
        ["layer 1 (dense)", "one index", "(2, 4)", "Flatten"],
    ),
    "no Input": (lambda: pc.Network(pc.Dense(3), pc.Dense(1)), ["layer 0", "expected Input"]),
    "two Inputs": (lambda: pc.Network(pc.Input(2), pc.Input(2), pc.Dense(1)), ["layer 1", "nowhere else"]),
    "only an Input": (lambda: pc.Network(pc.Input(2)), ["at least one layer"]),
    "reads itself": (lambda: pc.Network(pc.Input(2), pc.Dense(1, reads=1)), ["layer 1 (dense)", "0 … 0", "(1,)"]),
    "reads a later layer": (lambda: pc.Network(pc.Input(2), pc.Dense(1, reads=2), pc.Dense(1)), ["layer 1", "(2,)"]),
    "unknown loss": (lambda: pc.Network(pc.Input(1), pc.Dense(1), loss="x"), ["squared_error"]),
    "loss that is a number": (lambda: pc.Network(pc.Input(1), pc.Dense(1), loss=5), ["squared_error"]),
    "negative penalty": (lambda: pc.Network(pc.Input(1), pc.Dense(1), l2=-1), ["penalty l2", "-1"]),
    "penalty as text": (lambda: pc.Network(pc.Input(1), pc.Dense(1), l1="a"), ["penalty l1", "'a'"]),
    "no penalty at all": (lambda: pc.Network(pc.Input(1), pc.Dense(1), l2=None), ["penalty l2"]),
    "seed as text": (lambda: pc.Network(pc.Input(1), pc.Dense(1), seed="a"), ["seed", "'a'"]),
    "negative seed": (lambda: pc.Network(pc.Input(1), pc.Dense(1), seed=-1), ["seed", "-1"]),
    "sizes as text": (lambda: pc.mlp("784"), ["[784, 30, 10]"]),
    "one size": (lambda: pc.mlp([3]), ["at least two layers"]),
    "no sizes": (lambda: pc.mlp(None), ["None"]),
    "a size as text": (lambda: pc.mlp([3, "a"]), ["'a'"]),
    "weights of the input": (lambda: classifier().w[0], ["1 … 2", "0"]),
    "weights beyond the output": (lambda: classifier().b[9], ["1 … 2", "9"]),
    "weights by name": (lambda: classifier().w["a"], ["'a'"]),
    "biases that are not there": (lambda: pc.mlp([2, 1], bias=False).b[1], ["no b"]),
    "weights of another shape": (lambda: classifier().w.__setitem__(1, np.zeros(3)), ["(4, 3)", "(3,)"]),
    "weights that are NaN": (lambda: classifier().w.__setitem__(1, np.full((4, 3), np.nan)), ["row 0", "nan"]),
    "weights as text": (lambda: classifier().w.__setitem__(1, "a"), ["w[1]"]),
    "metrics of nothing": (lambda: classifier().evaluate(X, Y, "magic"), ["magic"]),
}


@pytest.mark.parametrize(("action", "fragments"), BUILDING.values(), ids=BUILDING)
def test_building_and_weights(action, fragments):
    refuse(action, fragments)


def test_one_sample_is_enough_to_learn_from_and_to_predict():
    net = regressor()
    net.fit(X[:1], [[1.0]], epochs=2, progress=False)
    assert net.predict(X[0]).shape == (1, 1)


def test_constant_columns_are_no_error():
    net = classifier()
    net.fit(np.ones((12, 3)), Y, epochs=2, progress=False)
    assert np.isfinite(net.w[1]).all()


PATHS = {
    "None": (None, ["None"]),
    "a number": (5, ["5"]),
    "empty": ("", ["''"]),
    "a zero byte": ("a\0b", []),
    "a folder": (".", ["a folder or a device"]),
    "a folder that is not there": ("no/x", []),
    "a name too long": ("n" * 300, ["too long"]),
}


@pytest.mark.parametrize(("path", "fragments"), PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("verb", [pc.load, lambda path: classifier().save(path)], ids=["load", "save"])
def test_paths_of_models(tmp_path, monkeypatch, verb, path, fragments):
    monkeypatch.chdir(tmp_path)
    refuse(lambda: verb(path), fragments)
    assert list(tmp_path.iterdir()) == []


DESCRIPTIONS = {
    "classes of two kinds": ({"classes": [1, "1"]}, ["classes", "all texts"]),
    "classes beyond int64": ({"classes": [2**70, 2]}, ["classes", "below 2**63"]),
    "classes that mix numbers": ({"classes": [1, 0.5]}, ["classes", "all finite numbers"]),
    "classes that are one text": ({"classes": "ab"}, ["classes", "a list of labels"]),
    "classes that are equal": ({"classes": ["a", "a"]}, ["classes", "differ"]),
    "classes that are too few": ({"classes": ["a"]}, ["classes", "expected 2 classes"]),
    "classes that are lists": ({"classes": [[1], [2]]}, ["classes"]),
    "classes that are a number": ({"classes": 5}, []),
    "a preparation that is text": ({"preparation": "x"}, []),
    "a preparation of other columns": ({"preparation": {"format": 1, "columns": [{"name": "a"}]}}, ["3 inputs", "1"]),
    "a preparation of a newer format": ({"preparation": {"format": 99, "columns": []}}, ["format 1"]),
    "a history that is a list": ({"history": []}, []),
    "a history without its fields": ({"history": {"epochs": [{}]}}, []),
    "a history of words": (
        {"history": {"epochs": [], "stopped": "", "interrupted": False, "best_epoch": "x", "backend": ""}}, [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("description", "fragments"), DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_descriptions_of_models(tmp_path, description, fragments):
    """A well-formed file whose description somebody made up."""
    net = classifier()
    path = tmp_path / "m.safetensors"
    store.save(path, net.architecture, net.parameters, description=description)
    refuse(lambda: pc.load(path), [str(path), *fragments])


class Rows:
    """A stream of a user's own: arrays that are read by rows."""

    def __init__(self, y, classes=None):
        self.x, self.y, self.n, self.n_inputs, self.classes = X, y, len(X), X.shape[1], classes

    def read(self, start, stop):
        return self.x[start:stop], None if self.y is None else self.y[start:stop]


def counter() -> pc.Network:
    return pc.mlp([3, 4, 1], "tanh", output="exponential", loss="poisson")


STREAMS = {
    "no targets": (regressor, Rows(None), ["rows 0 to 11 of the stream: y", "expected targets"]),
    "two columns for one node": (regressor, Rows(np.ones((12, 2))), ["expected 1 columns", "(12, 2)"]),
    "negative counts": (counter, Rows(-np.arange(12.0)[:, None]), ["row 1, column 0", "targets ≥ 0", "-1.0"]),
    "NaN": (regressor, Rows(np.full((12, 1), np.nan)), ["row 0, column 0", "nan"]),
    "three classes for two nodes": (classifier, Rows(Y, (0, 1, 2)), ["expected 2 classes", "got 3", "3 nodes"]),
    "an index beyond the classes": (classifier, Rows(Y + 1, ("no", "yes")), ["row 1", "a label among 0, 1", "2"]),
    "fewer targets than rows": (regressor, Rows(np.ones((6, 1))), ["expected 12 targets", "(6, 1)"]),
}


@pytest.mark.parametrize(("made", "stream", "fragments"), STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_targets_of_a_stream(made, stream, fragments, backend):
    net = made()
    before = [w.copy() for w in net.w]
    refuse(lambda: net.fit(stream, epochs=1, backend=backend, dtype="float64"), fragments)
    assert all((a == b).all() for a, b in zip(before, net.w, strict=True))
