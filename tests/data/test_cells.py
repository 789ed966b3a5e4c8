"""A cell means the same whatever the other rows hold, and in a file, a polars frame and a pandas frame."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pellucid.data import load_data
from pellucid.data.columns import codes_of, spelled
from pellucid.errors import DataError
from tests.cli.running import done, run

COLUMNS = {
    "truth values and a word": (["TRUE", "FALSE", "unknown"], ["unknown", "TRUE", "FALSE"], {}),
    "truth values": (["true", "FALSE"], ["FALSE", "true", "1"], {}),
    "codes": (["01", "02", "A3"], ["A3", "01", "02"], {}),
    "numbers as categories": (["1", "2", "3"], ["2.0", "1e0", "2.5", "3"], {"categories": "c"}),
    "floats as categories": (["1.0", "2.5"], ["2.5", "1", "2"], {"categories": "c"}),
    "numbers": (["1", "2.5", "1e3"], ["7", "1e3", "+1"], {}),
    "a word and gaps": (["x", "y", "n/a", "x", ""], ["n/a", "x", "", "NA", "y"], {"impute": "mode"}),
    "numbers and gaps": (["1", "", "2"], ["?", "1", "null"], {"impute": "mean"}),
}


@pytest.mark.parametrize(("seen", "new", "options"), COLUMNS.values(), ids=COLUMNS)
def test_a_cell_means_the_same_alone_and_among_others(tmp_path, seen, new, options):
    def file(name, values, y=""):
        rows = "".join(f"{i},{v}{f',{i % 2}' if y else ''}\n" for i, v in enumerate(values))
        (tmp_path / name).write_text(f"n,c{y}\n{rows}")
        return tmp_path / name

    preparation = load_data(file("t.csv", seen * 6, ",y"), target="y", **options).preparation
    path = file("n.csv", new)
    together = preparation.apply(path).x
    for frame in (pl.read_csv(path), pl.read_csv(path, infer_schema=False), pd.read_csv(path)):
        assert (preparation.apply(frame).x == together).all()
    for i, value in enumerate(new):
        (tmp_path / "one.csv").write_text(f"n,c\n{i},{value}\n")
        assert (preparation.apply(tmp_path / "one.csv").x == together[i]).all()


LABELS = {
    "codes": (["007", "010", "100"], ("007", "010", "100")),
    "numbers": (["1", "2", "10"], (1, 2, 10)),
    "mixed codes": (["01", "02", "1B"], ("01", "02", "1B")),
    "truth values": (["TRUE", "FALSE"], (False, True)),
    "large numbers": ([str(2**60 + 1), str(2**60)], (2**60, 2**60 + 1)),
}


@pytest.mark.parametrize(("labels", "classes"), LABELS.values(), ids=LABELS)
def test_labels_come_back_as_they_stood(tmp_path, labels, classes):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{i / 2},{labels[i % len(labels)]}\n" for i in range(12)))
    data = load_data(path)
    assert data.classes == classes
    path.write_text(f"a,y\n1,{labels[-1]}\n")
    alone = data.preparation.apply(path)
    assert str(classes[alone.y[0]]).lower() == labels[-1].lower()


def test_codes_are_categories_and_no_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("zip,y\n" + "".join(f"{'01234' if i % 2 else '1234'},{i / 3}\n" for i in range(12)))
    assert load_data(path).feature_names == ("zip=01234", "zip=1234")
    path.write_text("part,y\n" + "".join(f"{i / 20:.2f},{i / 3}\n" for i in range(12)))  # 0.05 is a number
    assert load_data(path).feature_names == ("part",)


def test_a_target_of_words_among_numbers_can_be_taken_as_classes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{i / 2},{['1', '2', '1B'][i % 3]}\n" for i in range(12)))
    with pytest.raises(DataError, match=r"got '1B'. Correct it, or take the column as categories: categories='y'"):
        load_data(path)
    assert load_data(path, categories="y").classes == load_data(path, task="classification").classes == ("1", "1B", "2")


def test_what_is_meant():
    assert spelled("-2.50") == spelled(-2.5) == spelled(np.float64(-2.5))
    assert spelled("x") != spelled("X")
    assert spelled("1") != spelled(True)
    assert codes_of([True, "1e3", 1000.0, "1000", " a"], ["true", "1e3", "1000", "a"]) == [0, 1, 1, 2, 3]


def test_a_model_that_was_trained_without_a_header_expects_none(tmp_path):
    path = tmp_path / "t.csv"
    rows = ["sunny,hot,no", "rain,hot,yes", "sunny,mild,no", "rain,mild,yes"]
    path.write_text("\n".join(rows * 4) + "\n")
    preparation = load_data(path).preparation
    assert preparation.feature_names == ("column 1=rain", "column 1=sunny", "column 2=hot", "column 2=mild")
    path.write_text("rain,mild\n")
    assert preparation.apply(path).x.tolist() == [[1, 0, 0, 1]]


@pytest.mark.parametrize("written", ["${},200", "{}.5 %", "{} €", "1'{}", "-{},5 EUR"])
def test_numbers_that_are_not_written_plainly_are_said_to_be_numbers(tmp_path, written):
    path = tmp_path / "t.csv"
    path.write_text("a;y\n" + "".join(f'"{written.format(i + 100)}";{i / 3}\n' for i in range(30)))
    with pytest.raises(DataError, match=r"column 'a': expected plain numbers, such as 1234\.5, got numbers with"):
        load_data(path)


def test_a_header_of_numbers_by_the_named_target_and_by_the_option(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("3.5,1.25,0.5\n" + "".join(f"{i},{i * i % 7},{i / 2}\n" for i in range(12)))
    assert load_data(path).feature_names == ("column 1", "column 2")
    assert load_data(path, target="1.25").feature_names == ("3.5", "0.5")
    assert load_data(path, header=True).feature_names == ("3.5", "1.25")
    assert load_data(path, header=True).n == load_data(path, header=False).n - 1 == 12
    assert done("data", path, "--header", "yes").stdout.startswith(f"{path}: 12 rows")
    assert run("data", path, "--header", "maybe").stderr == "--header: expected yes or no, got 'maybe'.\n"
