"""`pellucid explain`, `nudge` and `worked-example`: formats, several addresses, samples, what is refused."""

import json

import numpy as np
import pytest

import pellucid as pc
from pellucid.cli.samples import arrays_of
from tests.cli.running import done, run


@pytest.fixture
def model(folder):
    """A small network for iris that was not prepared."""
    pc.mlp([4, 5, 3], "tanh", output="softmax", loss="cross_entropy", seed=1).save("m.safetensors")
    return "m.safetensors"


def traced(model, rows=slice(0, 1)):
    net = pc.load(model)
    x, y = arrays_of(net, "iris", None)
    return net.trace(x[rows], y[rows])


def test_text(model):
    out = done("explain", model, "dC0/dw[L][1,2]", "--data", "iris", "--no-checks").stdout
    d = traced(model).explain("dC0/dw[2][1,2]")
    assert out == d.to_text(checks=False) + "\n"


def test_several_addresses_and_latex(model):
    out = done(
        "explain",
        model,
        "z[1][0]",
        r"\frac{\partial C_0}{\partial b_1^{(L)}}",
        "--data",
        "iris",
        "--depth",
        0,
        "--ascii",
    )
    assert out.stdout.startswith("z[1][0] = ")
    assert "\n\ndC0/db[2][1] = " in out.stdout
    assert out.stdout.isascii()


@pytest.mark.parametrize("format, start", [
    ("markdown", "## $"), ("latex", r"\paragraph"), ("tex", "% Made by Pellucid"), ("mathml", "<math "), ("html", "<!DOCTYPE html>"),
    ("json", "{"), ("text", "z₀"),
])  # fmt: skip
def test_formats(model, format, start):
    assert done("explain", model, "z[1][0]", "--data", "iris", "--format", format).stdout.startswith(start)


def test_json_holds_each_derivation(model):
    out = json.loads(done("explain", model, "z[1][0]", "C0", "--data", "iris", "--json").stdout)
    assert [d["address"] for d in out["derivations"]] == ["z[1][0]", "C[0]"]
    assert out["derivations"][0]["value"] == traced(model)["z[1][0]"]


def test_sample_is_the_first_of_the_addresses(model):
    out = json.loads(done("explain", model, "C0", "--data", "iris", "--sample", 77, "--json").stdout)
    assert out["derivations"][0]["value"] == traced(model, slice(77, 78))["C0"]


def test_means_over_several_samples(model):
    out = json.loads(done("explain", model, "dC/db[2][0]", "--data", "iris", "--sample", "all", "--json").stdout)
    assert out["derivations"][0]["value"] == pytest.approx(traced(model, slice(None))["dC/db[2][0]"])


def test_paths(model):
    out = done("explain", model, "dC0/dw[1][0,0]", "--data", "iris", "--paths", 2).stdout
    assert "paths, " in out


