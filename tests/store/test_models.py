"""A model comes back as it was, or a ModelFileError says what is wrong; nothing is built before that."""

import hashlib
import json

import numpy as np
import pytest
import safetensors.numpy

from pellucid.activations import ACTIVATIONS
from pellucid.architecture import Architecture, Penalty
from pellucid.errors import InputError, ModelFileError, ShapeError
from pellucid.layers import Dense, Input
from pellucid.losses import LOSSES, Huber, loss
from pellucid.store import Stored, load, save, write_arrays
from pellucid.store import models as models_module

NET = Architecture((Input(3), Dense(4, "elu"), Dense(2, "softmax", bias=False)), loss("cross_entropy"), Penalty(l2=0.1))
DESCRIPTION = {"classes": ["ja", "nein"], "dtype": "float32", "history": [{"loss": 0.5}], "preparation": None}


def saved(path, architecture=NET, description=DESCRIPTION, dtype=np.float64):
    parameters = tuple({n: a.astype(dtype) for n, a in layer.items()} for layer in architecture.initial(3))
    save(path, architecture, parameters, description=description)
    return parameters


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_model_comes_back_as_it_was(tmp_path, dtype):
    parameters = saved(tmp_path / "m.safetensors", dtype=dtype)
    stored = load(tmp_path / "m.safetensors")
    assert isinstance(stored, Stored)
    assert stored.architecture == NET
    assert stored.architecture.to_dict() == NET.to_dict()
    assert stored.description == DESCRIPTION
    assert len(stored.parameters) == 3
    for before, after in zip(parameters, stored.parameters, strict=True):
        assert list(before) == list(after)
        for name in before:
            assert after[name].dtype == dtype
            np.testing.assert_array_equal(after[name], before[name])
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


@pytest.mark.parametrize("g", ACTIVATIONS)
@pytest.mark.parametrize("c", LOSSES)
def test_every_activation_and_loss_comes_back(tmp_path, g, c):
    net = Architecture((Input(1), Dense(2, g, initialiser="zeros"), Dense(1, g)), loss(c))
    saved(tmp_path / "m", net, {})
    assert load(tmp_path / "m").architecture.to_dict() == net.to_dict()


def test_constants_come_back(tmp_path):
    g = {"name": "leaky_relu", "slope": 0.25}
    net = Architecture(
        (Input(1), Dense(1, g, initialiser={"name": "constant", "value": 2})), Huber(0.5), Penalty(1e-4, 3)
    )  # type: ignore[arg-type]
    saved(tmp_path / "m", net, {})
    assert load(tmp_path / "m").architecture.to_dict() == net.to_dict()


def test_arrays_of_jax_are_saved(tmp_path):
    jnp = pytest.importorskip("jax.numpy")
    parameters = tuple({n: jnp.asarray(a, jnp.float32) for n, a in layer.items()} for layer in NET.initial(0))
    save(tmp_path / "m", NET, parameters, description={})
    np.testing.assert_array_equal(load(tmp_path / "m").parameters[1]["w"], parameters[1]["w"])


def test_transposed_weights_are_saved_as_what_they_mean(tmp_path):
    w = np.arange(12.0).reshape(3, 4)
    net = Architecture((Input(3), Dense(4, bias=False)), loss("squared_error"))
    save(tmp_path / "m", net, ({}, {"w": w.T}), description={})
    np.testing.assert_array_equal(load(tmp_path / "m").parameters[1]["w"], w.T)


def test_what_is_not_a_model_of_finite_numbers_is_not_saved(tmp_path):
    none, first, second = NET.initial(0)
    second["w"][1, 2] = np.nan
    with pytest.raises(InputError, match=r"^w\[2\]\[1,2\]: expected a finite number, got nan\. Such a model"):
        save(tmp_path / "m", NET, (none, first, second), description={})
    with pytest.raises(ShapeError, match="expected arrays for layers 0 … 2"):
        save(tmp_path / "m", NET, (none, first), description={})
    with pytest.raises(ShapeError, match=r"layer 1 \(dense, elu\): w: expected \(4, 3\), got \(3, 4\)"):
        save(tmp_path / "m", NET, (none, {**first, "w": first["w"].T}, second), description={})
    with pytest.raises(InputError, match="expected floating-point numbers, got int64"):
        save(tmp_path / "m", NET, (none, {**first, "w": np.ones((4, 3), int)}, second), description={})
    with pytest.raises(InputError, match="expected JSON values"):
        save(tmp_path / "m", NET, NET.initial(0), description={"history": object()})
    assert list(tmp_path.iterdir()) == []


def changed(path, *, architecture=lambda a: a, metadata=lambda m: m, arrays=lambda a: a):
    """The model at `path` with something else in it, and the checksum that belongs to that."""
    tensors = safetensors.numpy.load_file(path)
    with safetensors.safe_open(path, framework="np") as file:
        own = json.loads(file.metadata()["pellucid"])
    own["metadata"]["architecture"] = architecture(own["metadata"]["architecture"])
    write_arrays(path, arrays(tensors), metadata(own["metadata"]))


def layer(l, **new):
    def edit(stored):
        stored["layers"][l].update(new)
        return stored

    return {"architecture": edit}


def part(**new):
    return {"architecture": lambda stored: {**stored, **new}}


def without(key):
    return {"architecture": lambda stored: {k: v for k, v in stored.items() if k != key}}


