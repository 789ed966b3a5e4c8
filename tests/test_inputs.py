"""Every bad array gets its sentence; every good one its form."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import pellucid as pc
from pellucid.errors import InputError
from pellucid.inputs import as_inputs, as_targets, as_weights
from pellucid.losses import loss

CE, BCE, SE = loss("cross_entropy"), loss("binary_cross_entropy"), loss("squared_error")
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "given",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]], dtype=np.uint8),
        np.array([[1, 2], [3, 4]], dtype=object),
        np.array([[[1], [2]], [[3], [4]]]),
        pd.DataFrame({"p": [1, 3], "q": [2, 4]}),
        pl.DataFrame({"p": [1, 3], "q": [2, 4]}),
        scipy.sparse.csr_matrix([[1, 2], [3, 4]]),
    ],
    ids=lambda g: type(g).__name__,
)
def test_inputs_of_many_kinds(given):
    np.testing.assert_array_equal(as_inputs(given, (2,)), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    "given, sentence",
    [
        ([[1, 2, 3]], "x: expected (n, 2): the network has 2 input nodes, got (1, 3). Samples stand in rows."),
        ([[1, NAN], [3, 4]], "x, row 0, column 1: expected a finite number, got nan. Remove these rows, or fill the gaps before."),
        ([[1, 2], [-INF, 4]], "x, row 1, column 0: expected a finite number, got -inf."),
        ([[1, 2], [3]], "x: expected an array whose rows have the same length, got"),
        ([["a", "b"]], "x: expected numbers, got text."),
        (np.array([[1, "b"]], dtype=object), "x, row 0, column 1: expected a number, got 'b'."),
        (np.array([[1, None]], dtype=object), "x, row 0, column 1: expected a number, got None."),
        ([[1j, 2]], "x: expected real numbers, got values of type complex128."),
        (np.empty((0, 2)), "x: expected at least one sample, got none."),
        (None, "x: expected a number, got None."),
        (7, "x: expected (n, 2): the network has 2 input nodes, got ()."),
        ({"a": 1}, "x: expected a number, got {'a': 1}."),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "x: expected real numbers, got values of type datetime64[D]."),
    ],
)  # fmt: skip
def test_inputs_refused(given, sentence):
    with pytest.raises(pc.InputError) as error:
        as_inputs(given, (2,))
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    "given, n_L, form, classes, expected",
    [
        (["b", "a", "b"], 2, CE, ("a", "b"), [1, 0, 1]),
        ([0, 2, 1], 3, CE, (0, 1, 2), [0, 2, 1]),
        ([0, 1, 1], 3, CE, (0, 1, 2), [0, 1, 1]),
        ([5.0, 7.0, 7.0], 2, SE, (5, 7), [0, 1, 1]),
        ([True, False, True], 2, CE, (False, True), [1, 0, 1]),
        (["x", "y", "x"], 1, BCE, ("x", "y"), [[0.0], [1.0], [0.0]]),
        ([3, 3, 9], 1, BCE, (3, 9), [[0.0], [0.0], [1.0]]),
        ([0.2, 0.9, 1.0], 1, BCE, None, [[0.2], [0.9], [1.0]]),
        ([1, 2, 3], 1, SE, None, [[1.0], [2.0], [3.0]]),
        ([[1, 2], [3, 4], [5, 6]], 2, SE, None, [[1, 2], [3, 4], [5, 6]]),
        ([[0], [1], [1]], 2, CE, (0, 1), [0, 1, 1]),
    ],
)
def test_targets(given, n_L, form, classes, expected):
    y, found = as_targets(given, 3, n_L, form)
    assert found == classes
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(
    "given, n_L, form, sentence",
    [
        ([1, 2], 1, SE, "y: expected 3 targets, one for each row of x, got shape (2,)."),
        ([[1, 2, 3]] * 3, 2, SE, "y: expected 2 columns, one for each output node, got shape (3, 3)."),
        (["a", "b", "c"], 2, CE, "y: expected 2 classes for 2 output nodes, got 3 ('a', 'b', 'c'). Build the output layer with 3 nodes."),
        (["a", "b", "c"], 1, BCE, "y: expected 2 classes for 1 output node, got 3"),
        ([4, 4, 4], 2, CE, "y: expected at least two classes, got only 4."),
        ([0.5, 1.0, 2.0], 3, CE, "y: expected labels, or 3 numbers for each sample, got 0.5 in row 0."),
        ([1.0, NAN, 2.0], 1, SE, "y, row 1: expected a finite number, got nan."),
        ([[0.2, 0.9]] * 3, 2, CE, "y, row 0: cross_entropy expects the targets of a sample to sum to 1, got 1.1"),
        ([[0.0, 1.0], [0.5, 1.5], [0, 1]], 2, BCE, "y, row 1, column 1: binary_cross_entropy expects targets from 0 to 1, got 1.5."),
        ([[2.0], [0.0], [-1.0]], 1, loss("poisson"), "y, row 2, column 0: poisson expects targets ≥ 0, got -1.0."),
        ([["a", "b"]] * 3, 2, SE, "y: expected numbers, got text."),
    ],
)  # fmt: skip
def test_targets_refused(given, n_L, form, sentence):
    with pytest.raises(pc.InputError) as error:
        as_targets(given, 3, n_L, form)
    assert str(error.value).startswith(sentence)


def test_labels_must_be_known_ones_after_a_training():
    with pytest.raises(pc.InputError, match="y, row 1: expected a label among 'a', 'b', got 'c'"):
        as_targets(["a", "c"], 2, 2, CE, ("a", "b"))
    with pytest.raises(pc.InputError, match="y: expected labels among 'a', 'b', got 1"):
        as_targets([1, 1], 2, 2, CE, ("a", "b"))


@pytest.mark.parametrize(
    "weights, per_class, sentence",
    [
        ([1, 2], None, "sample_weight: expected (3,), one weight for each sample, got (2,)."),
        ([1, -2, 3], None, "sample_weight, row 1: expected a weight ≥ 0, got -2.0."),
        ([0, 0, 0], None, "sample_weight: expected at least one weight > 0, got only zeros."),
        ([1, INF, 0], None, "sample_weight, row 1: expected a finite number, got inf."),
        (None, "even", "class_weight: expected 'balanced' or a weight for each class, got 'even'."),
        (None, {"z": 1}, "class_weight: expected classes among 'p', 'q', got 'z'."),
        (None, {"p": -1}, "class_weight['p']: expected a finite number ≥ 0, got -1."),
    ],
)
def test_weights_refused(weights, per_class, sentence):
    with pytest.raises(pc.InputError) as error:
        as_weights(weights, per_class, np.array([0, 1, 1]), ("p", "q"))
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (np.array([1, 2**63], np.uint64), "9223372036854775808"),
        ([2**70, 1], "1.180"),
        ([1e20, 1.0], r"1e\+20"),
        (np.array([b"a", b"b"]), "bytes"),
        ([10**400, 1], "1000"),
    ],
)
def test_labels_that_would_come_back_as_others_are_refused(labels, got):
    with pytest.raises(InputError, match=f"expected .*, got {got}"):
        as_targets(labels, 2, 2, loss("cross_entropy"))
