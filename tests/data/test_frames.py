"""Data frames: the target, the kinds of columns, what is refused, and the columns of an earlier training."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pellucid.data import load_data, read_table
from pellucid.data.frames import as_polars, table_of_frame
from pellucid.errors import DataError

PEOPLE = pl.DataFrame(
    {
        "age": [30, 41, 52, 63, 35, 47],
        "tall": [True, False, True, True, False, False],
        "colour": ["red", "blue", " red ", "green", "blue", "red"],
        "pays": [1.5, 2.5, 3.5, 9.25, 2.0, 4.0],
    }
)


def test_kinds_and_target():
    table = table_of_frame(PEOPLE)
    assert table.names == ("age", "tall", "colour")
    assert table.kinds == ("number", "boolean", "category")
    assert table.task == "regression"
    assert table.y is not None
    assert table.y[:, 0].tolist() == PEOPLE["pays"].to_list()
    assert "target: 'pays', the last column (name another with target, --target)" in table.notes


def test_one_hot_standardised_and_zero_one():
    data = load_data(PEOPLE, target="pays")
    assert data.feature_names == ("age", "tall", "colour=blue", "colour=green", "colour=red")
    age = PEOPLE["age"].to_numpy()
    np.testing.assert_allclose(data.x[:, 0], (age - age.mean()) / age.std(), rtol=1e-14)
    assert data.x[:, 1].tolist() == [1, 0, 1, 1, 0, 0]
    assert data.x[:, 2:].tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert data.x.flags.c_contiguous


def test_text_target_gives_classes_in_order():
    data = load_data(PEOPLE, target="colour")
    assert data.classes == ("blue", "green", "red")
    assert data.y is not None
    assert [data.classes[i] for i in data.y] == ["red", "blue", "red", "green", "blue", "red"]
    assert data.n_outputs == 3


def test_several_targets():
    data = load_data(PEOPLE, target=["pays", "age"])
    assert data.target_names == ("pays", "age")
    assert data.y is not None
    assert data.y.shape == (6, 2)
    back = data.preparation.decode(data.y)
    np.testing.assert_allclose(back, PEOPLE.select("pays", "age").to_numpy(), rtol=1e-14)


def test_features_and_drop():
    assert load_data(PEOPLE, features=["age"]).feature_names == ("age",)
    assert load_data(PEOPLE, drop=["colour", "tall"]).feature_names == ("age",)
    assert load_data(PEOPLE, drop="colour").feature_names == ("age", "tall")


def test_numbers_as_categories():
    frame = pl.DataFrame({"zip": [1, 2, 1, 2], "y": [0.5, 1.5, 2.5, 3.5]})
    assert load_data(frame, categories=["zip"]).feature_names == ("zip=1", "zip=2")
    floats = frame.with_columns(pl.col("zip").cast(pl.Float64))
    assert load_data(floats, categories="zip").feature_names == ("zip=1", "zip=2")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1, 0, 1, 1, 0], "classification"),
        ([1.0, 2.0, 3.0, 1.0, 2.0, 3.0], "classification"),
        ([True, False, True, False, True, True], "classification"),
        (["a", "b", "a", "b", "c", "c"], "classification"),
        ([0.5, 1.5, 0.5, 1.5, 1.5, 0.5], "regression"),
        ([10, 25, 31, 47, 52, 66], "regression"),
    ],
)
def test_the_task_is_guessed_and_can_be_said(values, task):
    frame = pl.DataFrame({"x": range(5, 11), "y": values})
    assert load_data(frame).task == task
    if not isinstance(values[0], str):
        other = {"classification": "regression", "regression": "classification"}[task]
        assert load_data(frame, task=other).task == other


def test_many_columns_of_bytes_are_an_image():
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (20, 100))
    pixels[0, 0] = 0
    frame = pl.DataFrame({"label": np.arange(20) % 2} | {f"pixel{i}": pixels[:, i] for i in range(100)})
    data = load_data(frame, target="label")
    assert data.x.dtype == np.float32
    np.testing.assert_allclose(data.x, pixels / 255, rtol=1e-7)


def test_full_width_digits_and_padded_numbers_are_numbers():
    frame = pl.DataFrame({"ｘ": ["１２．５", " 7 ", "+3", "1e2"], "y": [0.1, 0.2, 0.3, 0.4]})
    table = table_of_frame(frame)
    assert table.kinds == ("number",)
    assert table.numbers[:, 0].tolist() == [12.5, 7, 3, 100]


def test_decimals_categoricals_and_enums():
    frame = pl.DataFrame(
        {
            "d": pl.Series(["1.50", "2.25"]).cast(pl.Decimal(10, 2)),
            "c": pl.Series(["u", "v"], dtype=pl.Categorical),
            "e": pl.Series(["s", "s"], dtype=pl.Enum(["s", "t"])),
            "y": [0.5, 1.5],
        }
    )
    data = load_data(frame)
    assert data.feature_names == ("d", "c=u", "c=v", "e=s")
    assert data.preparation.columns[0].shift == 1.875


def test_text_true_and_false():
    frame = pl.DataFrame({"b": ["True", "false", "TRUE", None], "y": [1.5, 2.5, 3.5, 4.5]})
    assert load_data(frame, impute="mode").x[:, 0].tolist() == [1, 0, 1, 1]


def test_a_column_that_counts_the_rows_is_said():
    frame = pl.DataFrame({"id": range(1, 9), "x": [3, 1, 4, 1, 5, 9, 2, 6], "y": [0.5 * i for i in range(8)]})
    assert any("'id' only counts the rows" in note for note in load_data(frame).notes)


@pytest.mark.parametrize("index", [[0, 1, 2, 3], [7, 7, 7, 7]])
def test_pandas_of_every_kind(index):
    frame = pd.DataFrame(
        {
            "i": np.array([1, 2, 3, 4], np.int16),
            "f": [0.5, 1.5, 2.5, 3.0],
            "s": ["a", "b", "a", "b"],
            "b": [True, False, True, True],
            "c": pd.Categorical(["u", "v", "u", "u"]),
            "N": pd.array([1, 2, 3, 9], dtype="Int64"),
            3: [5, 6, 7, 9],
            "y": ["no", "yes", "no", "yes"],
        },
        index=index,
    )
    polars = as_polars(frame)
    assert polars.columns == ["i", "f", "s", "b", "c", "N", "3", "y"]
    data = load_data(frame)
    assert data.feature_names == ("i", "f", "s=a", "s=b", "b", "c=u", "c=v", "N", "3")
    assert data.classes == ("no", "yes")


def test_pandas_gaps_are_missing_values():
    frame = pd.DataFrame({"f": [1.0, np.nan, 3.0], "s": ["a", None, "a"], "N": pd.array([1, None, 5], dtype="Int64")})
    assert as_polars(frame).null_count().row(0) == (1, 1, 1)
    frame["y"] = [0.5, 1.5, 2.5]
    data = load_data(frame, impute="mean")
    assert data.preparation.columns[0].fill == 2
    assert data.preparation.columns[1].fill == "a"
    assert data.preparation.columns[2].fill == 3


def test_a_frame_and_targets_apart():
    data = load_data((PEOPLE, np.array(["u", "v", "u", "v", "u", "v"])))
    assert data.classes == ("u", "v")
    assert data.target_names == ("y",)
    pandas = pd.DataFrame({"x": [1.5, 2.5, 4.5]})
    assert load_data((pandas, pd.Series([1.5, 2.5, 7.5], name="height"))).target_names == ("height",)


def test_lazy_frames():
    assert load_data(PEOPLE.lazy()).n == 6


def frame_with(**columns):
    return PEOPLE.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (PEOPLE.clear(), {}, "the table: expected rows of data, got a header of 4 columns only."),
        (pl.DataFrame(), {}, "the table: expected rows of data, got none."),
        (PEOPLE.select("pays"), {}, "the table: expected at least one input column beside the target"),
        (PEOPLE, {"target": "pay"}, "the table: expected the target 'pay' among its columns, got 'age', 'tall', "),
        (PEOPLE, {"target": "PAYS"}, "Did you mean 'pays'?"),
        (PEOPLE, {"features": ["agee"]}, "expected the input 'agee' among its columns"),
        (PEOPLE, {"features": ["pays"]}, "the table, column 'pays': expected inputs other than the target"),
        (PEOPLE, {"drop": ["agee"]}, "expected the column to drop 'agee' among its columns"),
        (PEOPLE, {"categories": ["z"]}, "expected the category column 'z' among its columns"),
        (
            frame_with(age=[datetime.date(2020, 1, day) for day in range(1, 7)]),
            {},
            "the table, column 'age': expected numbers or categories, got dates or times (Date). "
            "Leave it out: drop='age', --drop 'age'.",
        ),
        (
            frame_with(age=["2020-01-01", "1/2/2020", "3.4.2020", "2020/1/1", "2020-01-01 10:30", "2020-01-01"]),
            {},
            "the table, column 'age': expected numbers or categories, got dates or times ('2020-01-01').",
        ),
        (frame_with(age=[[1], [2], [3], [4], [5], [6]]), {}, "got values of type List(Int64)"),
        (frame_with(age=[None] * 6), {}, "the table, column 'age': expected values, got none in any row."),
        (
            frame_with(age=[1, 2, None, 4, None, 6]),
            {},
            "the table, row 3, column 'age': the value is missing. Fill it in, leave the row out, or have all gaps "
            "filled: impute='mean', --impute mean (or median, mode).",
        ),
        (frame_with(colour=["a", "b", "a", None, "b", "a"]), {}, "the table, row 4, column 'colour': the value is missing"),
        (frame_with(age=[1.0, np.nan, 3, 4, 5, 6]), {}, "the table, row 2, column 'age': the value is missing"),
        (
            frame_with(age=[1.0, 2, 3, 4, -np.inf, 6]),
            {"impute": "mean"},
            "the table, row 5, column 'age': expected a finite number, got -inf. Correct it or leave the row out.",
        ),
        (
            frame_with(age=["1", "2", "thirty", "4", "5", "6"]),
            {},
            "the table, row 3, column 'age': expected a number, as most of the column holds, got 'thirty'. "
            "Correct it, or take the column as categories: categories='age', --categories 'age'.",
        ),
        (frame_with(pays=[1.5, None, 2.5, 3.5, 4.5, 5.5]), {}, "the table, row 2, column 'pays': the target is missing"),
        (frame_with(pays=[1.5, np.inf, 2.5, 3.5, 4.5, 5.5]), {}, "row 2, column 'pays': expected a finite number as target, got inf"),
        (frame_with(pays=[3.5] * 6), {}, "expected target 'pays' to vary, got 3.5 in all 6 rows"),
        (frame_with(pays=["a"] * 6), {}, "expected at least two classes in 'pays', got only 'a' in all 6 rows"),
        (PEOPLE, {"target": "colour", "task": "regression"}, "expected numbers as target 'colour' for a regression, got 'red'"),
        (PEOPLE, {"target": ["pays", "colour"]}, "expected numbers where there are several targets, got 'red'"),
        (PEOPLE, {"task": "cluster"}, "task: expected one of classification, regression, got 'cluster'."),
        (PEOPLE, {"impute": "zero"}, "impute: expected one of mean, median, mode, got 'zero'."),
        (PEOPLE, {"scale": "minmax"}, "scale: expected one of auto, none, standard, or a number above 0"),
        (PEOPLE, {"scale": 0}, "scale: expected one of auto, none, standard, or a number above 0 to divide by, got 0."),
        (PEOPLE, {"target": 3.5}, "target: expected the names of columns, got 3.5."),
        (frame_with(age=[1e200, 2, 3, 4, 5, 6]), {}, "column 'age': expected numbers that can be squared"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said(frame, options, message):
    with pytest.raises(DataError) as error:
        load_data(frame, **options)
    assert message in str(error.value)


def test_free_text_and_identifiers():
    frame = pl.DataFrame({"name": [f"person {i}" for i in range(50)], "y": np.arange(50) / 7})
    with pytest.raises(DataError, match=r"column 'name': expected categories.*got 50 different texts in 50 rows"):
        load_data(frame)
    assert load_data(frame.with_columns(x=pl.col("y") * 2), drop="name", target="y").n_inputs == 1
    with pytest.raises(DataError, match=r"expected classes in 'name', each in several rows, got 50 different values"):
        load_data(frame, target="name")


def test_pandas_that_cannot_be_used():
    mixed = pd.DataFrame({"m": pd.Series([1, 2, "x"], dtype=object), "y": [1, 2, 3]})
    with pytest.raises(DataError, match=r"the table, row 3, column 'm': expected int as in the rows above, got 'x'"):
        load_data(mixed)
    twice = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "y"])
    with pytest.raises(DataError, match=r"column 2: expected each column name once, got 'a' in columns 1 and 2"):
        load_data(twice)
    with pytest.raises(DataError, match="expected 2 targets, one for each row of the table, got shape"):
        load_data((pd.DataFrame({"a": [1.0, 2.0]}), [1, 2, 3]))
    with pytest.raises(DataError, match="expected a name that no input column has, got 'a'"):
        load_data((pd.DataFrame({"a": [1.0, 2.0]}), pd.Series([1, 2], name="a")))


def test_another_column_called_target_is_mentioned():
    frame = pl.DataFrame({"label": ["a", "b", "a"], "size": [1.5, 2.5, 3.5]})
    assert any("did you mean 'label'" in note for note in load_data(frame).notes)


def test_rows_keep_their_numbers_when_cut():
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [0.1, 0.2, 0.3, 0.5]})
    table = read_table(frame).take(np.array([3, 1]))
    assert table.place(0, "x") == "the table, row 4, column 'x'"
    assert table.take(np.array([0])).place(0) == "the table, row 4"
