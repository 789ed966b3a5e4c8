"""Arrays handed over in Python: what is taken, what is refused and how it is said."""

import re

import numpy as np
import pytest

from pellucid.data import Dataset, load_data
from pellucid.errors import DataError, PellucidError, ShapeError

X = np.arange(12.0).reshape(6, 2) ** 2
Y = [0, 1, 0, 1, 0, 1]


class Sparse:
    shape, dtype = (3, 3), "float64"

    def toarray(self):
        return np.eye(3)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (None, {}, "x: expected numbers, got an array () of object."),
        (5, {}, "x: expected samples as rows, (n, n_0), got shape ()."),
        (object(), {}, "x: expected numbers, got an array () of object."),
        ([1.0, 2.0], {}, "x: expected samples as rows, (n, n_0), got shape (2,). Use x.reshape(-1, 1)"),
        ([], {}, "x: expected samples as rows, (n, n_0), got shape (0,)."),
        (np.ones((0, 3)), {}, "x: expected at least one sample and one input, got shape (0, 3)."),
        (np.ones((3, 0)), {}, "x: expected at least one sample and one input, got shape (3, 0)."),
        ([[1, 2], [3]], {}, "x, row 2: expected 2 values as in row 1, got 1."),
        ([[1, 2], [3, "a"]], {}, "x: expected numbers, got an array (2, 2) of <U21. Give text as columns of a table"),
        (np.array([[1, None]], dtype=object), {}, "got an array (1, 2) of object. Convert it first, for example with x.astype(float)."),
        (np.ones((2, 2), complex), {}, "x: expected real numbers, got an array (2, 2) of complex128."),
        (np.array([["2020-01-01"]], "M8[D]"), {}, "x: expected numbers, got an array (1, 1) of datetime64[D]. Turn dates"),
        (Sparse(), {}, "x: expected a dense array, got an array (3, 3) of float64. Call its toarray() first."),
        ((X, Y, Y), {}, "data: expected a pair (x, y), got a tuple of 3."),
        ((X, Y[:-1]), {}, "y: expected 6 targets, one for each row of x, got shape (5,)."),
        ((X, 3), {}, "y: expected targets of shape (n,) or (n, n_L), got shape ()."),
        ((X, np.ones((6, 2, 2))), {}, "y: expected targets of shape (n,) or (n, n_L), got shape (6, 2, 2)."),
        ((X, [0, 1, np.nan, 1, 0, 1]), {}, "y, row 3: expected a finite number as target, got nan."),
        ((X, [[0, 1], [0, 1], [0, np.inf], [1, 0], [1, 0], [1, 0]]), {}, "y, row 3, column 2: expected a finite number as target, got inf."),
        ((X, ["a", "b", None, "a", "b", "a"]), {}, "y, row 3: the target is missing."),
        ((X, np.array(["a", 1, "b", "a", "b", "a"], dtype=object)), {}, "y, row 2: expected a label or a number, got 1."),
        ((X, np.ones(6, complex)), {}, "y: expected labels or real numbers as targets, got an array (6,) of complex128."),
        ((X, [1] * 6), {}, "y: expected at least two classes in 'y', got only 1 in all 6 rows."),
        ((X, [2.5] * 6), {}, "y: expected target 'y' to vary, got 2.5 in all 6 rows."),
        ((X, list("ababab")), {"task": "regression"}, "y: expected numbers as target 'y' for a regression"),
        ((X, np.ones((6, 2))), {"task": "classification"}, "y: expected one label per row, or one-hot rows, got shape (6, 2)."),
        ((X[:1], Y[:1]), {}, "expected at least two classes in 'y', got only 0 in all 1 rows"),
        ((np.where(X == 9, np.nan, X), Y), {}, "x, row 2, column 'x[1]': the value is missing."),
        ((np.where(X == 9, -np.inf, X), Y), {"impute": "mean"}, "x, row 2, column 'x[1]': expected a finite number, got -inf."),
        ({"a": X, "b": Y}, {}, "the mapping: expected arrays called x and y"),
        ((X, Y), {"categories": ["x[0]"]}, "categories: expected a table with columns of text and numbers, got arrays."),
        ((X, Y), {"features": ["x[7]"]}, "x: expected the input 'x[7]' among its columns, got 'x[0]', 'x[1]'."),
        ((X, Y), {"drop": ["x[0]", "x[1]"]}, "x: expected at least one input column, got none."),
        ((X, Y), {"preparation": {}}, "preparation: expected a Preparation, such as Dataset.preparation, got {}."),
        ((X * 1e300, Y), {}, "x, column 'x[0]': expected numbers that can be squared, got larger ones. Divide them first."),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said(source, options, message):
    with pytest.raises((DataError, ShapeError)) as error:
        load_data(source, **options)
    assert message in str(error.value)


