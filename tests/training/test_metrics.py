"""Metrics against scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics as theirs

import pellucid as pc
from pellucid.losses import loss
from pellucid.training import metric

CE, BCE, SE = loss("cross_entropy"), loss("binary_cross_entropy"), loss("squared_error")


def test_accuracy(generator):
    a, y = generator.random((50, 4)), generator.integers(0, 4, 50)
    assert metric("accuracy")(a, y, CE) == theirs.accuracy_score(y, a.argmax(1))
    assert metric("accuracy")(a, np.eye(4)[y], CE) == theirs.accuracy_score(y, a.argmax(1))
    binary = (a[:, 1] > a[:, 0]).astype(float)
    assert metric("accuracy")(a[:, :1], binary[:, None], BCE) == theirs.accuracy_score(binary, a[:, 0] > 0.5)
    many = (generator.random((50, 4)) > 0.5).astype(float)
    assert metric("accuracy")(many * 0.8 + 0.1, many, BCE) == 1.0
    assert metric("accuracy")(a, many, BCE) == theirs.accuracy_score(many, a > 0.5)


def test_regression_figures(generator):
    a, y = generator.normal(size=(30, 2)), generator.normal(size=(30, 2))
    assert metric("r2")(a, y, SE) == pytest.approx(theirs.r2_score(y, a), rel=1e-12)
    assert metric("rmse")(a, y, SE) == pytest.approx(theirs.root_mean_squared_error(y.ravel(), a.ravel()), rel=1e-12)
    assert metric("mean_absolute_error")(a, y, SE) == pytest.approx(theirs.mean_absolute_error(y, a), rel=1e-12)
    assert metric("r2")(np.ones((3, 1)), np.ones((3, 1)), SE) == 1.0
    assert metric("r2")(np.zeros((3, 1)), np.ones((3, 1)), SE) == theirs.r2_score(np.ones((3, 1)), np.zeros((3, 1)))


def test_a_borrowed_metric(generator):
    a, y = generator.random((50, 4)), generator.integers(0, 4, 50)
    assert metric("balanced_accuracy_score")(a, y, CE) == theirs.balanced_accuracy_score(y, a.argmax(1))


@pytest.mark.parametrize("name", ["accurcy", "make_scorer", "", None, 3])
def test_unknown(name):
    with pytest.raises(pc.InputError, match="metrics: expected one of accuracy, mean_absolute_error, r2, rmse or"):
        metric(name)
