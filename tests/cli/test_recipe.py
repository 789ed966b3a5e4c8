"""What is chosen where the user does not say: each choice, and that together they learn."""

import json

import numpy as np
import pytest

from pellucid.activations import activation
from pellucid.cli.recipe import ends, hidden, passes, penalty, rate, unreachable, written
from pellucid.data import Dataset
from pellucid.errors import InputError
from tests.cli.running import done

THREE, TWO = ("a", "b", "c"), (0, 1)

ENDS = [
    (THREE, None, None, ("softmax", "cross_entropy", 3)),
    (TWO, None, None, ("sigmoid", "binary_cross_entropy", 1)),
    (None, None, None, ("linear", "squared_error", 0)),
    (THREE, "sigmoid", None, ("sigmoid", "binary_cross_entropy", 3)),
    (THREE, "tanh", None, ("tanh", "squared_error", 3)),
    (THREE, None, "squared_error", ("sigmoid", "squared_error", 3)),
    (THREE, None, "cross_entropy", ("softmax", "cross_entropy", 3)),
    (THREE, "sigmoid", "squared_error", ("sigmoid", "squared_error", 3)),
    (TWO, "softmax", None, ("softmax", "cross_entropy", 2)),
    (TWO, None, "cross_entropy", ("softmax", "cross_entropy", 2)),
    (TWO, None, "huber", ("sigmoid", "huber", 1)),
    (None, None, "huber", ("linear", "huber", 0)),
    (None, None, "poisson", ("exponential", "poisson", 0)),
    (None, "sigmoid", None, ("sigmoid", "squared_error", 0)),
]


@pytest.mark.parametrize(("classes", "output", "loss", "chosen"), ENDS)
def test_the_end_of_the_network(classes, output, loss, chosen):
    assert ends(classes, output, loss) == chosen


def test_sizes_passes_penalty_rate():
    assert hidden(" 30 , 20", 5) == (30, 20)
    assert hidden("none", 5) == ()
    assert hidden(None, 50_000) == (128,)
    assert passes(None, 1000, 0) == 1000
    assert penalty(None, 1258) == 0.00238
    assert rate(None, "rmsprop") is None
    for wrong in ("30;20", "-1", "3.5", "30,,20", "a"):
        with pytest.raises(InputError, match="such as 30,20, or none"):
            hidden(wrong, 5)


# What --layers says, the data's classes, --output-activation, --loss → the layers' activations and the loss.
WRITTEN = [
    ("dense 8 relu | dense 6 tanh", THREE, None, None, "relu tanh softmax", "cross_entropy"),
    ("dense 8 relu | dense 3 softmax", THREE, None, None, "relu softmax", "cross_entropy"),
    ("input 4 | dense 8 relu | dense 3 sigmoid", THREE, None, None, "relu sigmoid", "binary_cross_entropy"),
    ("dense 3 relu", THREE, None, None, "relu softmax", "cross_entropy"),  # as many nodes, but no output of classes
    ("dense 4 softmax", THREE, None, None, "softmax softmax", "cross_entropy"),  # another number of nodes
    ("dense 8 relu | dense 1 sigmoid", TWO, None, None, "relu sigmoid", "binary_cross_entropy"),
    ("dense 8 relu | dense 2 softmax", TWO, None, None, "relu softmax", "cross_entropy"),
    ("dense 8 relu | dense 2 sigmoid", TWO, None, None, "relu sigmoid sigmoid", "binary_cross_entropy"),
    ("dense 8 relu | dense 1", None, None, None, "relu linear", "squared_error"),
    ("dense 8 relu | dense 1 tanh", None, None, None, "relu tanh linear", "squared_error"),
    ("dense 8 relu | dense 1 tanh", None, "tanh", None, "relu tanh", "squared_error"),
    ("dense 8 relu | dense 1 exponential", None, None, "poisson", "relu exponential", "poisson"),
    ("dense 8 relu", None, None, "poisson", "relu exponential", "poisson"),
    ("input 4", None, None, None, "linear", "squared_error"),
    ("input 2 2 | dense 3", None, None, None, None, "expected one index below"),
    ("input 5 | dense 3", None, None, None, None, "--layers: input: expected 4 numbers, as in the data"),
    ("dense 3 | conv 4", None, None, None, None, "--layers: layer 2: expected a kind of layer"),
    ("dense 3 | dense", None, None, None, None, "--layers: layer 2"),
]


@pytest.mark.parametrize(("text", "classes", "output", "loss", "activations", "chosen"), WRITTEN)
def test_layers_as_text(text, classes, output, loss, activations, chosen):
    y = np.zeros((3, 1)) if classes is None else np.arange(3) % len(classes)
    data = Dataset(np.zeros((3, 4)), y, classes=classes)
    if activations is None:
        with pytest.raises(InputError, match=chosen):
            written(text, data, output, loss)
        return
    layers, found = written(text, data, output, loss)
    assert [layer.activation.name for layer in layers[1:]] == activations.split()
    assert (layers[0].shape, found) == ((4,), chosen)


def test_targets_out_of_reach_are_said():
    y = np.array([[-1.5], [2.0]])
    assert unreachable(activation("linear"), y) is None
    assert unreachable(activation("tanh"), y / 2) is None
    assert unreachable(activation("sigmoid"), y).startswith(
        "sigmoid reaches 0 … 1, but the prepared targets go from -1.5 to 2;"
    )


# The least that the defaults must reach on held-out samples, as the mean of three seeds.
REACH = {"iris": ("accuracy", 0.93), "breast_cancer": ("accuracy", 0.96), "digits": ("accuracy", 0.97)}


@pytest.mark.slow
@pytest.mark.parametrize("name", REACH)
def test_the_defaults_learn(name):
    metric, least = REACH[name]
    reached = [figures("train", name, "--seed", seed)["test"][metric] for seed in range(3)]
    assert np.mean(reached) >= least


@pytest.mark.slow
def test_the_defaults_learn_numbers_as_well_as_ridge_regression():
    from sklearn.linear_model import RidgeCV

    from pellucid.data import split

    gaps = []
    for seed in range(3):
        parts = split("diabetes", validation=0.1, test=0.2, seed=seed)
        x, y = (np.concatenate([getattr(part, name) for part in (parts.train, parts.validation)]) for name in "xy")
        ridge = RidgeCV(np.logspace(-3, 3, 20)).fit(x, y[:, 0]).score(parts.test.x, parts.test.y[:, 0])
        gaps.append(figures("train", "diabetes", "--seed", seed)["test"]["r2"] - ridge)
    assert np.mean(gaps) >= -0.02


def figures(*arguments):
    return json.loads(done(*arguments, "--json").stdout)["figures"]
