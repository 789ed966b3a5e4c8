"""`pellucid info`: everything that a model file says about itself."""

import json

import pellucid
from tests.cli.running import done, run


def test_a_trained_model(iris):
    out = done("info", iris, env={"COLUMNS": "200"}).stdout
    assert f"float32, written by Pellucid {pellucid.__version__}" in out
    assert "    1  dense     64  relu        w 64 × 4, b 64         320" in out
    assert "515 parameters · loss cross_entropy · l2 0.0286" in out
    assert "classes: setosa, versicolor, virginica" in out
    assert "inputs: sepal length (cm), sepal width (cm)," in out
    assert "40 epochs in" in out
    assert "accuracy" in out


def test_json(iris):
    told = json.loads(done("info", iris, "--json").stdout)
    assert told["bytes"] == iris.stat().st_size
    assert told["layers"][2] == {
        "layer": 2, "kind": "dense", "nodes": 3, "activation": "softmax", "shape": [3],
        "arrays": {"w": [3, 64], "b": [3]}, "parameters": 195,
    }  # fmt: skip
    assert told["loss"] == {"name": "cross_entropy"}
    assert told["classes"] == ["setosa", "versicolor", "virginica"]
    assert told["preparation"]["target"]["names"] == ["class"]
    assert told["history"]["epochs"] == 40
    assert set(told["history"]["last"]) >= {"loss", "validation_loss", "accuracy"}


def test_a_network_that_was_never_trained(folder):
    pellucid.mlp([2, 3, 1], {"name": "leaky_relu", "slope": 0.2}, loss="huber", l1=0.5).save("m.safetensors")
    out = done("info", "m.safetensors").stdout
    assert "leaky_relu (slope 0.2)" in out
    assert "13 parameters · loss huber · l1 0.5" in out
    assert "classes" not in out
    assert json.loads(done("info", "m.safetensors", "--json").stdout)["history"] is None


def test_no_model(folder):
    (folder / "x.csv").write_text("a,b\n1,2\n3,4\n5,6\n", encoding="utf-8")
    result = run("info", "x.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith("x.csv: expected a model of Pellucid (a safetensors file), got a file of 16 bytes")
