"""A model of scikit-learn and its network predict the same, there and back."""

from functools import partial

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_iris, make_multilabel_classification

import pellucid as pc
from pellucid import estimators
from pellucid.importers import from_sklearn, to_sklearn

X, Y = load_iris(return_X_y=True)
WORDS = np.array(["sea", "lake", "river"])[Y]
M, SEVERAL = make_multilabel_classification(60, 4, n_classes=3, random_state=0)
FITTED = {
    "binary": (neural_network.MLPClassifier, X, WORDS == "sea"),
    "classes": (neural_network.MLPClassifier, X, WORDS),
    "labels": (neural_network.MLPClassifier, M, SEVERAL),
    "one class": (neural_network.MLPClassifier, X, np.full(150, 7)),
    "number": (neural_network.MLPRegressor, X, X[:, 0] ** 2),
    "numbers": (neural_network.MLPRegressor, X, X[:, :2] ** 2),
    "counts": (partial(neural_network.MLPRegressor, "poisson"), X, np.round(X[:, 0])),
    "several counts": (partial(neural_network.MLPRegressor, "poisson"), X, np.round(X[:, :2])),
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(name, **settings):
    kind, x, y = FITTED[name]
    return kind(**{"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 20, **settings}).fit(x, y), x, y


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("name", FITTED)
def test_there_and_back(name, activation):
    model, x, _ = fitted(name, activation=activation)
    net = from_sklearn(model)
    chances = name in ("binary", "classes", "labels", "one class")
    expected = model.predict_proba(x) if chances else model.predict(x).reshape(len(x), -1)
    outputs = net.outputs(x)
    np.testing.assert_allclose(outputs, expected[:, -outputs.shape[1] :], rtol=1e-10, atol=1e-12)
    if name in ("binary", "classes"):
        np.testing.assert_array_equal(net.predict(x), model.predict(x))
    back = to_sklearn(net)
    assert type(back) is type(model)
    given = (back.predict_proba(x) if chances else back.predict(x)).reshape(expected.shape)
    np.testing.assert_allclose(given, expected, rtol=1e-12)
    if name != "one class":
        np.testing.assert_array_equal(back.predict(x), model.predict(x))


@pytest.mark.parametrize("name", FITTED)
def test_an_estimator_becomes_scikit_learns(name):
    model, x, y = fitted(name)
    ours = getattr(estimators, type(model).__name__)(**model.get_params()).fit(x, y)
    theirs = to_sklearn(ours)
    np.testing.assert_array_equal(theirs.predict(x), ours.predict(x))
    assert theirs.get_params() == {**model.get_params(), "hidden_layer_sizes": (6, 5)}
    assert theirs.loss_curve_ == ours.loss_curve_ and theirs.n_iter_ == ours.n_iter_
    np.testing.assert_array_equal(theirs.classes_, ours.classes_) if hasattr(ours, "classes_") else None
    theirs.partial_fit(x, y)  # its books are complete
    assert len(theirs.loss_curve_) == len(ours.loss_curve_) + 1


def test_the_copy_does_not_share_memory():
    model, _, _ = fitted("classes")
    net = from_sklearn(model)
    net.w[1][0, 0] += 1
    assert model.coefs_[0][0, 0] != net.w[1][0, 0]
    back = to_sklearn(net)
    back.coefs_[0][0, 0] = 99
    assert net.w[1][0, 0] != 99


def test_it_can_be_explained():
    model, x, _ = fitted("classes")
    net = from_sklearn(model)
    record = net.trace(x[:3], WORDS[:3])
    assert np.isfinite(record["dC0/dw[1][2,3]"])


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: from_sklearn(neural_network.MLPClassifier()), "from_sklearn: expected a fitted model"),
        (lambda: from_sklearn(3), "from_sklearn: expected scikit-learn's MLPClassifier or MLPRegressor, got 3"),
        (lambda: to_sklearn(3), "to_sklearn: expected a Network or a fitted estimator"),
        (lambda: to_sklearn(pc.mlp([2, 3, 1], "exponential", loss="poisson")), "expected hidden.*got exponential"),
        (lambda: to_sklearn(pc.mlp([2, 3, 1], "gelu", output="linear")), "hidden layers of one activation: .*got gelu"),
        (
            lambda: to_sklearn(pc.mlp([2, 3, 1], "tanh")),
            "sigmoid with binary_cross_entropy.*got tanh with squared_error",
        ),
    ],
)
def test_what_is_refused(make, sentence):
    with pytest.raises(pc.InputError, match=sentence):
        make()


def test_a_poisson_model_goes_there_and_back():
    model = neural_network.MLPRegressor("poisson", 3, max_iter=2, random_state=0).fit(X, Y)
    net = from_sklearn(model)
    assert (net.layers[-1].activation.name, net.loss.name) == ("exponential", "poisson")
    np.testing.assert_allclose(net.outputs(X)[:, 0], model.predict(X), rtol=1e-12)
    back = to_sklearn(net)
    assert (back.loss, back.out_activation_) == ("poisson", "exp")
    np.testing.assert_allclose(back.predict(X), model.predict(X), rtol=1e-12)
    back.partial_fit(X, Y)
    assert back.out_activation_ == "exp"
