"""The same columns again: at prediction, in another order, with gaps, with what training never saw."""

import json
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pellucid.data import Column, Preparation, Target, load_data
from pellucid.errors import DataError, ShapeError

TRAIN = pl.DataFrame(
    {
        "size": [1.0, 2.0, 3.0, 6.0],
        "new": [True, False, True, True],
        "town": ["Rome", "Oslo", "Rome", "Bern"],
        "price": [100.0, 200.5, 300.0, 600.0],
    }
)


@pytest.fixture
def fitted():
    return load_data(TRAIN, target="price").preparation


def test_training_rows_come_out_the_same(fitted):
    data = load_data(TRAIN, target="price")
    again = fitted.apply(TRAIN)
    assert (again.x == data.x).all()
    assert (again.y == data.y).all()
    assert (load_data(TRAIN, preparation=fitted).x == data.x).all()


def test_the_target_may_be_absent_unless_it_is_needed(fitted):
    new = TRAIN.drop("price")
    assert fitted.apply(new).y is None
    with pytest.raises(DataError, match=r"the table: expected targets, got none\. Add the target column or array"):
        fitted.apply(new, need_target=True)


def test_decode_gives_the_targets_own_units(fitted):
    data = fitted.apply(TRAIN)
    np.testing.assert_allclose(fitted.decode(data.y)[:, 0], TRAIN["price"].to_numpy(), rtol=1e-14)
    with pytest.raises(ShapeError, match=r"outputs: expected 1 columns, got shape \(4, 2\)"):
        fitted.decode(np.zeros((4, 2)))


def test_extra_and_reordered_columns_are_said(fitted):
    data = fitted.apply(TRAIN.select("town", "price", pl.lit(3).alias("extra"), "size", "new"))
    assert (data.x == fitted.apply(TRAIN).x).all()
    assert "ignored 1 column that training didn't know: 'extra'" in data.notes
    assert "columns stand in another order than in training; they were matched by name" in data.notes


def test_nothing_is_said_when_nothing_differs(fitted):
    assert fitted.apply(TRAIN.drop("price")).notes == ()


def test_a_missing_column_is_refused(fitted):
    with pytest.raises(DataError) as error:
        fitted.apply(TRAIN.drop("town").rename({"size": "sizes"}))
    assert "expected the 3 columns of training, among them 'size' among its columns" in str(error.value)
    assert "Did you mean 'sizes'?" in str(error.value)


def test_an_unseen_category_is_zeros_and_said_or_an_error(fitted):
    new = TRAIN.with_columns(town=pl.Series(["Rome", "Paris", "Paris", "Bern"]))
    data = fitted.apply(new)
    towns = data.x[:, [name.startswith("town=") for name in data.feature_names]]
    assert towns.tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert any("row 2, column 'town': 'Paris' did not occur in training" in note for note in data.notes)
    assert any("(2 such rows)" in note for note in data.notes)
    with pytest.raises(DataError, match=r"row 2, column 'town': expected a category of training \('Bern'"):
        fitted.apply(new, unseen="error")
    with pytest.raises(DataError, match="unseen: expected one of error, zeros, got 'skip'"):
        fitted.apply(new, unseen="skip")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("size", ["1", "two", "3", "4"], "row 2, column 'size': expected a number, got 'two'"),
        ("size", [1.0, 2.0, None, 4.0], "row 3, column 'size': the value is missing"),
        ("size", [1.0, np.inf, 3.0, 4.0], "row 2, column 'size': expected a finite number, got inf"),
        ("new", ["true", "maybe", "false", "true"], "row 2, column 'new': expected true or false, got 'maybe'"),
        ("new", [1, 0, 2, 1], "row 3, column 'new': expected true or false, got '2'"),
        ("town", ["Rome", None, "Rome", "Oslo"], "row 2, column 'town': the value is missing"),
        ("price", [1.0, None, 2.0, 3.0], "row 2, column 'price': the target is missing"),
        ("price", ["a", "b", "a", "b"], "expected numbers as target 'price' for a regression"),
    ],
)
def test_values_that_do_not_fit_their_column(fitted, column, values, message):
    with pytest.raises(DataError) as error:
        fitted.apply(TRAIN.with_columns(pl.Series(column, values)))
    assert message in str(error.value)


def test_kinds_may_be_spelled_otherwise(fitted):
    new = TRAIN.with_columns(
        size=pl.Series(["1", "２", " 3 ", "6.0"]), new=pl.Series([1, 0, 1, 1]), town=TRAIN["town"].cast(pl.Categorical)
    )
    assert (fitted.apply(new).x == fitted.apply(TRAIN).x).all()


def test_one_row_alone_is_prepared_like_among_others(fitted):
    assert (fitted.apply(TRAIN[2:3]).x == fitted.apply(TRAIN).x[2:3]).all()