CHANGES = {
    "another kind of file": ({"metadata": lambda m: {**m, "kind": "checkpoint"}}, "expected a model, got a checkpoint"),
    "no kind": ({"metadata": lambda m: {}}, "expected a model, got something else"),
    "description that is a list": ({"metadata": lambda m: {**m, "description": []}}, "a description"),
    "no architecture": ({"metadata": lambda m: {"kind": "model", "description": {}}}, "KeyError 'architecture'"),
    "architecture that is text": ({"architecture": lambda a: "mlp"}, "can build"),
    "no layers": (without("layers"), "can build"),
    "no loss": (without("loss"), "can build"),
    "no penalty": (without("penalty"), "can build"),
    "zero layers": (part(layers=[]), "expected at least one layer"),
    "layers that are text": (part(layers="dense"), "can build"),
    "layers that are an object": (part(layers={"kind": "dense"}), "can build"),
    "unknown layer": (layer(1, kind="attention"), "layer 1: expected a kind of layer (one of"),
    "kind that is a list": (layer(1, kind=[]), "can build"),
    "unknown activation": (layer(1, activation={"name": "relu6"}), "activation: expected one of"),
    "unknown constant": (layer(1, activation={"name": "relu", "slope": 1}), "its own constants only"),
    "constant that is text": (layer(1, activation={"name": "elu", "alpha": "1"}), "a finite number for alpha, got '1'"),
    "constant that is a list": (layer(1, activation={"name": "elu", "alpha": [1]}), "a finite number for alpha"),
    "constant beyond floats": (layer(1, activation={"name": "elu", "alpha": 10**400}), "can build"),
    "constant out of range": (layer(1, activation={"name": "elu", "alpha": -1}), "elu: expected alpha > 0"),
    "activation that is a number": (layer(1, activation=5.5), "activation: expected one of"),
    "unknown initialiser": (layer(1, initialiser={"name": "magic"}), "initialiser: expected one of"),
    "unknown field": (layer(1, dropout=0.5), "can build"),
    "size that is text": (layer(0, shape=["3"]), "a whole number ≥ 1, got '3'"),
    "size that is true": (layer(0, shape=[True]), "a whole number ≥ 1, got True"),
    "size zero": (layer(1, n=0), "a whole number ≥ 1, got 0"),
    "size of the universe": (layer(0, shape=[10**30]), "at most 2,147,483,647"),
    "no sizes": (layer(0, shape=[]), "a whole number ≥ 1"),
    "shape that is a number": (layer(0, shape=3), "can build"),
    "an Input elsewhere": (layer(1, kind="input", shape=[4]), "can build"),
    "no Input": (layer(0, kind="dense"), "can build"),
    "reads itself": (layer(1, reads=[1]), "layer 1 (dense): expected to read layers 0 … 0, got (1,)"),
    "reads words": (layer(1, reads="ab"), "expected the number of a layer"),
    "bias that is text": (layer(1, bias="yes"), "expected True or False"),
    "layers that do not fit": (layer(1, n=5), "layer.1.w: expected the shape (5, 3), got (4, 3)"),
    "sizes below that do not fit": (
        layer(2, n_in=5),
        "layer 2 (dense, softmax): expected n_in 4, the nodes of layer 1, got 5",
    ),
    "unknown loss": (part(loss={"name": "hinge"}), "loss: expected one of"),
    "loss that is text": (part(loss="hinge"), "can build"),
    "penalty below zero": (part(penalty={"l2": -1, "l1": 0}), "a finite number ≥ 0"),
    "penalty of another kind": (part(penalty={"l3": 1}), "can build"),
    "penalty that is text": (part(penalty={"l2": "1", "l1": 0}), "a finite number for l2"),
    "array missing": ({"arrays": lambda a: {k: v for k, v in a.items() if k != "layer.1.b"}}, "array layer.1.b, got a"),
    "array too many": ({"arrays": lambda a: {**a, "layer.2.b": np.zeros(2)}}, "3 arrays, got 1 more, the first 'layer"),
    "array with a path": ({"arrays": lambda a: {**a, "../../etc/passwd": np.zeros(2)}}, "'../../etc/passwd'"),
    "wrong shape": ({"arrays": lambda a: {**a, "layer.1.w": np.zeros((3, 4))}}, "the shape (4, 3), got (3, 4)"),
    "whole numbers": ({"arrays": lambda a: {**a, "layer.1.b": np.zeros(4, int)}}, "floating-point numbers, got int64"),
    "NaN": (
        {"arrays": lambda a: {**a, "layer.1.b": np.array([0, 0, np.nan, 0])}},
        "finite weights, got nan at b[1][2]",
    ),
    "infinity": ({"arrays": lambda a: {**a, "layer.2.w": np.full((2, 4), np.inf)}}, "got inf at w[2][0,0]"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_model_that_is_not_right_is_refused_in_words(tmp_path, change, message):
    path = tmp_path / "m.safetensors"
    saved(path)
    changed(path, **change)
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_the_change_itself_is_harmless(tmp_path):
    saved(tmp_path / "m")
    changed(tmp_path / "m")
    assert load(tmp_path / "m").architecture == NET


def test_no_array_is_made_before_the_description_is_right(tmp_path, monkeypatch):
    path = tmp_path / "m"
    saved(path)
    changed(path, **layer(0, shape=[7]))
    monkeypatch.setattr(models_module, "read_data", lambda *_: pytest.fail("read too early"))
    with pytest.raises(ModelFileError, match="expected the shape"):
        load(path)


def test_the_same_model_gives_the_same_bytes(tmp_path):
    saved(tmp_path / "a")
    saved(tmp_path / "b")
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).digest() for name in "ab"}
    assert len(digests) == 1


@pytest.mark.parametrize("name", ["x.onnx", "x.pt", "X.PKL", "x.keras", b"x.h5"])
def test_a_name_that_promises_another_format_is_refused(name):
    with pytest.raises(InputError, match=r"(?i)Call it x.safetensors"):
        save(name, NET, NET.initial(0), description={})
