"""The estimators inside scikit-learn's tools, and with what Pellucid adds to them."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import pellucid as pc
from pellucid.estimators import MLPClassifier, MLPRegressor

X, Y = load_iris(return_X_y=True)
X = scale(X)
SHORT = {"max_iter": 30, "random_state": 0, "hidden_layer_sizes": 7}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_pickle_and_clone_and_go_on():
    model = MLPClassifier(**SHORT).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    for one in (model, again):
        one.partial_fit(X, Y)
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])
    fresh = clone(model)
    assert fresh.get_params() == model.get_params() and not hasattr(fresh, "coefs_")


def test_pipeline_grid_search_and_cross_validation():
    pipe = make_pipeline(
        StandardScaler().set_output(transform="pandas"), MLPClassifier(learning_rate_init=0.05, **SHORT)
    )
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=3).fit(X, Y)
    assert search.best_score_ > 0.9
    assert search.best_estimator_[-1].feature_names_in_.tolist() == ["x0", "x1", "x2", "x3"]
    assert cross_val_score(MLPRegressor(solver="lbfgs", **SHORT), X, X[:, 0], cv=3).min() > 0.7
    assert MultiOutputClassifier(MLPClassifier(**SHORT)).fit(X, np.c_[Y, Y > 0]).predict(X).shape == (150, 2)


def test_weights_are_routed():
    weights = np.where(Y == 2, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            MLPClassifier(learning_rate_init=0.05, **SHORT)
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True)
        )
        search = GridSearchCV(model, {"alpha": [1e-4]}, cv=3).fit(X, Y, sample_weight=weights)
    assert (search.predict(X) != 2).all()


def test_html_and_text():
    model = MLPClassifier(alpha=0.5).fit(X, Y)
    assert "MLPClassifier" in model._repr_html_() and repr(model) == "MLPClassifier(alpha=0.5)"


def test_verbose_prints_each_epoch(capsys):
    MLPClassifier(verbose=True, early_stopping=True, **{**SHORT, "max_iter": 2}).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["Iteration", "Validation"] * 2


def test_the_network_is_a_view_of_the_weights_and_explains_them():
    model = MLPClassifier(**SHORT).fit(X, np.array(["a", "b", "c"])[Y])
    net = model.network_
    np.testing.assert_array_equal(net.predict(X), model.predict(X))
    net.w[1][2, 3] = 7.0
    assert model.coefs_[0][3, 2] == 7.0
    model.intercepts_[1][0] = -5.0
    assert net.b[2][0] == -5.0
    assert net.classes == ("a", "b", "c") and net.history is model.history_
    record = net.trace(X[:5], ["a", "b", "c", "a", "b"])
    np.testing.assert_allclose(record["dC/dw[1][2,3]"], np.mean([record[f"dC{i}/dw[1][2,3]"] for i in range(5)]))


def test_decision_function_is_z():
    model = MLPClassifier(**SHORT).fit(X, Y > 0)
    z = model.decision_function(X)
    assert z.shape == (150,)
    np.testing.assert_allclose(1 / (1 + np.exp(-z)), model.predict_proba(X)[:, 1], rtol=1e-12)
    z = MLPClassifier(**SHORT).fit(X, Y).decision_function(X)
    assert z.shape == (150, 3) and (z > 1).any()


def test_what_pellucid_adds():
    layered = MLPClassifier(layers=lambda n_in, n_out: [pc.Dense(9, "gelu"), pc.Dense(n_out, "softmax")])
    layered.set_params(max_iter=60, random_state=0, solver=pc.Adam(0.02), dtype="float32").fit(X, Y)
    assert layered.network_.n == (4, 9, 3) and layered.coefs_[0].dtype == np.float32
    assert layered.out_activation_ == "softmax" and layered.score(X, Y) > 0.9
    assert MLPClassifier(activation="silu", learning_rate_init=0.05, **SHORT).fit(X, Y).score(X, Y) > 0.9
    assert MLPClassifier(activation=pc.ELU(0.5), solver="nesterov", **SHORT).fit(X, Y).n_iter_ == 30
    x, y = load_diabetes(return_X_y=True)
    for loss in ("huber", "absolute_error", pc.Huber(0.3)):
        model = MLPRegressor(loss=loss, learning_rate_init=0.02, **SHORT).fit(x, scale(y))
        assert model.score(x, scale(y)) > 0.3
    lion = MLPRegressor(solver="lion", learning_rate_init=1e-3, **{**SHORT, "max_iter": 3}).fit(x, y)
    assert lion.history_.backend == "jax"
    before = lion.coefs_[0].copy()
    lion.partial_fit(x, y)
    assert not np.array_equal(before, lion.coefs_[0])
    with pytest.raises(pc.InputError, match="layers: expected 3 outputs, as in the data, got 5"):
        MLPClassifier(layers=[pc.Dense(5, "softmax")]).fit(X, Y)


def test_a_saved_network_predicts_as_the_estimator(tmp_path):
    model = MLPClassifier(**SHORT).fit(X, Y)
    again = pc.load(model.network_.save(tmp_path / "model.safetensors"))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