@pytest.mark.parametrize(("impute", "fill"), [("mean", 3.0), ("median", 2.5), ("mode", 2.0)])
def test_gaps_are_filled_as_in_training(impute, fill):
    frame = pl.DataFrame(
        {"v": [2.0, None, 2.0, 3.0, 5.0], "c": ["a", "b", None, "b", "b"], "y": [0.1, 0.2, 0.3, 0.4, 0.6]}
    )
    data = load_data(frame, impute=impute)
    v, c = data.preparation.columns
    assert (v.fill, c.fill) == (fill, "b")
    assert data.x[1, 0] == (fill - v.shift) / v.scale
    assert "column 'v': filled 1 gap with " + f"{fill:g}" in data.notes
    new = data.preparation.apply(
        pl.DataFrame({"v": [None, 7.0], "c": [None, "a"]}, schema={"v": pl.Float64, "c": pl.String})
    )
    assert new.x[0, 0] == data.x[1, 0]
    assert new.x[0, 1:].tolist() == [0, 1]


def test_constant_columns_become_zero_and_are_said():
    frame = pl.DataFrame({"k": [7.0, 7, 7], "x": [1.0, 2, 4], "y": [0.1, 0.2, 0.4]})
    data = load_data(frame)
    assert data.x[:, 0].tolist() == [0, 0, 0]
    assert "1 column with one value only, which can't help: 'k'" in data.notes
    new = data.preparation.apply(frame.with_columns(k=pl.lit(9.0)))
    assert np.isfinite(new.x).all()
    assert "columns that had one value in training have others now: 'k'" in new.notes


def test_a_constant_that_its_mean_misses_is_still_constant():
    frame = pl.DataFrame({"k": [0.1] * 11, "x": range(10, 21), "y": np.arange(11) / 7})
    assert np.abs(load_data(frame).x[:, 0]).max() < 1e-12


def test_arrays_are_matched_by_position(fitted):
    numbers = load_data((np.array([[1.0, 5.0], [2.0, 9.0], [4.0, 7.0]]), [1.5, 2.5, 3.0])).preparation
    x = np.array([[3.0, 1.0]])
    assert numbers.apply(x).x.shape == (1, 2)
    frame = pl.DataFrame({"p": [3.0], "q": [1.0]})
    data = numbers.apply(frame)
    assert (data.x == numbers.apply(x).x).all()
    assert "the 2 columns are taken in their order, as training knew no names" in data.notes
    with pytest.raises(ShapeError, match=r"x: expected 2 columns as in training, got shape \(1, 3\)"):
        numbers.apply(np.zeros((1, 3)))
    with pytest.raises(DataError, match="expected a table with the columns of training, such as 'town'"):
        fitted.apply(np.zeros((1, 3)))
    only_numbers = load_data(TRAIN.select("size", "price")).preparation
    assert any("no column names" in note for note in only_numbers.apply(np.array([[2.0]])).notes)


def test_images_that_are_scaled_already_are_noticed():
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4)).astype(np.uint8)
    preparation = load_data((images, [0, 1, 0, 1, 0, 1])).preparation
    assert preparation.shape == (4, 4)
    assert not preparation.apply(images).notes
    assert any("scaled already" in note for note in preparation.apply(images / 255).notes)


def test_labels_again(fitted):
    preparation = load_data(TRAIN, target="town").preparation
    assert preparation.classes == ("Bern", "Oslo", "Rome")
    again = preparation.apply(TRAIN)
    assert preparation.decode(again.y).tolist() == TRAIN["town"].to_list()
    with pytest.raises(DataError, match=r"row 1: expected a known label \('Bern', 'Oslo', 'Rome'\), got 'Lima'"):
        preparation.apply(TRAIN.with_columns(town=pl.lit("Lima")))
    one = preparation.apply(TRAIN[:1])
    assert one.y is not None
    assert one.y.tolist() == [2]


def test_decode_of_classes():
    target = Target(("t",), ("no", "yes"))
    assert target.decode(np.array([[0.2, 0.8], [0.9, 0.1]])).tolist() == ["yes", "no"]
    assert target.decode(np.array([[0.7], [0.2]])).tolist() == ["yes", "no"]
    assert target.decode(np.array([1, 0, 1])).tolist() == ["yes", "no", "yes"]
    for wrong in (np.zeros((2, 3)), np.array([2]), np.array([0.5])):
        with pytest.raises(ShapeError, match="expected one column for each of 2 classes"):
            target.decode(wrong)


def test_json_and_back(fitted):
    text = json.dumps(fitted.to_dict(), allow_nan=False)
    again = Preparation.from_dict(json.loads(text))
    assert again == fitted
    assert again.notes == fitted.notes
    assert (again.apply(TRAIN).x == fitted.apply(TRAIN).x).all()
    for name in ("digits", "iris", "diabetes"):
        preparation = load_data(name).preparation
        assert Preparation.from_dict(json.loads(json.dumps(preparation.to_dict()))) == preparation


