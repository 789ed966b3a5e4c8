"""Many fits of one shape compile once."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from pellucid.estimators import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_digits(return_X_y=True)
X = X[:500] / 16
Y = Y[:500]


def compilations():
    from pellucid.training.engines import compiled

    return {name: getattr(compiled, name)._cache_size() for name in ("run", "judged")}


def search(X, Y, **parameters):
    model = MLPClassifier(backend="jax", max_iter=2, hidden_layer_sizes=9, batch_size=50, **parameters)
    grid = {"alpha": [0.0, 1e-3], "learning_rate_init": [1e-3, 1e-2], "random_state": [0, 1]}
    return GridSearchCV(model, grid, cv=3).fit(X, Y)


def test_a_grid_search_compiles_once(caplog):
    import jax

    before = compilations()
    search(X, Y)  # folds of 333 and 334 samples, then all 500
    after = compilations()
    assert {name: after[name] - before[name] for name in after} == {"run": 1, "judged": 0}
    with jax.log_compiles(True), caplog.at_level("WARNING", logger="jax"):
        search(X[::-1] * 2, Y[::-1], tol=1e-3)
        # Not even a small operation outside of the program.
        assert [record.getMessage() for record in caplog.records if "Compiling" in record.getMessage()] == []
        jax.jit(lambda a: a * 12345 + 1)(1.0)
        assert any("Compiling" in record.getMessage() for record in caplog.records)
    assert compilations() == after


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_fit_compiles_its_program_and_nothing_else(solver, caplog):
    import jax

    with jax.log_compiles(True), caplog.at_level("WARNING", logger="jax"):
        MLPClassifier((11, 13), solver=solver, backend="jax", max_iter=2, alpha=0.1, batch_size=50).fit(X, Y)
    compiled = [r.getMessage() for r in caplog.records if r.getMessage().startswith("Compiling")]
    assert len(compiled) == 1, compiled
    assert compiled[0].startswith("Compiling jit(updates)")


def test_other_momentum_or_width_is_another_program():
    before = compilations()["run"]
    for settings in ({"momentum": 0.5}, {"momentum": 0.6}, {"momentum": 0.6, "learning_rate_init": 0.1, "alpha": 0}):
        MLPClassifier(5, solver="sgd", backend="jax", max_iter=1, batch_size=50, **settings).fit(X, Y)
    assert compilations()["run"] - before == 2


def test_filled_rows_do_not_count():
    from pellucid.training.engines.jax_engine import fill

    assert [fill(n, 1) for n in (1, 2, 3, 5, 64, 65)] == [1, 2, 4, 8, 64, 128]
    for n in (1, 7, 100, 1437, 60_000, 1_000_001):
        assert n <= fill(n, 16) <= max(n * 17 / 16 + 1, n + 1)
    full = {"solver": "sgd", "backend": "jax", "max_iter": 3, "batch_size": 333, "random_state": 0}
    jax_fit = MLPClassifier(5, **full).fit(X[:333], Y[:333])
    numpy_fit = MLPClassifier(5, **{**full, "backend": "numpy"}).fit(X[:333], Y[:333])
    np.testing.assert_allclose(jax_fit.coefs_[0], numpy_fit.coefs_[0], rtol=1e-9, atol=1e-12)