def test_out(model, folder):
    assert done("explain", model, "z[1][0]", "--data", "iris", "-f", "html", "-o", "page.html").stdout == ""
    assert (folder / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_data_is_prepared_as_for_the_training(iris):
    """Iris is standardised by `train`; the same row must give what the trained network saw."""
    net = pc.load(iris)
    assert net.preparation is not None
    x, y = arrays_of(net, "iris", None)
    assert abs(x.mean(axis=0)).max() < 0.2
    out = json.loads(done("explain", iris, "a[0][1]", "y[0]", "--data", "iris", "--sample", 9, "--json").stdout)
    assert out["derivations"][0]["value"] == pytest.approx(float(x[9, 1]))
    assert y[:3].tolist() == [0, 0, 0]


def test_regressions_are_explained_in_the_networks_own_units(prices):
    table, model = prices
    out = json.loads(done("explain", model, "y[0]", "C0", "--data", table, "--json").stdout)
    y, C = (d["value"] for d in out["derivations"])
    assert abs(y) < 5  # standardised
    assert np.isfinite(C)


def test_nudge(model):
    out = json.loads(done("nudge", model, "w[L][1,2]", "x[0]", "--eps", 0.001, "--data", "iris", "--json").stdout)
    first, second = out["nudges"]
    assert first["address"] == "w[2][1,2]"
    assert first["actual"] == pytest.approx(first["predicted"], rel=0.01)
    assert second["of"] == "C[0]"
    text = done("nudge", model, "w[L][1,2]", "--data", "iris", "--of", "a[2][1]", "--ascii").stdout
    assert text.splitlines()[1].startswith("a[2][1]")
    assert text.isascii()


@pytest.mark.parametrize("ending", ["html", "tex", "md", "ipynb", "json"])
def test_worked_examples(model, folder, ending):
    out = done("worked-example", model, "--data", "iris", "--sample", 60, "-o", f"out.{ending}").stdout
    assert out.startswith(f"saved out.{ending} (")
    assert (folder / f"out.{ending}").stat().st_size > 10_000
    assert (folder / "out.svg").exists() == (ending == "md")


def test_worked_examples_of_what_was_chosen(model, folder):
    done(
        "worked-example",
        model,
        "--data",
        "iris",
        "-a",
        "dC0/dw[L][0,1]",
        "-a",
        "z[1][0]",
        "--layers",
        "none",
        "-o",
        "a.json",
    )
    written = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert [d["address"] for d in written["derivations"]] == ["dC0/dw[2][0,1]", "z[1][0]"]
    assert [c["address"] for c in written["update"]["changes"]] == ["w[2][0,1]"]
    facts = json.loads(done("worked-example", model, "--data", "iris", "-o", "b.md", "--json").stdout)
    assert facts == {"files": ["b.md", "b.svg"], "explained": ["dC0/dw[2][1,2]", "dC0/dw[1][1,2]"]}


REFUSED = {
    "no such node": (("explain", "m.safetensors", "z[1][9]", "--data", "iris"), "z[1][9]: layer 1 has 5 nodes, so j runs over 0 … 4."),
    "no address": (("explain", "m.safetensors", "hello", "--data", "iris"), "hello: expected one of the symbols w b z a"),
    "no such row": (("explain", "m.safetensors", "C0", "--data", "iris", "--sample", "150"), "--sample: the data has rows 0 … 149, got 150."),
    "no row": (("explain", "m.safetensors", "C0", "--data", "iris", "--sample", "last"), "--sample: expected a row such as 5, rows such as 0:8, or all, got last."),
    "no format": (("explain", "m.safetensors", "C0", "--data", "iris", "-f", "pdf"), "format: expected one of html, json"),
    "no digits": (("explain", "m.safetensors", "C0", "--data", "iris", "--digits", "0"), "digits: expected a number from 1 to 17, got 0."),
    "no depth": (("explain", "m.safetensors", "C0", "--data", "iris", "--depth", "-1"), "depth: expected a number ≥ 0, got -1."),
    "paths of a value": (("explain", "m.safetensors", "z[1][0]", "--data", "iris", "--paths", "2"), "z[1][0]: only derivatives"),
    "no change": (("nudge", "m.safetensors", "x[0]", "--eps", "0", "--data", "iris"), "eps: expected a finite number other than 0"),
    "several rows": (("worked-example", "m.safetensors", "--data", "iris", "--sample", "0:3"), "--sample: expected one row, such as 5, got 0:3."),
    "no ending": (("worked-example", "m.safetensors", "--data", "iris", "-o", "out"), "out: expected a file that ends with one of"),
    "no layers": (("worked-example", "m.safetensors", "--data", "iris", "--layers", "some"), "--layers: expected numbers of layers such as 1,2, or none, got 'some'."),
    "other data": (("explain", "m.safetensors", "C0", "--data", "digits"), "y: expected 3 classes"),
    "over the model": (("explain", "m.safetensors", "C0", "--data", "iris", "-o", "m.safetensors"), "--out: expected a file of its own"),
    "no model": (("explain", "none.safetensors", "C0", "--data", "iris"), "none.safetensors: "),
}  # fmt: skip


@pytest.mark.parametrize("arguments, said", REFUSED.values(), ids=REFUSED)
def test_refused(model, arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(said)
    assert "Traceback" not in result.output


def test_data_without_targets_is_refused(iris, folder):
    columns = pc.load(iris).preparation.feature_names
    (folder / "x.csv").write_text(",".join(columns) + "\n5.1,3.5,1.4,0.2\n")
    result = run("explain", iris, "z[1][0]", "--data", "x.csv")
    assert result.exit_code == 2
    assert "expected targets, for the loss needs them, got inputs only" in result.stderr
