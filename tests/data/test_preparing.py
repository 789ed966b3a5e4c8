"""Mean, deviation and range piece by piece, and which numbers are scaled how."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pellucid.data import load_data
from pellucid.data.arrays import table_of_arrays
from pellucid.data.moments import Moments
from pellucid.data.preparing import fit
from pellucid.errors import DataError

LABELS = [0, 1, 0, 1, 0, 1]


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(np.float64, st.tuples(st.integers(1, 40), st.integers(1, 3)), elements=st.floats(-1e3, 1e3)),
    st.integers(1, 10),
)
def test_moments_in_pieces_are_those_of_the_whole(x, step):
    moments = Moments(x.shape[1])
    for start in range(0, len(x), step):
        moments.add(x[start : start + step])
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(moments.deviation, x.std(0), rtol=1e-9, atol=1e-6)
    assert (moments.low == x.min(0)).all()
    assert (moments.high == x.max(0)).all()


def test_moments_far_from_zero_keep_their_digits():
    x = 1e9 + np.random.default_rng(0).standard_normal((10_000, 1))
    moments = Moments(1)
    for start in range(0, len(x), 137):
        moments.add(x[start : start + 137])
    exact = x.astype(np.longdouble).std()
    np.testing.assert_allclose(moments.deviation, float(exact), rtol=1e-13)
    naive = (x**2).mean() - x.mean() ** 2  # the textbook's short form has lost them all
    assert not np.isclose(naive, x.var(), rtol=1e-2)


def test_moments_leave_gaps_out():
    x = np.array([[1.0, np.nan], [np.nan, np.nan], [5.0, 2.0]])
    moments = Moments(2)
    moments.add(x[:2])
    moments.add(x[2:])
    assert moments.n.tolist() == [2, 1]
    assert moments.mean.tolist() == [3, 2]
    assert moments.deviation.tolist() == [2, 0]


def test_float32_is_counted_in_float64():
    x = (1e4 + np.random.default_rng(0).random((200_000, 1))).astype(np.float32)
    preparation = load_data((x, np.arange(len(x)) % 2)).preparation
    np.testing.assert_allclose(preparation.columns[0].shift, x.astype(np.float64).mean(), rtol=1e-12)
    assert load_data((x[:10], np.arange(10) % 2)).x.dtype == np.float32


@pytest.mark.parametrize(
    ("x", "columns"),
    [
        (np.array([[0.0], [0.2], [0.4], [0.6], [0.8], [1.0]]), (0.0, 1.0)),  # fills [0, 1]: ready-made
        (np.array([[-1.0], [0.2], [0.4], [0.6], [0.8], [0.0]]), (0.0, 1.0)),  # fills [−1, 1]
        (np.array([[0, 1, 1, 0, 1, 0]], np.uint8).T, (0.0, 1.0)),  # bits
        (np.array([[0, 9, 200, 0, 1, 0]], np.uint8).T, (0.0, 255.0)),  # pixels
        (np.array([[True, False, True, True, False, True]]).T, (0.0, 1.0)),
        (np.array([[1.0], [3.0], [1.0], [3.0], [1.0], [3.0]]), (2.0, 1.0)),  # standardised
        (np.array([[0.01], [0.03], [0.01], [0.03], [0.01], [0.03]]), (0.02, 0.01)),  # so is what is tiny
    ],
)
def test_auto_scale_of_arrays(x, columns):
    column = load_data((x, LABELS)).preparation.columns[0]
    np.testing.assert_allclose((column.shift, column.scale), columns, rtol=1e-12)


@pytest.mark.parametrize(("scale", "columns"), [("none", (0, 1)), (4, (0, 4)), (2.5, (0, 2.5)), ("standard", (2, 1))])
def test_scale_as_told(scale, columns):
    x = np.array([[1.0], [3.0], [1.0], [3.0], [1.0], [3.0]])
    column = load_data((x, LABELS), scale=scale).preparation.columns[0]
    assert (column.shift, column.scale) == columns
    pixels = np.array([[0, 100, 0, 100, 0, 100]], np.uint8).T
    got = load_data((pixels, LABELS), scale=scale).preparation.columns[0]
    assert (got.shift, got.scale) == ((50, 50) if scale == "standard" else columns)


@pytest.mark.parametrize(
    ("y", "shift", "scale"),
    [
        ([100.0, 300.0, 100.0, 300.0, 100.0, 300.5], None, None),
        ([0.01, 0.99, 0.5, 0.25, 0.75, 0.3], 0.0, 1.0),  # a sigmoid reaches these: they stay
        ([[0.1, 5.0], [0.2, 7.0], [0.3, 9.0], [0.1, 5.0], [0.2, 7.0], [0.3, 9.0]], None, None),
    ],
)
def test_targets_of_a_regression(y, shift, scale):
    y = np.array(y)
    x = np.arange(6.0)[:, None]
    data = load_data((x, y), task="regression")
    target = data.preparation.target
    assert target is not None
    wide = y.reshape(6, -1)
    np.testing.assert_allclose(target.shift, wide.mean(0) if shift is None else shift)
    np.testing.assert_allclose(target.scale, wide.std(0) if scale is None else scale)
    np.testing.assert_allclose(data.preparation.decode(data.y), wide, rtol=1e-13)
    assert (load_data((x, y), task="regression", scale="none").y == wide).all()
    kept = load_data((x, y), task="regression", scale_target=False)
    assert (kept.y == wide).all()
    np.testing.assert_array_equal(kept.x, data.x)
    assert kept.preparation.target is not None and not kept.preparation.target.moved


def test_fitting_in_pieces_gives_the_same():
    generator = np.random.default_rng(1)
    x, y = generator.standard_normal((50, 3)) * 9, generator.standard_normal(50) * 40
    whole = fit(table_of_arrays(x, y))
    pieces = fit(table_of_arrays(x[i : i + 7], y[i : i + 7]) for i in range(0, 50, 7))
    for one, other in zip(whole.columns, pieces.columns, strict=True):
        np.testing.assert_allclose((one.shift, one.scale), (other.shift, other.scale), rtol=1e-13)
    np.testing.assert_allclose(whole.target.scale, pieces.target.scale, rtol=1e-13)


@pytest.mark.parametrize("impute", ["median", "mode"])
def test_a_median_needs_all_rows_at_once(impute):
    table = table_of_arrays(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1])
    with pytest.raises(DataError, match="impute: expected 'mean' for data that is read in pieces"):
        fit(iter([table, table]), impute=impute)


def test_nothing_to_fit():
    with pytest.raises(DataError, match="training rows: expected at least one, got none"):
        fit(iter([]))


def test_a_column_without_values_in_the_training_rows():
    table = table_of_arrays(np.array([[1.0, np.nan], [2.0, np.nan], [3.0, 7.0]]), [0, 1, 1], impute=True)
    with pytest.raises(DataError, match=r"column 'x\[1\]': expected values in the training rows, got none"):
        fit(table.take(np.array([0, 1])), impute="mean")
