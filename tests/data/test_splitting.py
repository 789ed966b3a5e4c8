"""Training, validation and test: sizes, classes in proportion, and no look at what is held out."""

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pellucid.data import load_data, split
from pellucid.data.splitting import cut, size_of
from pellucid.errors import DataError

GENERATOR = np.random.default_rng(3)
FRAME = pl.DataFrame(
    {
        "v": GENERATOR.standard_normal(200) * 5 + 3,
        "c": GENERATOR.choice(["a", "b", "c"], 200).tolist(),
        "kind": GENERATOR.choice(["x", "y", "z"], 200, p=[0.7, 0.2, 0.1]).tolist(),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=4, max_size=80),
    st.floats(0, 0.4),
    st.floats(0, 0.4),
    st.integers(0, 5),
    st.booleans(),
)
def test_every_row_goes_to_one_part(labels, validation, test, seed, stratify):
    labels = np.array(labels)
    n = len(labels)
    assume(size_of(validation, n, "") + size_of(test, n, "") < n)
    parts = cut(n, labels, validation, test, seed, stratify, "data")
    rows = np.concatenate([part for part in parts if part is not None])
    assert sorted(rows.tolist()) == list(range(n))
    assert set(labels[parts[0]]) == set(labels), "training misses a class"
    assert all(part is None or (np.diff(part) > 0).all() for part in parts)


@pytest.mark.parametrize(
    ("validation", "test", "sizes"), [(0.1, 0.2, [140, 20, 40]), (0, 0, [200]), (30, 0.5, [70, 30, 100])]
)
def test_sizes(validation, test, sizes):
    parts = split(FRAME, validation=validation, test=test)
    assert [part.n for part in parts if part] == sizes
    assert (parts.validation is None) == (validation == 0)
    assert (parts.test is None) == (test == 0)


def test_classes_keep_their_proportions():
    parts = split(FRAME, validation=0.1, test=0.2, seed=4)
    counts = np.array([np.bincount(part.y, minlength=3) for part in parts])
    shares = counts / counts.sum(axis=1, keepdims=True)
    whole = counts.sum(axis=0) / 200
    assert np.abs(counts - whole * counts.sum(axis=1, keepdims=True)).max() <= 1, shares


def test_the_seed_decides():
    one, same, other = (split(FRAME, seed=seed) for seed in (1, 1, 2))
    assert (one.train.x == same.train.x).all()
    assert (one.test.y == same.test.y).all()
    assert not np.array_equal(one.train.x, other.train.x)


def test_rows_are_drawn_not_cut_off():
    table = (np.arange(1000.0)[:, None], np.arange(1000) / 3)
    test = split(table, scale="none").test
    assert abs(test.x.mean() - 499.5) < 50
    assert np.diff(np.sort(test.x[:, 0])).max() > 10  # not every fifth row either


def test_the_preparation_sees_the_training_rows_alone():
    frame = FRAME.with_columns(pl.Series("c", ["rare" if i == 17 else "a" for i in range(200)]))
    for seed in range(30):  # until the only row with "rare" is held out
        parts = split(frame, seed=seed, test=0.3)
        values = parts.preparation.columns[1].values
        if "rare" not in values:
            break
    assert values == ("a",)
    assert any("'rare' did not occur in training" in note for note in parts.notes)
    train = parts.train.x[:, 0]
    np.testing.assert_allclose((train.mean(), train.std()), (0, 1), atol=1e-12)
    whole = load_data(frame).preparation.columns[0]
    assert parts.preparation.columns[0].shift != whole.shift
    v = frame["v"].to_numpy()
    back = parts.test.x[:, 0] * parts.preparation.columns[0].scale + parts.preparation.columns[0].shift
    assert np.isin(back.round(9), v.round(9)).all()


def test_gaps_are_filled_from_the_training_rows():
    v = FRAME["v"].to_numpy().copy()
    v[::10] = np.nan
    parts = split(FRAME.with_columns(v=pl.Series(v)), impute="mean")
    fill = parts.preparation.columns[0].fill
    assert fill != np.nanmean(v)
    assert parts.preparation.columns[0].shift == pytest.approx(fill)


def test_options_reach_the_reader():
    parts = split(FRAME, target="v", drop="kind", scale="none")
    assert parts.train.task == "regression"
    assert parts.train.feature_names == ("c=a", "c=b", "c=c")


def test_a_dataset_is_only_cut():
    data = load_data("iris")
    parts = split(data, validation=0, test=0.2)
    assert parts.preparation is data.preparation
    assert np.bincount(parts.test.y).tolist() == [10, 10, 10]


def test_errors_name_the_source_row():
    frame = FRAME.with_columns(v=pl.Series([np.inf if i == 150 else 1.0 * i for i in range(200)]))
    with pytest.raises(DataError, match="row 151, column 'v'"):
        split(frame)
    categories = FRAME.with_columns(c=pl.Series(["odd" if i == 150 else "a" for i in range(200)]))
    for seed in range(30):
        notes = [note for note in split(categories, seed=seed).notes if "'odd' did not occur" in note]
        if notes:
            break
    assert "the table, row 151, column 'c': 'odd' did not occur in training" in notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 1.0}, "test: expected a fraction below 1 or a whole number of rows, got 1.0."),
        ({"test": -0.1}, "test: expected a fraction below 1 or a number of rows, got -0.1."),
        ({"validation": "some"}, "validation: expected a fraction below 1 or a number of rows, got 'some'."),
        ({"validation": True}, "validation: expected a fraction below 1 or a number of rows, got True."),
        ({"validation": np.nan}, "validation: expected a fraction below 1 or a number of rows, got nan."),
        ({"validation": 100, "test": 100}, "the table: expected more rows than validation (100) and test (100) take, got 200 rows. Make them smaller, or 0."),
        ({"validation": 0.5, "test": 0.5}, "the table: expected more rows than validation (100) and test (100) take, got 200 rows."),
        ({"seed": -1}, "seed: expected a whole number ≥ 0, got -1."),
        ({"seed": 1.5}, "seed: expected a whole number ≥ 0, got 1.5."),
    ],
)  # fmt: skip
def test_what_cannot_be_cut(options, message):
    with pytest.raises(DataError) as error:
        split(FRAME, **options)
    assert message in str(error.value)


def test_two_rows_are_too_few_for_three_parts():
    with pytest.raises(DataError, match=r"expected more rows than validation \(1\) and test \(1\) take, got 2 rows"):
        split(([[1.0], [2.0]], [1.5, 2.5]))