def test_a_dataset_is_ready_already():
    with pytest.raises(DataError, match="got a Dataset, which is ready already"):
        load_data(load_data((X, Y)))


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (Y, "classification", (0, 1)),
        (np.array(Y, bool), "classification", (False, True)),
        (np.array(Y, np.uint8), "classification", (0, 1)),
        (np.array(Y, float), "classification", (0, 1)),
        (np.array(Y)[:, None], "classification", (0, 1)),
        (["no", "yes"] * 3, "classification", ("no", "yes")),
        ([5, -3] * 3, "classification", (-3, 5)),
        (np.linspace(0, 3, 6), "regression", None),
        (np.linspace(0, 3, 12).reshape(6, 2), "regression", None),
    ],
)
def test_targets_of_many_kinds(y, task, classes):
    data = load_data((X, y))
    assert data.task == task
    assert data.classes == classes
    assert data.y is not None
    if classes:
        assert data.y.dtype == np.int32
        assert data.preparation.decode(data.y).tolist() == [plain(v) for v in np.ravel(y)]
    else:
        assert data.y.shape == (6, data.n_outputs)


def plain(value):
    return value.decode() if isinstance(value, bytes) else value


def test_one_hot_rows_are_labels_when_told():
    hot = np.eye(3)[[2, 0, 1, 1, 0, 2]]
    assert load_data((X, hot), task="classification").y.tolist() == [2, 0, 1, 1, 0, 2]
    assert load_data((X, hot)).task == "regression"


def test_integer_arrays_with_many_labels_are_classes():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 100, 2000)
    assert load_data((generator.random((2000, 2)), y)).n_outputs == 100
    assert load_data((generator.random((2000, 2)), y.astype(float))).task == "regression"
    assert load_data((generator.random((300, 2)), np.arange(300))).task == "regression"


def test_one_sample_of_numbers_is_enough():
    data = load_data(([[0.05, 0.10]], [[0.01, 0.99]]), scale="none")
    assert data.x.tolist() == [[0.05, 0.10]]
    assert data.y.tolist() == [[0.01, 0.99]]


@pytest.mark.parametrize("order", ["C", "F"])
def test_x_is_c_contiguous_whatever_came(order):
    data = load_data((np.asarray(X, order=order)[::-1], Y))
    assert data.x.flags.c_contiguous
    assert Dataset(np.ones((3, 4)).T).x.flags.c_contiguous


def test_big_endian_and_masked_and_jax_arrays():
    for dtype, kept in ((">f8", np.float64), (">f4", np.float32), ("<f4", np.float32), (">i2", np.float64)):
        data = load_data((X.astype(dtype), Y))
        assert data.x.dtype == kept
        np.testing.assert_allclose(data.x, load_data((X, Y)).x, rtol=1e-5, atol=1e-6)
    masked = np.ma.masked_equal(X, 9)
    assert load_data((masked, Y), impute="mean").preparation.columns[1].fill == pytest.approx(
        np.mean([1, 25, 49, 81, 121])
    )
    jnp = pytest.importorskip("jax.numpy")
    assert load_data((jnp.asarray(X), jnp.asarray(Y))).n == 6


def test_images_are_flattened_and_keep_their_shape():
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 4)).astype(np.uint8)
    data = load_data((images, Y))
    assert data.shape == (3, 4)
    assert (data.x == (images.reshape(6, 12) / 255).astype(np.float32)).all()


def test_columns_are_chosen_by_name():
    assert load_data((X, Y), drop="x[0]").feature_names == ("x[1]",)
    assert load_data((X, Y), features=["x[1]", "x[0]"]).feature_names == ("x[1]", "x[0]")


def test_the_source_is_never_changed():
    x, y = X.copy(), np.array(Y)
    load_data((x, y))
    x.flags.writeable = y.flags.writeable = False
    data = load_data((x, y))
    data.x[:] = 0
    assert (x == X).all()


@pytest.mark.parametrize(
    ("x", "y"),
    [([[1.0]], None), (np.ones(3), None), (np.ones((3, 2), int), None), (np.ones((3, 2)), [1, 2, 3]), (np.ones((3, 2)), np.ones(2))],
)  # fmt: skip
def test_a_dataset_of_wrong_parts(x, y):
    with pytest.raises(PellucidError, match=r"data, [xy]: expected"):
        Dataset(x, y)


def test_take():
    data = load_data((X, Y))
    assert (data.take([4, 1]).x == data.x[[4, 1]]).all()
    assert data.take(slice(0, 2)).n == 2
    assert data.take(data.y == 1).n == 3
    assert len(data) == 6


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            np.array([b"no", b"yes"] * 3),
            "y: expected labels of text or numbers, got bytes. Decode them: y.astype(str).",
        ),
        (
            np.array([1, 2**63] * 3, np.uint64),
            "y, row 2: expected labels that 64 bits keep exactly, got 9223372036854775808.",
        ),
        ([1.0, 1e20] * 3, "y, row 2: expected labels that 64 bits keep exactly, got 1e+20. Give such labels as text."),
        ([2.0**53, 1] * 3, "y, row 1: expected labels that 64 bits keep exactly"),
    ],
)
def test_labels_that_would_come_back_as_others(labels, message):
    with pytest.raises(DataError, match=re.escape(message)):
        load_data((np.arange(12.0).reshape(6, 2), labels), task="classification")