GOOD = Preparation(
    (Column("a", shift=1.5, scale=2.0, fill=0.5), Column("c", "category", values=("u", "v"), fill="u")),
    Target(("t",), ("no", "yes")),
).to_dict()


def changed(path, value):
    stored = json.loads(json.dumps(GOOD))
    *parents, last = path
    inner = stored
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return stored


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (None, "preparation: expected an object, got None"),
        ([], "preparation: expected an object"),
        ({}, "preparation: expected the key 'columns'"),
        (changed(["format"], 2), "expected format 1, got 2. A newer Pellucid may have written it; update."),
        (changed(["more"], 1), "got the key 'more'"),
        (changed(["columns"], "a"), "expected a list, got 'a'"),
        (changed(["columns"], []), "expected columns of different names, got []"),
        (changed(["columns", 1, "name"], "a"), "expected columns of different names, got ['a', 'a']"),
        (changed(["columns", 0, "name"], 3), "preparation, column 1, name: expected text, got 3"),
        (changed(["columns", 0, "kind"], "word"), "column 1, kind: expected one of boolean, category, number, got 'word'"),
        (changed(["columns", 0, "scale"], 0), "column 1, scale: expected a number above 0, got 0.0"),
        (changed(["columns", 0, "scale"], float("inf")), "column 1, scale: expected a finite number, got inf"),
        (changed(["columns", 0, "shift"], "1"), "column 1, shift: expected a finite number, got '1'"),
        (changed(["columns", 0, "shift"], True), "column 1, shift: expected a finite number, got True"),
        (changed(["columns", 0, "fill"], float("nan")), "column 1, fill: expected a finite number, got nan"),
        (changed(["columns", 0, "values"], ["u"]), "column 1, values: expected different texts for a category"),
        (changed(["columns", 0, "constant"], 1), "column 1, constant: expected true or false, got 1"),
        (changed(["columns", 1, "values"], []), "column 2, values: expected different texts for a category"),
        (changed(["columns", 1, "values"], ["u", "u"]), "column 2, values: expected different texts"),
        (changed(["columns", 1, "values"], [1, 2]), "column 2, values: expected a list of texts"),
        (changed(["columns", 1, "fill"], "w"), "column 2, fill: expected one of its values, got 'w'"),
        (changed(["named"], 0), "preparation, named: expected true or false, got 0"),
        (changed(["shape"], [2, 2]), "shape: expected whole numbers whose product is the number of inputs"),
        (changed(["shape"], "3"), "shape: expected whole numbers"),
        (changed(["target"], 5), "preparation, target: expected an object, got 5"),
        (changed(["target", "classes"], ["a"]), "target, classes: expected at least two different labels"),
        (changed(["target", "classes"], ["a", "a"]), "target, classes: expected labels that differ, got ('a', 'a')"),
        (changed(["target", "classes"], [["a"], "b"]), "target, classes: expected labels that are all texts, all booleans, all whole"),
        (changed(["target", "classes"], None), "target: expected a shift and a scale for each target, got 0 and 0"),
        (changed(["target"], {"names": ["y"], "shift": [0], "scale": [-1]}), "scale: expected numbers above 0"),
        (changed(["notes"], [1]), "notes: expected a list of texts"),
    ],
)  # fmt: skip
def test_a_damaged_description_is_refused(stored, message):
    with pytest.raises(DataError) as error:
        Preparation.from_dict(stored)
    assert message in str(error.value)


numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@settings(max_examples=25, deadline=None)
@example([(0.0, 0.0, "a"), (0.0, 0.0, "a"), (0.0, 1e-273, "a")])  # a deviation too small for a number
@given(st.lists(st.tuples(numbers, numbers, st.sampled_from("abc")), min_size=3, max_size=30))
def test_any_table_is_prepared_reversibly(rows):
    columns = list(zip(*rows, strict=True))
    frame = pl.DataFrame({"u": columns[0], "c": columns[2], "v": columns[1]})
    y = frame["v"].to_numpy()
    if (y == y[0]).all():
        with pytest.raises(DataError, match="to vary"):
            load_data(frame, task="regression")
        return
    data = load_data(frame, task="regression")
    assert np.isfinite(data.x).all()
    size = np.abs(y).max()
    np.testing.assert_allclose(data.preparation.decode(data.y)[:, 0], y, rtol=1e-12, atol=1e-12 * size)
    hot = data.x[:, 1:]
    assert (hot.sum(axis=1) == 1).all()
    values = data.preparation.columns[1].values
    assert [values[i] for i in hot.argmax(axis=1)] == list(columns[2])


def test_a_scale_too_small_for_the_targets_overflows_without_a_warning():
    target = Target(("y",), None, (0.0,), (5e-324,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert target.encode(np.array([[1.0]])) == np.inf
        assert Target(("y",), None, (0.0,), (1e300,)).decode(np.array([[1e10]])) == np.inf
