"""Sample weights mean what they say: a weight of 2 is the row twice, of 0 is no row."""

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression

from pellucid.estimators import MLPClassifier, MLPRegressor

X, Y = make_classification(60, 5, random_state=0)
CASES = {
    "binary": (MLPClassifier, X, Y),
    "classes": (
        MLPClassifier,
        *make_classification(60, 5, n_classes=3, n_informative=4, n_redundant=1, random_state=1),
    ),
    "labels": (MLPClassifier, *make_multilabel_classification(60, 5, random_state=2)),
    "numbers": (MLPRegressor, *make_regression(60, 5, n_targets=2, random_state=3)),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "name, setting, backend",
    [
        *((name, setting, "numpy") for name in CASES for setting in ("adam", "sgd", "lbfgs")),
        *((name, setting, "jax") for name, setting in (("classes", "sgd"), ("numbers", "adam"))),
    ],
)
def test_weights_equal_repeated_rows(name, setting, backend, generator):
    kind, X, y = CASES[name]
    times = generator.integers(0, 4, len(X))
    settings = {"solver": setting, "max_iter": 15, "hidden_layer_sizes": 8, "random_state": 0, "alpha": 0.1, "tol": 0}
    settings |= {"backend": backend, "n_iter_no_change": 99, "activation": "tanh"}
    if setting == "sgd":
        settings["learning_rate_init"] = 1e-3
    # With one batch for all rows, so that the repeated ones come together as the weighted one does.
    weighted = kind(batch_size=60, **settings).fit(X, y, sample_weight=times)
    repeated = kind(batch_size=int(times.sum()), **settings).fit(X.repeat(times, axis=0), y.repeat(times, axis=0))
    tolerance = {"rtol": 1e-5, "atol": 1e-7} if setting == "lbfgs" else {"rtol": 1e-9, "atol": 1e-11}
    for one, other in zip(weighted.coefs_ + weighted.intercepts_, repeated.coefs_ + repeated.intercepts_, strict=True):
        np.testing.assert_allclose(one, other, **tolerance)
    np.testing.assert_allclose(weighted.loss_, repeated.loss_, rtol=1e-7)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_batch_without_weight_moves_nothing(backend):
    y = X @ np.ones(5)
    weights = np.r_[np.ones(30), np.zeros(30)]
    settings = {"batch_size": 30, "shuffle": False, "random_state": 0, "solver": "sgd", "momentum": 0.0, "max_iter": 1}
    with pytest.warns(UserWarning, match="Maximum iterations"):
        whole = MLPRegressor(**settings, backend=backend).fit(X, y, sample_weight=weights)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        half = MLPRegressor(**settings, backend=backend).fit(X[:30], y[:30])
    np.testing.assert_allclose(whole.coefs_[0], half.coefs_[0], rtol=1e-12)


@pytest.mark.parametrize(
    "weights, sentence",
    [
        (-np.ones(60), "sample_weight, row 0: expected a weight ≥ 0"),
        (np.zeros(60), "expected at least one weight > 0"),
        (np.ones(59), "expected \\(60,\\), one weight for each sample"),
        (np.full(60, np.nan), "expected a finite number"),
    ],
)
def test_weights_that_are_refused(weights, sentence):
    with pytest.raises(ValueError, match=sentence):
        MLPClassifier().fit(X, Y, sample_weight=weights)
