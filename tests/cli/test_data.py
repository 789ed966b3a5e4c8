"""`pellucid data`: columns, kinds, gaps, ranges and classes of a source."""

import json
import shlex

import numpy as np

from tests.cli.conftest import houses
from tests.cli.running import done, run


def test_a_named_set():
    lines = done("data", "iris").stdout.splitlines()
    assert lines[0] == "iris: 150 rows, 4 input columns, target 'class' (3 classes)"
    assert lines[4].split() == ["sepal", "length", "(cm)", "number", "0", "4.3", "5.843", "7.9"]
    assert lines[-1].split() == ["virginica", "50", "33.3%"]


def test_images_are_one_line():
    out = done("data", "digits").stdout
    assert "x[0,0]" not in out.splitlines()[-1]
    assert len(out.splitlines()) < 25


def test_a_table_with_gaps_and_categories(folder):
    lines = houses(30).splitlines()
    lines[3] = ",2,,70000"
    (folder / "h.csv").write_text("\n".join(lines), encoding="utf-8")
    told = json.loads(done("data", "h.csv", "--target", "price", "--json").stdout)
    area, rooms, town = told["columns"]
    assert (told["rows"], told["task"]) == (30, "regression")
    assert area["missing"] == town["missing"] == 1
    assert rooms == {"name": "rooms", "kind": "number", "missing": 0, "least": 1.0, "mean": rooms["mean"], "most": 6.0,
                     "constant": False}  # fmt: skip
    assert town["values"] == ["Bonn", "Köln", "Ulm"]
    assert told["target"]["names"] == ["price"]
    assert told["target"]["ranges"][0]["least"] > 40_000
    out = done("data", "h.csv", "--target", "price").stdout
    assert "Bonn, Köln, Ulm" in out
    assert out.splitlines()[-1].split()[0] == "price"


def test_a_constant_column_is_said(folder):
    (folder / "c.csv").write_text("a,b,y\n" + "1,2,0\n1,3,1\n" * 4, encoding="utf-8")
    assert "one value only" in done("data", "c.csv").stdout


def test_a_source_without_targets(folder):
    np.save("x.npy", np.arange(12.0).reshape(6, 2))
    assert done("data", "x.npy").stdout.startswith("x.npy: 6 rows, 2 input columns, no target\n")
    assert json.loads(done("data", "x.npy", "--json").stdout)["target"] is None


def test_an_unknown_name():
    result = run("data", "digit")
    assert result.exit_code == 2
    assert "Did you mean 'digits'?" in result.stderr


ODD = "when,name,size,code,empty,gap,price\n" + "".join(
    f"2020-01-{i + 1:02},Name Number {i},{'lots' if i == 5 else i / 2},{['01', '02', 'A3'][i % 3]},,{i % 4 or ''},{i * 1.5}\n"
    for i in range(30)
)


def test_all_that_stands_in_the_way_is_said_at_once_with_a_command_that_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.csv").write_text(ODD)
    result = run("data", "odd.csv")
    assert result.exit_code == 2
    assert [line.split("column ")[1].split(":")[0] for line in result.stderr.splitlines()] == [
        "'when'", "'size'", "'empty'", "'name'",
    ]  # fmt: skip
    refusals = run("train", "odd.csv").stderr
    assert refusals.startswith(result.stderr) and "column 'gap': the value is missing" in refusals
    command = shlex.split(result.stdout.splitlines()[-1].removeprefix("would train: pellucid "))
    assert command == shlex.split("train odd.csv --drop when --drop size --drop empty --drop name --impute mean")
    done(*command, "--epochs", "1")


def test_a_target_that_is_missing_has_no_remedy_but_its_rows(tmp_path):
    (tmp_path / "t.csv").write_text("d,y\n2020-01-01,1\n2020-01-02,\n2020-01-03,2\n")
    result = run("data", str(tmp_path / "t.csv"))
    assert result.exit_code == 2 and "would train" not in result.stdout
    assert "the target is missing" in result.stderr
