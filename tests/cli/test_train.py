"""`pellucid train`: a model that predicts, its figures, its options, what it prints and what it leaves on disk."""

import json

import numpy as np
import pytest

import pellucid
from pellucid.data import split
from tests.cli.conftest import houses
from tests.cli.running import done, run

SHORT = ("--epochs", 5, "--patience", 0)


def test_what_it_prints(folder):
    result = done("train", "iris", *SHORT)
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[:11] == [
        "iris: 4 inputs → 'setosa', 'versicolor', 'virginica'",
        "  target 'class': 3 classes",
        "  4 number columns standardised (mean 0, deviation 1)",
        "samples: training 105 · validation 15 · test 30",
        "",
        "layer  kind   shape  activation  arrays          parameters",
        "    0  input      4                                       0",
        "    1  dense     64  relu        w 64 × 4, b 64         320",
        "    2  dense      3  softmax     w 3 × 64, b 3          195",
        "515 parameters · loss cross_entropy · l2 0.0286",
        "adam, η 0.003 · batches of 32 · at most 5 epochs · seed 0",
    ]
    assert "all 5 epochs done" in lines[11]
    assert lines[12].startswith("the loss fell by ")
    assert [line.split()[0] for line in lines[14:18]] == ["part", "training", "validation", "test"]
    assert " would have accuracy 0." in lines[18]
    assert lines[-1].startswith("saved model.safetensors (")
    assert result.stderr.startswith("epoch 1/5: loss ")
    assert [p.name for p in folder.iterdir()] == ["model.safetensors"]


def test_json_is_all_of_standard_output(folder):
    result = done("train", "iris", *SHORT, "--json")
    told = json.loads(result.stdout)
    assert told["samples"] == {"training": 105, "validation": 15, "test": 30}
    assert told["classes"] == ["setosa", "versicolor", "virginica"]
    assert [layer["nodes"] for layer in told["layers"]] == [4, 64, 3]
    assert told["history"]["epochs"] == 5
    assert set(told["figures"]) == {"training", "validation", "test"}
    assert result.stderr == ""
    net = pellucid.load("model.safetensors")
    parts = split("iris", validation=0.1, test=0.2, seed=0)
    labels = np.asarray(parts.test.classes)[parts.test.y]
    assert told["figures"]["test"]["accuracy"] == net.score(parts.test.x, labels)
    assert (net.predict(parts.test.x) == labels).mean() == told["figures"]["test"]["accuracy"]


