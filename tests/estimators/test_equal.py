"""The same data, parameters and random_state give the weights that scikit-learn gets, up to rounding."""

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    make_multilabel_classification,
    make_regression,
)
from sklearn.preprocessing import scale

from pellucid import estimators
from pellucid.estimators.quasi_newton import objective
from pellucid.training.flat import packed


def data(name):
    loaded = {
        "binary": lambda: load_breast_cancer(return_X_y=True),
        "classes": lambda: load_iris(return_X_y=True),
        "labels": lambda: make_multilabel_classification(90, random_state=0),
        "numbers": lambda: load_diabetes(return_X_y=True),
        "counts": lambda: load_iris(return_X_y=True),
        "several counts": lambda: (load_iris().data, np.round(load_iris().data[:, :2])),
        "outputs": lambda: make_regression(110, 5, n_targets=3, random_state=0),
    }[name]()
    X, y = scale(loaded[0]), loaded[1]
    if "counts" in name:
        return "MLPRegressor", X, y.astype(float)
    return ("MLPRegressor", X, scale(y)) if name in ("numbers", "outputs") else ("MLPClassifier", X, y)


SETTINGS = {
    "defaults": {},
    "adam": {"alpha": 1.0, "batch_size": 50, "epsilon": 1e-3, "beta_1": 0.8, "beta_2": 0.95, "shuffle": False},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.2, "power_t": 0.3},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.2, "nesterovs_momentum": False,
        "tol": 1e-2, "n_iter_no_change": 2,
    },
    "no momentum": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.05, "batch_size": 7},
    "early stopping": {"early_stopping": True, "batch_size": 32, "activation": "tanh", "n_iter_no_change": 4},
    "lbfgs": {"solver": "lbfgs", "activation": "logistic", "max_iter": 12},
    "no hidden layer": {"hidden_layer_sizes": (), "activation": "identity"},
}  # fmt: skip
BOOKS = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "_no_improvement_count")


def both(kind, settings, X, y, **fit):
    """A fitted model of scikit-learn and one of ours, with the same settings."""
    settings = {"max_iter": 25, "random_state": 3, "hidden_layer_sizes": (12, 5), **settings}
    theirs, ours = (getattr(module, kind)(**settings).fit(X, y, **fit) for module in (neural_network, estimators))
    return theirs, ours


def assert_same(theirs, ours, rtol=1e-9, atol=1e-11):
    for one, other in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(other, one, rtol=rtol, atol=atol)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=rtol)
    for name in BOOKS:
        if hasattr(theirs, name):
            assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_curve_", "validation_scores_", "best_loss_", "best_validation_score_"):
        expected = getattr(theirs, name, None)
        if expected is None:
            assert not getattr(ours, name, None)
        else:
            np.testing.assert_allclose(getattr(ours, name), expected, rtol=max(rtol, 1e-9), atol=atol)


# With several targets scikit-learn's L-BFGS gets a mean over them as loss and the gradient of their sum (decision 0071).
CASES = [
    (name, setting)
    for name in ("binary", "classes", "labels", "numbers", "outputs", "counts", "several counts")
    for setting in SETTINGS
    if (name, setting) != ("outputs", "lbfgs")
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name, setting", CASES)
def test_same_numbers(name, setting, weighted, generator):
    kind, X, y = data(name)
    weights = generator.uniform(0.1, 3, len(y)) if weighted else None
    settings = SETTINGS[setting]
    if "counts" in name:
        settings = settings | {"loss": "poisson"}
        if settings.get("learning_rate_init", 0) > 0.1:  # there e^z overflows
            settings = settings | {"learning_rate_init": 0.01}
    theirs, ours = both(kind, settings, X, y, sample_weight=weights)
    # A quasi-Newton step divides by differences of gradients, which magnifies rounding.
    assert_same(theirs, ours, *((1e-6, 1e-8) if setting == "lbfgs" else ()))
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-8)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["classes", "outputs"])
def test_lbfgs_gets_the_gradient_of_its_loss(name, generator):
    kind, X, y = data(name)
    settings = {"hidden_layer_sizes": 4, "activation": "tanh", "alpha": 0.5, "random_state": 0}
    model = getattr(estimators, kind)(solver="lbfgs", max_iter=3, **settings).fit(X, y)
    weights = generator.uniform(0, 2, len(y))
    targets = model._targets(y, True)
    f = objective(model._architecture(), model._parameters(), X, targets, weights)
    theta, h = packed(model._parameters()), 1e-6
    gradient = f(theta)[1]
    for i in generator.integers(0, len(theta), 25):
        step = h * (np.arange(len(theta)) == i)
        assert gradient[i] == pytest.approx((f(theta + step)[0] - f(theta - step)[0]) / (2 * h), rel=1e-5, abs=1e-8)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_on_several_targets_ends_lower_than_theirs():
    kind, X, y = data("outputs")
    theirs, ours = both(kind, {"solver": "lbfgs", "activation": "tanh", "max_iter": 60}, X, y)
    assert ours.loss_ < theirs.loss_ * 1.05


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_same_numbers_in_single_precision():
    kind, X, y = data("classes")
    theirs, _ = both(kind, {}, X.astype(np.float32), y)
    ours = getattr(estimators, kind)((12, 5), max_iter=25, random_state=3, dtype="float32").fit(X, y)
    assert_same(theirs, ours, 1e-4, 1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "name, setting", [("classes", "defaults"), ("numbers", "early stopping"), ("labels", "invscaling")]
)
def test_same_numbers_on_jax(name, setting, generator):
    kind, X, y = data(name)
    weights = generator.uniform(0.1, 3, len(y))
    settings = {"batch_size": 40, "max_iter": 6, **SETTINGS[setting]}
    settings["batch_size"] = 40
    theirs, _ = both(kind, settings, X, y, sample_weight=weights)
    ours = getattr(estimators, kind)(
        **{"hidden_layer_sizes": (12, 5), "random_state": 3, **settings}, backend="jax"
    ).fit(X, y, sample_weight=weights)
    assert ours.history_.backend == "jax"
    assert_same(theirs, ours, 1e-8, 1e-10)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["classes", "numbers"])
def test_partial_fit_and_warm_start_go_on_as_theirs(name, solver):
    kind, X, y = data(name)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    settings = {"solver": solver, "random_state": 1, "hidden_layer_sizes": 6, "max_iter": 3, "warm_start": True}
    pair = [getattr(module, kind)(**settings) for module in (neural_network, estimators)]
    given = {"classes": np.unique(y)} if name == "classes" else {}
    for model in pair:
        for rows in (slice(0, 60), slice(60, 130), slice(0, 90)):
            model.partial_fit(X[rows], y[rows], **given)
    assert_same(*pair)
    for model in pair:
        model.fit(X, y).fit(X, y)
    assert_same(*pair)
    assert pair[1]._optimizer.learning_rate == pytest.approx(settings.get("learning_rate_init", 0.001))
