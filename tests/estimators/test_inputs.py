"""What people hand over: sparse matrices, frames, labels of any kind, and what is refused."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris

from pellucid import InputError, estimators
from pellucid.estimators import MLPClassifier, MLPRegressor
from pellucid.training import sources

X, Y = load_iris(return_X_y=True)
X = np.where(X < 1.5, 0.0, X)  # some zeros to leave out
SHORT = {"max_iter": 5, "random_state": 0, "hidden_layer_sizes": 7, "batch_size": 40}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_array, sp.coo_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_equals_dense(form, solver):
    dense = MLPClassifier(solver=solver, **SHORT).fit(X, Y)
    sparse = MLPClassifier(solver=solver, **SHORT).fit(form(X), Y)
    np.testing.assert_allclose(sparse.predict_proba(form(X)), dense.predict_proba(X), rtol=1e-10)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_large_sparse_matrix_is_made_dense_chunk_by_chunk(backend, weighted, monkeypatch, generator):
    weights = generator.uniform(0.5, 2, len(Y)) if weighted else None
    dense = MLPClassifier(backend=backend, **SHORT).fit(X, Y, sample_weight=weights)
    monkeypatch.setattr(sources, "COPIED_BYTES", 100)
    monkeypatch.setattr(sources, "CHUNK_BYTES", 80 * 4 * 8)  # two batches at a time
    seen = []
    chunks = sources.InMemory.chunks
    monkeypatch.setattr(sources.InMemory, "chunks", lambda self, *a: (seen.append(1) or c for c in chunks(self, *a)))
    sparse = MLPClassifier(backend=backend, **SHORT).fit(sp.csr_array(X), Y, sample_weight=weights)
    assert len(seen) == 5 * 2
    np.testing.assert_allclose(sparse.coefs_[0], dense.coefs_[0], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(sparse.loss_curve_, dense.loss_curve_, rtol=1e-8)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(frame):
    names = ["a", "b", "c", "d"]
    table = frame({name: X[:, i] for i, name in enumerate(names)})
    model = MLPClassifier(**SHORT).fit(table, Y)
    assert list(model.feature_names_in_) == names
    np.testing.assert_array_equal(model.predict(table), MLPClassifier(**SHORT).fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[["b", "a", "c", "d"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


@pytest.mark.parametrize("series", [pd.Series, pl.Series, list])
def test_labels_of_any_kind(series):
    words = np.array(["sea", "lake", "river"])[Y]
    model = MLPClassifier(**{**SHORT, "max_iter": 80}).fit(X, series(words.tolist()))
    assert model.classes_.tolist() == ["lake", "river", "sea"]
    assert (model.predict(X) == words).mean() > 0.6
    truth = MLPClassifier(**SHORT).fit(X, Y == 1)
    assert truth.predict(X).dtype == bool


def test_one_class_is_predicted():
    model = MLPClassifier(**SHORT).fit(X, np.full(len(X), "only"))
    assert set(model.predict(X)) == {"only"}


def test_labels_as_a_sparse_indicator():
    several = np.c_[Y == 0, Y > 0, X[:, 0] > 5].astype(int)
    one, other = (MLPClassifier(**SHORT).fit(X, form(several)) for form in (sp.csr_matrix, np.asarray))
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert one.predict(X).shape == (150, 3)


@pytest.mark.parametrize(
    "parameters, sentence",
    [
        ({"hidden_layer_sizes": (5, 0)}, "hidden_layer_sizes: expected the widths of the hidden layers, each > 0"),
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes: expected"),
        ({"activation": "sigmoidal"}, "activation: expected one of"),
        ({"solver": "adamm"}, "optimiser: expected one of"),
        ({"alpha": -1}, "alpha: expected a finite number ≥ 0, got -1"),
        ({"batch_size": 0}, "batch_size: expected 'auto' or a whole number ≥ 1, got 0"),
        ({"learning_rate": "fast"}, "learning_rate: expected constant, invscaling or adaptive, got 'fast'"),
        ({"learning_rate_init": 0}, "learning_rate_init: expected a finite number > 0, got 0"),
        ({"max_iter": True}, "max_iter: expected a whole number ≥ 1, got True"),
        ({"momentum": 1.0}, r"momentum: expected a number in \[0, 1\), got 1.0"),
        ({"early_stopping": "yes"}, "early_stopping: expected True or False, got 'yes'"),
        ({"loss": "hinge"}, "loss: expected one of"),
        ({"layers": [1]}, "layers: expected None, layers, or a function"),
        ({"dtype": "int8"}, "dtype: expected None, 'float32' or 'float64', got 'int8'"),
        ({"backend": "torch"}, "backend: expected auto, numpy or jax, got 'torch'"),
        ({"n_iter_no_change": 0}, "n_iter_no_change: expected a whole number ≥ 1, or infinity"),
    ],
)
def test_parameters_that_are_refused(parameters, sentence):
    with pytest.raises(InputError, match=sentence):
        MLPClassifier(**parameters).fit(X, Y)


def test_the_poisson_loss_wants_targets_that_are_not_negative():
    model = MLPRegressor(loss="poisson", **SHORT).fit(X, Y)
    assert (model.out_activation_, model.network_.loss.name) == ("exp", "poisson")
    assert (model.predict(X) > 0).all()
    with pytest.raises(
        InputError, match=r"MLPRegressor: y, row 3, column 0: the loss poisson expects targets ≥ 0, got -1\.0"
    ):
        model.fit(X, np.where(np.arange(len(Y)) == 3, -1, Y))
    with pytest.raises(InputError, match=r"y, row 0, column 1: the loss poisson expects targets ≥ 0"):
        MLPRegressor(loss="poisson").fit(X, np.c_[Y, Y - 1])


def test_several_columns_of_classes_are_refused():
    with pytest.raises(InputError, match="MultiOutputClassifier"):
        MLPClassifier().fit(X, np.c_[Y, Y])


def test_another_number_of_targets_is_refused():
    model = MLPRegressor(**SHORT).partial_fit(X, X[:, :2])
    with pytest.raises(InputError, match="expected 2 targets, as before, got 3"):
        model.partial_fit(X, X[:, :3])


def test_a_broken_training_is_both_errors_and_keeps_finite_weights():
    model = MLPRegressor(solver="sgd", learning_rate_init=1e9, **SHORT)
    with pytest.raises(ValueError, match=r"epoch 1, batch \d: .*Solver produced non-finite parameter weights") as error:
        model.fit(X, X[:, 0] * 1e6)
    assert isinstance(error.value, estimators.base.NonFiniteError)
    assert all(np.isfinite(w).all() for w in model.coefs_)


def test_a_large_batch_size_is_said_to_be_cut():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MLPClassifier(**{**SHORT, "batch_size": 1000}).fit(X, Y)
    assert "batch_size=1000 is more than the 150 samples" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_importing_pellucid_does_not_import_scikit_learn():
    import subprocess
    import sys

    code = "import pellucid, pellucid.importers, sys; print(sorted({'sklearn', 'jax', 'pandas'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