@pytest.mark.parametrize("stream", [False, True])
def test_counts_are_learned_as_they_are(folder, stream):
    """With the loss poisson the targets are not standardised, the output is e^z, and predictions are counts."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(400, 2))
    y = generator.poisson(np.exp(1 + x[:, 0])).astype(float)
    np.save("x.npy", x)
    np.save("y.npy", y)
    options = ("--loss", "poisson", "--epochs", 40, "--json")  # whole numbers, but no classes
    told = json.loads(done("train", "x.npy", *options, *["--stream"] * stream).stdout)
    assert told["layers"][-1]["activation"] == "exponential" and "targets as they are" in " ".join(told["notes"])
    net = pellucid.load("model.safetensors")
    assert net.preparation.target.shift == (0.0,) and net.preparation.target.scale == (1.0,)
    assert told["figures"]["test"]["r2"] > 0.5
    predicted = net.predict(net.preparation.apply((x, None)).x)
    assert (predicted > 0).all() and abs(predicted.mean() / y.mean() - 1) < 0.2


@pytest.mark.parametrize("stream", [False, True])
def test_negative_counts_are_refused_without_other_advice(folder, stream):
    np.save("x.npy", np.random.default_rng(0).normal(size=(40, 2)))
    np.save("y.npy", np.linspace(-3.0, 5.5, 40))
    result = run("train", "x.npy", "--loss", "poisson", *["--stream"] * stream)
    assert result.exit_code == 2 and "targets ≥ 0" in result.stderr
    assert "--output-activation" not in result.output


def test_quiet_prints_nothing(folder):
    result = done("train", "iris", *SHORT, "-q")
    assert result.output == ""


def test_the_options_reach_the_network(folder):
    told = json.loads(
        done(
            "train", "digits", "--layers", "7,5", "--activation", "tanh", "--output-activation", "sigmoid", "--loss",
            "squared_error", "--optimiser", "momentum", "--learning-rate", 0.05, "--schedule", "cosine", "--clip", 1,
            "--epochs", 2, "--batch-size", 100, "--seed", 3, "--validation", 0, "--test", 300, "--patience", 0,
            "--l2", 0.5, "--l1", 0.25, "--dtype", "float64", "--backend", "jax", "--out", "m", "--json",
        ).stdout
    )  # fmt: skip
    net = pellucid.load("m")
    assert net.n == (64, 7, 5, 10)
    assert [g.name for g in net.g[1:]] == ["tanh", "tanh", "sigmoid"]
    assert net.loss.name == "squared_error"
    assert (net.architecture.penalty.l2, net.architecture.penalty.l1) == (0.5, 0.25)
    assert net.dtype == np.float64
    assert told["samples"] == {"training": 1497, "test": 300}
    assert told["history"]["last"]["learning_rate"] < 0.01  # the end of a cosine from 0.05
    assert "penalty" in told["history"]["last"]


def test_no_hidden_layer_and_full_batch(folder):
    done("train", "iris", "--layers", "none", "--batch-size", 0, *SHORT, "-q")
    assert pellucid.load("model.safetensors").n == (4, 3)


def test_numbers_are_judged_in_their_own_units(folder):
    (folder / "h.csv").write_text(houses(200), encoding="utf-8")
    told = json.loads(done("train", "h.csv", "--target", "price", "--metrics", "rmse", "--json").stdout)
    assert told["figures"]["test"]["r2"] > 0.98
    assert 500 < told["figures"]["test"]["rmse"] < 15_000  # euros; standardised it would be below 1
    assert [layer["nodes"] for layer in told["layers"]] == [5, 64, 1]


def test_several_targets(folder):
    (folder / "h.csv").write_text(houses(80), encoding="utf-8")
    told = json.loads(done("train", "h.csv", "--target", "price", "--target", "area", *SHORT, "--json").stdout)
    assert told["layers"][-1]["nodes"] == 2


def test_gaps_text_and_dropped_columns(folder):
    lines = houses(80).splitlines()
    lines[5] = ",3,Ulm,90000"
    (folder / "h.csv").write_text("\n".join(lines), encoding="utf-8")
    refused = run("train", "h.csv", "--target", "price")
    assert refused.exit_code == 2
    assert "row 5 below the header, column 'area'" in refused.stderr
    done("train", "h.csv", "--target", "price", "--impute", "median", "--drop", "town", *SHORT, "-q")
    assert pellucid.load("model.safetensors").preparation.feature_names == ("area", "rooms")


def test_the_same_seed_gives_the_same_file(folder):
    for name in "ab":
        done("train", "iris", *SHORT, "-q", "-o", name)
    a, b = (pellucid.load(folder / name) for name in "ab")
    for l in (1, 2):
        assert a.w[l].tobytes() == b.w[l].tobytes()
    done("train", "iris", *SHORT, "-q", "-o", "c", "--seed", 1)
    assert pellucid.load(folder / "c").w[1].tobytes() != a.w[1].tobytes()


def test_it_is_what_the_library_does(folder):
    done("train", "iris", "--epochs", 4, "--patience", 0, "--seed", 3, "--l2", 0, "--layers", 7, "-q")
    parts = split("iris", validation=0.1, test=0.2, seed=3)
    net = pellucid.mlp([4, 7, 3], "relu", output="softmax", loss="cross_entropy", seed=3)
    net.fit(parts.train, epochs=4, optimiser="adam", learning_rate=0.003, seed=3, progress=False)
    said = pellucid.load("model.safetensors")
    assert [w.tobytes() for w in said.w] == [w.tobytes() for w in net.w]


def test_resuming_gives_what_an_uninterrupted_training_gives(folder):
    more = ("--patience", 0, "-q", "--checkpoint-every", 3)
    done("train", "iris", "--epochs", 12, *more, "-o", "whole", "--checkpoint", "w.ck")
    done("train", "iris", "--epochs", 6, *more, "-o", "half", "--checkpoint", "h.ck")
    done("train", "iris", "--epochs", 12, *more, "-o", "resumed", "--checkpoint", "h.ck", "--resume")
    whole, resumed = pellucid.load("whole"), pellucid.load("resumed")
    assert whole.w[1].tobytes() == resumed.w[1].tobytes()
    assert len(resumed.history) == 12


def test_an_older_file_is_replaced_and_said(folder):
    (folder / "model.safetensors").write_text("old")
    assert "in place of an older file" in done("train", "iris", *SHORT).stdout
    pellucid.load("model.safetensors")


def test_a_training_that_explodes_leaves_the_older_model(folder):
    done("train", "iris", *SHORT, "-q")
    before = (folder / "model.safetensors").read_bytes()
    result = run("train", "iris", "--optimiser", "sgd", "--learning-rate", 1e30, "-q")
    assert result.exit_code == 2
    assert result.stderr.startswith("epoch 1, batch ")
    assert result.stderr.endswith("Nothing is saved. Lower --learning-rate, or shorten the gradient with --clip 1.\n")
    assert (folder / "model.safetensors").read_bytes() == before


def test_a_file_read_by_rows(folder):
    parts = split("iris", validation=0, test=0, seed=0)
    order = np.random.default_rng(0).permutation(150)
    np.savez("iris.npz", x=parts.train.x[order], y=parts.train.y[order])
    told = json.loads(done("train", "iris.npz", "--stream", "--json").stdout)
    assert told["figures"]["test"]["accuracy"] > 0.9
    assert done("predict", "model.safetensors", "iris.npz").stdout.startswith("prediction\n")
    assert "--impute: expected data that is read into memory" in run(
        "train", "iris.npz", "--stream", "--impute", "mean"
    ).stderr  # fmt: skip


def test_a_remark_on_targets_that_the_output_cannot_reach(folder):
    (folder / "h.csv").write_text(houses(40), encoding="utf-8")
    assert "sigmoid reaches 0 … 1" in done("train", "h.csv", "--output-activation", "sigmoid", *SHORT).stdout


CLASHES = {
    "the data": ("train", "d.csv", "--out", "d.csv"),
    "the data by another name": ("train", "d.csv", "--out", "./x/../d.csv"),
    "a link to the data": ("train", "d.csv", "--out", "link"),
    "the checkpoint": ("train", "iris", "--out", "same", "--checkpoint", "same"),
}


@pytest.mark.parametrize("arguments", CLASHES.values(), ids=CLASHES)
def test_what_is_read_is_never_overwritten(folder, arguments):
    (folder / "d.csv").write_text(houses(), encoding="utf-8")
    (folder / "x").mkdir()
    (folder / "link").symlink_to(folder / "d.csv")
    result = run(*arguments)
    assert result.exit_code == 2
    assert "which is read or written too" in result.stderr
    assert (folder / "d.csv").read_text(encoding="utf-8") == houses()
