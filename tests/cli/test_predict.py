"""`pellucid predict`: the same answers in every format, in the order of the rows; targets are not needed."""

import csv
import io
import json
import os

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid.data import load_data
from tests.cli.running import done, run


def column(text, name="prediction"):
    return [row[name] for row in csv.DictReader(io.StringIO(text))]


def test_classes(iris):
    result = done("predict", iris, "iris")
    net = pellucid.load(iris)
    data = load_data("iris", preparation=net.preparation)
    assert column(result.stdout) == net.predict(data.x).tolist()
    assert "the data has the target: loss 0." in result.stderr
    assert "accuracy 0." in result.stderr


def test_numbers_in_their_own_units(prices):
    table, model = prices
    result = done("predict", model, table, "--quiet")
    said, right = (
        np.array(column(result.stdout), float),
        np.array(column(table.read_text(encoding="utf-8"), "price"), float),
    )
    assert result.stderr == ""
    assert np.corrcoef(said, right)[0, 1] > 0.9
    assert abs(said.mean() - right.mean()) < 30_000


def test_every_format_says_the_same(folder, iris):
    for name in ("a.csv", "a.parquet", "a.npz", "a.CSV"):
        result = done("predict", iris, "iris", "--proba", "-o", name)
        assert result.stdout == ""
        assert f"wrote {name}: 150 rows" in result.stderr
    frame = pl.read_csv("a.csv")
    assert frame.columns == ["prediction", *(f"probability[{c}]" for c in ("setosa", "versicolor", "virginica"))]
    assert pl.read_parquet("a.parquet").equals(pl.read_csv("a.csv"), null_equal=False)
    with np.load("a.npz") as arrays:
        assert arrays["prediction"].tolist() == frame["prediction"].to_list()
        assert arrays["classes"].tolist() == ["setosa", "versicolor", "virginica"]
        np.testing.assert_allclose(arrays["probability"], frame[:, 1:].to_numpy(), rtol=1e-6)
        np.testing.assert_allclose(arrays["probability"].sum(axis=1), 1, rtol=1e-5)
    assert sorted(os.listdir()) == ["a.CSV", "a.csv", "a.npz", "a.parquet"]


def test_json(iris):
    told = json.loads(done("predict", iris, "iris", "--json").stdout)
    assert told["samples"] == 150
    assert told["columns"]["prediction"][0] == "setosa"
    assert told["figures"]["accuracy"] > 0.5


def test_two_classes_have_two_probabilities(folder):
    done("train", "breast_cancer", "--epochs", 5, "-q")
    done("predict", "model.safetensors", "breast_cancer", "--proba", "-q", "-o", "a.npz")
    with np.load("a.npz") as arrays:
        assert arrays["probability"].shape == (569, 2)
        said = arrays["classes"][arrays["probability"].argmax(axis=1)]
        assert (said == arrays["prediction"]).all()


def test_several_targets_have_a_column_each(folder, prices):
    table, _ = prices
    done("train", table, "--target", "price", "--target", "area", "--epochs", 3, "-q")
    header = done("predict", "model.safetensors", table, "-q").stdout.splitlines()[0]
    assert header == "prediction[price],prediction[area]"


NEW = "town,rooms,colour,area\nKöln,2,red,80\nUlm,5,blue,120\n"


def test_other_order_extra_columns_and_no_target(folder, prices):
    (folder / "new.csv").write_text(NEW, encoding="utf-8")
    result = done("predict", prices[1], "new.csv")
    assert len(result.stdout.splitlines()) == 3
    assert "ignored 1 column that training didn't know: 'colour'" in result.stderr
    assert "matched by name" in result.stderr
    assert "target" not in result.stderr


def test_an_unseen_category_is_said(folder, prices):
    (folder / "new.csv").write_text(NEW.replace("Ulm", "Oslo"), encoding="utf-8")
    assert "'Oslo' did not occur in training" in done("predict", prices[1], "new.csv").stderr


def test_a_target_that_is_empty_is_not_needed(folder, prices):
    (folder / "new.csv").write_text("town,rooms,area,price\nKöln,2,80,\nUlm,5,120,1\n", encoding="utf-8")
    result = done("predict", prices[1], "new.csv")
    assert len(column(result.stdout)) == 2
    assert "the targets are not used: new.csv, row 1 below the header, column 'price'" in result.stderr


def test_a_model_of_plain_arrays(folder):
    net = pellucid.mlp([2, 3, 2], "tanh", output="softmax", loss="cross_entropy", seed=1)
    x = np.random.default_rng(0).normal(size=(20, 2))
    net.fit(x, (x[:, 0] > 0).astype(int), epochs=3, progress=False)
    net.save("m.safetensors")
    np.save("x.npy", x)
    assert column(done("predict", "m.safetensors", "x.npy").stdout) == [str(y) for y in net.predict(x)]
    np.save("wide.npy", np.ones((3, 5)))
    assert run("predict", "m.safetensors", "wide.npy").exit_code == 2


WRONG = {
    "a folder as model": (".", "iris"),
    "no such data": ("MODEL", "absent.csv"),
    "a format that is none": ("MODEL", "iris", "-o", "a.xlsx"),
    "no ending": ("MODEL", "iris", "-o", "answers"),
    "a missing folder": ("MODEL", "iris", "-o", "no/a.csv"),
    "the data": ("MODEL", "d.csv", "-o", "d.csv"),
    "other columns": ("MODEL", "d.csv"),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_said_and_nothing_written(folder, iris, arguments):
    (folder / "d.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    result = run("predict", *(iris if a == "MODEL" else a for a in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert os.listdir() == ["d.csv"]


def test_probabilities_of_numbers_are_refused(prices):
    assert (
        "--proba: expected a model that was trained on classes"
        in run("predict", prices[1], prices[0], "--proba").stderr
    )
